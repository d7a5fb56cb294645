"""CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE (RFC 9051 sections 6.3.4 to 6.3.8, RFC 6154 section 3)."""

from dataclasses import dataclass

from pillarbox.wire.imap import grammar
from pillarbox.wire.imap.cursor import Cursor
from pillarbox.wire.imap.list_pattern import DELIMITER


@dataclass(slots=True, frozen=True)
class Create:
    """CREATE; `special_use` are the attributes asked for, like \\Archive.

    A delimiter at the end only says that children are meant to follow; it is not part of the name.
    """

    tag: bytes
    mailbox: str
    special_use: tuple[str, ...] = ()


@dataclass(slots=True, frozen=True)
class Delete:
    """DELETE"""

    tag: bytes
    mailbox: str


@dataclass(slots=True, frozen=True)
class Rename:
    """RENAME"""

    tag: bytes
    mailbox: str
    new_name: str


@dataclass(slots=True, frozen=True)
class Subscribe:
    """SUBSCRIBE"""

    tag: bytes
    mailbox: str


@dataclass(slots=True, frozen=True)
class Unsubscribe:
    """UNSUBSCRIBE"""

    tag: bytes
    mailbox: str


def create(tag: bytes, cursor: Cursor) -> Create:
    """create = "CREATE" SP mailbox [SP "(" "USE" SP "(" [use-attr *(SP use-attr)] ")" ")"]"""
    cursor.space()
    mailbox = grammar.mailbox(cursor)
    use: tuple[str, ...] = ()
    if cursor.accept(b" "):
        cursor.expect(b"(", "a parameter list")
        if cursor.word("a parameter") != b"USE":
            raise cursor.error("USE")
        cursor.space()
        use = grammar.flag_list(cursor)
        cursor.expect(b")", "a closing parenthesis")
    cursor.end()
    return Create(tag, mailbox.removesuffix(DELIMITER), use)


def delete(tag: bytes, cursor: Cursor) -> Delete:
    """delete = "DELETE" SP mailbox"""
    return Delete(tag, _only_mailbox(cursor))


def rename(tag: bytes, cursor: Cursor) -> Rename:
    """rename = "RENAME" SP mailbox SP mailbox"""
    cursor.space()
    mailbox = grammar.mailbox(cursor)
    cursor.space()
    new_name = grammar.mailbox(cursor)
    cursor.end()
    return Rename(tag, mailbox, new_name.removesuffix(DELIMITER))


def subscribe(tag: bytes, cursor: Cursor) -> Subscribe:
    """subscribe = "SUBSCRIBE" SP mailbox"""
    return Subscribe(tag, _only_mailbox(cursor))


def unsubscribe(tag: bytes, cursor: Cursor) -> Unsubscribe:
    """unsubscribe = "UNSUBSCRIBE" SP mailbox"""
    return Unsubscribe(tag, _only_mailbox(cursor))


def _only_mailbox(cursor: Cursor) -> str:
    cursor.space()
    mailbox = grammar.mailbox(cursor)
    cursor.end()
    return mailbox
