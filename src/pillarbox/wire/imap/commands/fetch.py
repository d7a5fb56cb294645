"""FETCH and UID FETCH (RFC 9051 section 6.4.5; CHANGEDSINCE and VANISHED: RFC 7162).

UID FETCH always answers with the UID.
"""

from dataclasses import dataclass
from typing import NamedTuple

from pillarbox.wire.imap import grammar
from pillarbox.wire.imap.commands.search import partial_range
from pillarbox.wire.imap.cursor import Cursor, ParseError
from pillarbox.wire.imap.fetch_items import Attribute, FetchItem, fetch_items
from pillarbox.wire.imap.nouns import PartialRange
from pillarbox.wire.imap.sequence_set import SequenceSet


@dataclass(slots=True, frozen=True)
class Fetch:
    """FETCH; `items` without doubles, UID first among them for UID FETCH.

    `vanished`: also tell what is gone since `changed_since`, for clients that have enabled QRESYNC. `partial`: only
    that part of the messages meant (RFC 9394).
    """

    tag: bytes
    uid: bool
    messages: SequenceSet
    items: tuple[FetchItem, ...]
    changed_since: int | None = None
    vanished: bool = False
    partial: PartialRange | None = None


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
    modifiers = fetch_modifiers(cursor) if cursor.accept(b" (") else Modifiers()
    if not uid and (modifiers.vanished or modifiers.partial):
        raise ParseError("VANISHED and PARTIAL are for UID FETCH")
    cursor.end()
    return Fetch(tag, uid, messages, items, *modifiers)


class Modifiers(NamedTuple):
    """What of FETCH stands in parentheses at its end."""

    changed_since: int | None = None
    vanished: bool = False
    partial: PartialRange | None = None


def fetch_modifiers(cursor: Cursor) -> Modifiers:
    """fetch-modifier *(SP fetch-modifier) ")", each at most once: chgsince-fetch-mod / rexpunges-fetch-mod /
    "PARTIAL" SP partial-range"""
    changed_since, vanished, partial = Modifiers()
    while True:
        word = cursor.word("a modifier")
        if word == b"CHANGEDSINCE" and changed_since is None:
            cursor.space()
            changed_since = grammar.number64(cursor)
        elif word == b"VANISHED" and not vanished:
            vanished = True
        elif word == b"PARTIAL" and partial is None:
            cursor.space()
            partial = partial_range(cursor)
        else:
            raise ParseError("unknown modifier")
        if cursor.accept(b")"):
            break
        cursor.space()
    if vanished and changed_since is None:
        raise ParseError("VANISHED needs CHANGEDSINCE")
    return Modifiers(changed_since, vanished, partial)
