"""EXPUNGE and UID EXPUNGE (RFC 9051 sections 6.4.3 and 6.4.9, RFC 4315)."""

from dataclasses import dataclass

from pillarbox.wire.imap import grammar
from pillarbox.wire.imap.cursor import Cursor
from pillarbox.wire.imap.sequence_set import SequenceSet


@dataclass(slots=True, frozen=True)
class Expunge:
    """EXPUNGE: all \\Deleted messages, or only those among `uids`."""

    tag: bytes
    uids: SequenceSet | None = None


def expunge(tag: bytes, cursor: Cursor) -> Expunge:
    """expunge = "EXPUNGE" """
    cursor.end()
    return Expunge(tag)


def uid_expunge(tag: bytes, cursor: Cursor) -> Expunge:
    """uid-expunge = "UID" SP "EXPUNGE" SP sequence-set"""
    cursor.space()
    uids = grammar.sequence_set(cursor)
    cursor.end()
    return Expunge(tag, uids)
