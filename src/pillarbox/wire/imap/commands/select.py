"""SELECT and EXAMINE (RFC 9051 sections 6.3.2 and 6.3.3; parameters: RFC 4466, CONDSTORE: RFC 7162)."""

from dataclasses import dataclass

from pillarbox.wire.imap import grammar
from pillarbox.wire.imap.cursor import Cursor, ParseError


@dataclass(slots=True, frozen=True)
class Select:
    """SELECT, or EXAMINE if `read_only`."""

    tag: bytes
    mailbox: str
    read_only: bool = False
    condstore: bool = False


def select(tag: bytes, cursor: Cursor) -> Select:
    """select = "SELECT" SP mailbox [select-params]"""
    return _parse(tag, cursor, False)


def examine(tag: bytes, cursor: Cursor) -> Select:
    """examine = "EXAMINE" SP mailbox [select-params]"""
    return _parse(tag, cursor, True)


def _parse(tag: bytes, cursor: Cursor, read_only: bool) -> Select:
    cursor.space()
    mailbox = grammar.mailbox(cursor)
    condstore = False
    if cursor.accept(b" ("):
        cursor.pos -= 1
        if grammar.value_list(cursor, "parameter") != [b"CONDSTORE"]:
            raise ParseError("unknown parameter")
        condstore = True
    cursor.end()
    return Select(tag, mailbox, read_only, condstore)
