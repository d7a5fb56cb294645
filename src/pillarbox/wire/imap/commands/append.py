"""APPEND and REPLACE: the command up to its message, which is streamed (RFC 9051 section 6.3.12, RFC 3516, RFC 7889).

The message never becomes part of a command: `parse_append` and `parse_replace` read what stands before the literal,
`parse_next` what stands between one message and the next (MULTIAPPEND, RFC 3502). REPLACE (RFC 8508) is an APPEND
that puts its message in the place of another.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

from pillarbox.wire.imap import grammar
from pillarbox.wire.imap.cursor import Cursor
from pillarbox.wire.imap.fragments import Literal
from pillarbox.wire.imap.sequence_set import STAR

_UTF8 = re.compile(rb"UTF8 \(", re.IGNORECASE)
_ANNOUNCEMENT = re.compile(rb"~?\{[0-9]{1,20}\+?\}\r\n")


class Replaced(NamedTuple):
    """The message that goes when the new one has come: a sequence number (`STAR` is the last one's), or a uid."""

    number: int
    uid: bool


@dataclass(slots=True, frozen=True)
class AppendStart:
    """A message is offered: `size` octets for `mailbox`, flags and INTERNALDATE (microseconds UTC, None: now).

    Answer with `Continue` to have it sent, or with a `Tagged` NO. `binary`: it comes as a literal8 and may hold NULs;
    `utf8`: within UTF8 (...), RFC 6855 section 4.
    """

    tag: bytes
    mailbox: str
    flags: tuple[str, ...]
    date: int | None
    size: int
    binary: bool = False
    utf8: bool = False
    replaced: Replaced | None = None


@dataclass(slots=True, frozen=True)
class AppendNext:
    """The message before is complete, and another one is offered, to be answered as an `AppendStart`.

    They are kept together or not at all. A `size` of 0 tells that the client has changed its mind (RFC 3502).
    """

    tag: bytes
    flags: tuple[str, ...]
    date: int | None
    size: int
    binary: bool = False
    utf8: bool = False


@dataclass(slots=True, frozen=True)
class AppendChunk:
    """The next octets of the message, at most 256 KiB. Not answered; a `Tagged` NO stops the rest from coming."""

    data: bytes


@dataclass(slots=True, frozen=True)
class AppendEnd:
    """The message is complete: keep it and answer with a `Tagged`."""

    tag: bytes


@dataclass(slots=True, frozen=True)
class AppendAborted:
    """The message will not be completed: drop what was received. Not answered."""

    tag: bytes
    reason: str


def parse_append(tag: bytes, cursor: Cursor, literal: Literal) -> AppendStart | None:
    """append = "APPEND" SP mailbox 1*append-message, up to the first literal's announcement

    The cursor's text ends with that announcement. None if the literal is not the message but the mailbox's name,
    which has yet to come.
    """
    return _parse(tag, cursor, literal, None)


def parse_replace(tag: bytes, cursor: Cursor, literal: Literal, uid: bool) -> AppendStart | None:
    """replace = "REPLACE" SP seq-number SP mailbox append-message (RFC 8508 section 5), likewise"""
    cursor.space()
    number = STAR if cursor.accept(b"*") else grammar.nz_number(cursor)
    return _parse(tag, cursor, literal, Replaced(number, uid))


def _parse(tag: bytes, cursor: Cursor, literal: Literal, replaced: Replaced | None) -> AppendStart | None:
    cursor.space()
    if _ANNOUNCEMENT.fullmatch(cursor.data, cursor.pos) and not literal.binary:
        return None
    mailbox = grammar.mailbox(cursor)
    flags, date, utf8 = append_message(cursor)
    return AppendStart(tag, mailbox, flags, date, literal.size, literal.binary, utf8, replaced)


def parse_next(tag: bytes, cursor: Cursor, literal: Literal) -> AppendNext:
    """append-message, behind a message"""
    flags, date, utf8 = append_message(cursor)
    return AppendNext(tag, flags, date, literal.size, literal.binary, utf8)


def append_message(cursor: Cursor) -> tuple[tuple[str, ...], int | None, bool]:
    """append-message = [SP flag-list] [SP date-time] SP (literal / "UTF8" SP "(" literal8 ")"), up to the announcement

    Flags, date, and whether UTF8 stands there.
    """
    cursor.space()
    flags: tuple[str, ...] = ()
    if cursor.peek() == b"(":
        flags = grammar.flag_list(cursor)
        cursor.space()
    date = None
    if cursor.peek() == b'"':
        date = grammar.date_time(cursor)
        cursor.space()
    utf8 = cursor.utf8 and cursor.match(_UTF8) is not None
    if not _ANNOUNCEMENT.fullmatch(cursor.data, cursor.pos) or (utf8 and cursor.peek() != b"~"):
        raise cursor.error("the message")
    return flags, date, utf8
