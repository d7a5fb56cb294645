"""COPY, MOVE, UID COPY, UID MOVE (RFC 9051 sections 6.4.7 and 6.4.8)."""

from dataclasses import dataclass

from pillarbox.wire.imap import grammar
from pillarbox.wire.imap.cursor import Cursor
from pillarbox.wire.imap.sequence_set import SequenceSet


@dataclass(slots=True, frozen=True)
class Copy:
    """COPY"""

    tag: bytes
    uid: bool
    messages: SequenceSet
    mailbox: str


@dataclass(slots=True, frozen=True)
class Move:
    """MOVE"""

    tag: bytes
    uid: bool
    messages: SequenceSet
    mailbox: str


def copy(tag: bytes, cursor: Cursor) -> Copy:
    """copy = "COPY" SP sequence-set SP mailbox"""
    return Copy(tag, False, *_arguments(cursor))


def uid_copy(tag: bytes, cursor: Cursor) -> Copy:
    """uid = "UID" SP copy"""
    return Copy(tag, True, *_arguments(cursor))


def move(tag: bytes, cursor: Cursor) -> Move:
    """move = "MOVE" SP sequence-set SP mailbox"""
    return Move(tag, False, *_arguments(cursor))


def uid_move(tag: bytes, cursor: Cursor) -> Move:
    """uid = "UID" SP move"""
    return Move(tag, True, *_arguments(cursor))


def _arguments(cursor: Cursor) -> tuple[SequenceSet, str]:
    cursor.space()
    messages = grammar.sequence_set(cursor)
    cursor.space()
    mailbox = grammar.mailbox(cursor)
    cursor.end()
    return messages, mailbox
