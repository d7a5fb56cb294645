"""FETCH and UID FETCH (RFC 9051 section 6.4.5; CHANGEDSINCE: RFC 7162). UID FETCH always answers with the UID."""

from dataclasses import dataclass

from pillarbox.wire.imap import grammar
from pillarbox.wire.imap.cursor import Cursor, ParseError
from pillarbox.wire.imap.fetch_items import Attribute, FetchItem, fetch_items
from pillarbox.wire.imap.sequence_set import SequenceSet


@dataclass(slots=True, frozen=True)
class Fetch:
    """FETCH; `items` without doubles, UID first among them for UID FETCH."""

    tag: bytes
    uid: bool
    messages: SequenceSet
    items: tuple[FetchItem, ...]
    changed_since: int | None = None


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
    changed_since = None
    if cursor.accept(b" ("):
        if cursor.word("a modifier") != b"CHANGEDSINCE":
            raise ParseError("unknown modifier")
        cursor.space()
        changed_since = grammar.number64(cursor)
        cursor.expect(b")", "a closing parenthesis")
    cursor.end()
    return Fetch(tag, uid, messages, items, changed_since)
