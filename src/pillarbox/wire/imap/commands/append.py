"""APPEND: the command up to its message, which is streamed (RFC 9051 section 6.3.12, RFC 3516, RFC 7889).

The message never becomes part of a command: `parse_append` reads what stands before the literal. MULTIAPPEND
(RFC 3502) would repeat `append-message` on the same tag, CATENATE (RFC 4469) take the place of the literal.
"""

import re
from dataclasses import dataclass

from pillarbox.wire.imap import grammar
from pillarbox.wire.imap.cursor import Cursor
from pillarbox.wire.imap.fragments import Literal

_ANNOUNCEMENT = re.compile(rb"~?\{[0-9]{1,20}\+?\}\r\n")


@dataclass(slots=True, frozen=True)
class AppendStart:
    """A message is offered: `size` octets for `mailbox`, flags and INTERNALDATE (microseconds UTC, None: now).

    Answer with `Continue` to have it sent, or with a `Tagged` NO. `binary`: it comes as a literal8 and may hold NULs.
    """

    tag: bytes
    mailbox: str
    flags: tuple[str, ...]
    date: int | None
    size: int
    binary: bool = False


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
    """append = "APPEND" SP mailbox [SP flag-list] [SP date-time] SP literal, up to the literal's announcement

    The cursor's text ends with that announcement. None if the literal is not the message but the mailbox's name,
    which has yet to come.
    """
    cursor.space()
    if _ANNOUNCEMENT.fullmatch(cursor.data, cursor.pos) and not literal.binary:
        return None
    mailbox = grammar.mailbox(cursor)
    cursor.space()
    flags: tuple[str, ...] = ()
    if cursor.peek() == b"(":
        flags = grammar.flag_list(cursor)
        cursor.space()
    date = None
    if cursor.peek() == b'"':
        date = grammar.date_time(cursor)
        cursor.space()
    if not _ANNOUNCEMENT.fullmatch(cursor.data, cursor.pos):
        raise cursor.error("the message")
    return AppendStart(tag, mailbox, flags, date, literal.size, literal.binary)
