"""SELECT and EXAMINE (RFC 9051 sections 6.3.2 and 6.3.3; parameters: RFC 4466, CONDSTORE and QRESYNC: RFC 7162)."""

from dataclasses import dataclass
from typing import NamedTuple

from pillarbox.wire.imap import grammar
from pillarbox.wire.imap.cursor import Cursor, ParseError
from pillarbox.wire.imap.sequence_set import STAR, SequenceSet


class Resync(NamedTuple):
    """What a client knows of the mailbox it selects (RFC 7162 section 3.2.5).

    Without `known`, these are all uids up to now. `match` are some sequence numbers and, item by item, the uids they
    had; both rise.
    """

    uid_validity: int
    modseq: int
    known: SequenceSet | None = None
    match: tuple[SequenceSet, SequenceSet] | None = None


@dataclass(slots=True, frozen=True)
class Select:
    """SELECT, or EXAMINE if `read_only`. `resync` is for clients that have enabled QRESYNC."""

    tag: bytes
    mailbox: str
    read_only: bool = False
    condstore: bool = False
    resync: Resync | None = None


def select(tag: bytes, cursor: Cursor) -> Select:
    """select = "SELECT" SP mailbox [select-params]"""
    return _parse(tag, cursor, False)


def examine(tag: bytes, cursor: Cursor) -> Select:
    """examine = "EXAMINE" SP mailbox [select-params]"""
    return _parse(tag, cursor, True)


def _parse(tag: bytes, cursor: Cursor, read_only: bool) -> Select:
    cursor.space()
    mailbox = grammar.mailbox(cursor)
    condstore, resync = False, None
    if cursor.accept(b" "):
        condstore, resync = select_params(cursor)
    cursor.end()
    return Select(tag, mailbox, read_only, condstore, resync)


def select_params(cursor: Cursor) -> tuple[bool, Resync | None]:
    """select-params = "(" select-param *(SP select-param) ")", each at most once"""
    cursor.expect(b"(", "a list of parameters")
    condstore, resync = False, None
    while True:
        word = cursor.word("a parameter")
        if word == b"CONDSTORE" and not condstore:
            condstore = True
        elif word == b"QRESYNC" and resync is None:
            cursor.space()
            resync = qresync_param(cursor)
        else:
            raise ParseError("unknown parameter")
        if cursor.accept(b")"):
            return condstore, resync
        cursor.space()


def qresync_param(cursor: Cursor) -> Resync:
    """ "(" uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data] ")" """
    cursor.expect(b"(", "what is known of the mailbox")
    uid_validity = grammar.nz_number(cursor)
    cursor.space()
    modseq = grammar.number64(cursor)
    known, match = None, None
    if cursor.accept(b" ") and cursor.peek() != b"(":
        known = known_set(cursor)
        cursor.accept(b" ")
    if cursor.peek() == b"(":
        match = seq_match_data(cursor)
    cursor.expect(b")", "a closing parenthesis")
    return Resync(uid_validity, modseq, known, match)


def seq_match_data(cursor: Cursor) -> tuple[SequenceSet, SequenceSet]:
    """seq-match-data = "(" known-sequence-set SP known-uid-set ")" """
    cursor.expect(b"(", "a list of numbers and their UIDs")
    numbers = _rising(known_set(cursor))
    cursor.space()
    uids = _rising(known_set(cursor))
    cursor.expect(b")", "a closing parenthesis")
    if _size(numbers) != _size(uids):
        raise ParseError("every number has one UID")
    return numbers, uids


def known_set(cursor: Cursor) -> SequenceSet:
    """known-uids = sequence-set, without "*" """
    found = grammar.sequence_set(cursor)
    if found.saved or any(high == STAR for _, high in found.ranges):
        raise ParseError("numbers that are known are written as numbers")
    return found


def _rising(numbers: SequenceSet) -> SequenceSet:
    last = 0
    for low, high in numbers.ranges:
        if low <= last:
            raise ParseError("numbers and their UIDs must rise")
        last = high
    return numbers


def _size(numbers: SequenceSet) -> int:
    return sum(high - low + 1 for low, high in numbers.ranges)
