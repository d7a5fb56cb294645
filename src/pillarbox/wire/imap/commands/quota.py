"""GETQUOTA, GETQUOTAROOT, SETQUOTA (RFC 9208 section 4)."""

from dataclasses import dataclass

from pillarbox.wire.imap import grammar
from pillarbox.wire.imap.cursor import Cursor


@dataclass(slots=True, frozen=True)
class GetQuota:
    """GETQUOTA of a quota root."""

    tag: bytes
    root: str


@dataclass(slots=True, frozen=True)
class GetQuotaRoot:
    """GETQUOTAROOT of a mailbox."""

    tag: bytes
    mailbox: str


@dataclass(slots=True, frozen=True)
class SetQuota:
    """SETQUOTA; `limits` are (resource in capitals, limit)."""

    tag: bytes
    root: str
    limits: tuple[tuple[str, int], ...]


def getquota(tag: bytes, cursor: Cursor) -> GetQuota:
    """getquota = "GETQUOTA" SP quota-root-name; quota-root-name = astring"""
    root = _root(cursor)
    cursor.end()
    return GetQuota(tag, root)


def getquotaroot(tag: bytes, cursor: Cursor) -> GetQuotaRoot:
    """getquotaroot = "GETQUOTAROOT" SP mailbox"""
    cursor.space()
    mailbox = grammar.mailbox(cursor)
    cursor.end()
    return GetQuotaRoot(tag, mailbox)


def setquota(tag: bytes, cursor: Cursor) -> SetQuota:
    """setquota = "SETQUOTA" SP quota-root-name SP setquota-list; setquota-list = "(" [resource SP number ...] ")" """
    root = _root(cursor)
    cursor.space()
    cursor.expect(b"(", "a list of limits")
    limits: list[tuple[str, int]] = []
    while not cursor.accept(b")"):
        if limits:
            cursor.space()
        resource = grammar.atom(cursor, "a resource").upper().decode("ascii")
        cursor.space()
        limits.append((resource, grammar.number64(cursor)))
    cursor.end()
    return SetQuota(tag, root, tuple(limits))


def _root(cursor: Cursor) -> str:
    cursor.space()
    return grammar.text(grammar.astring(cursor, "a quota root"), "the quota root")
