"""FETCH and UID FETCH (RFC 9051 section 6.4.5; CHANGEDSINCE and VANISHED: RFC 7162).

UID FETCH always answers with the UID.
"""

from dataclasses import dataclass

from pillarbox.wire.imap import grammar
from pillarbox.wire.imap.cursor import Cursor, ParseError
from pillarbox.wire.imap.fetch_items import Attribute, FetchItem, fetch_items
from pillarbox.wire.imap.sequence_set import SequenceSet


@dataclass(slots=True, frozen=True)
class Fetch:
    """FETCH; `items` without doubles, UID first among them for UID FETCH.

    `vanished`: also tell what is gone since `changed_since`, for clients that have enabled QRESYNC.
    """

    tag: bytes
    uid: bool
    messages: SequenceSet
    items: tuple[FetchItem, ...]
    changed_since: int | None = None
    vanished: bool = False


def fetch(tag: bytes, cursor: Cursor) -> Fetch:
    """fetch = "FETCH" SP sequence-set SP ("ALL" / "FULL" / "FAST" / fetch-att / "(" ... ")") [fetch-modifiers]"""
    return _parse(tag, cursor, False)


def uid_fetch(tag: bytes, cursor: Cursor) -> Fetch:
    """uid = "UID" SP fetch"""
    return _parse(tag, cursor, True)


def _parse(tag: bytes, cursor: Cursor, uid: bool) -> Fetch:
    cursor.space()
    messages = grammar.sequence_set(cursor)
    cursor.space()
    items = fetch_items(cursor)
    if uid and items[0] is not Attribute.UID:
        items = (Attribute.UID, *(item for item in items if item is not Attribute.UID))
    changed_since, vanished = None, False
    if cursor.accept(b" ("):
        changed_since, vanished = fetch_modifiers(cursor)
        if vanished and not uid:
            raise ParseError("VANISHED is for UID FETCH")
    cursor.end()
    return Fetch(tag, uid, messages, items, changed_since, vanished)


def fetch_modifiers(cursor: Cursor) -> tuple[int | None, bool]:
    """fetch-modifier *(SP fetch-modifier) ")", each at most once: chgsince-fetch-mod / rexpunges-fetch-mod"""
    changed_since, vanished = None, False
    while True:
        word = cursor.word("a modifier")
        if word == b"CHANGEDSINCE" and changed_since is None:
            cursor.space()
            changed_since = grammar.number64(cursor)
        elif word == b"VANISHED" and not vanished:
            vanished = True
        else:
            raise ParseError("unknown modifier")
        if cursor.accept(b")"):
            break
        cursor.space()
    if vanished and changed_since is None:
        raise ParseError("VANISHED needs CHANGEDSINCE")
    return changed_since, vanished
