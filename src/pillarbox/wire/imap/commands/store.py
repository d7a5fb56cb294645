"""STORE and UID STORE (RFC 9051 section 6.4.6; UNCHANGEDSINCE: RFC 7162)."""

import re
from dataclasses import dataclass

from pillarbox.wire.imap import grammar
from pillarbox.wire.imap.cursor import Cursor, ParseError
from pillarbox.wire.imap.nouns import StoreAction
from pillarbox.wire.imap.sequence_set import SequenceSet

_NAME = re.compile(rb"([+-]?)FLAGS(\.SILENT)?", re.IGNORECASE)
_ACTIONS = {b"": StoreAction.REPLACE, b"+": StoreAction.ADD, b"-": StoreAction.REMOVE}


@dataclass(slots=True, frozen=True)
class Store:
    """STORE; `silent`: the client does not want to see the new flags."""

    tag: bytes
    uid: bool
    messages: SequenceSet
    action: StoreAction
    flags: tuple[str, ...]
    silent: bool = False
    unchanged_since: int | None = None


def store(tag: bytes, cursor: Cursor) -> Store:
    """store = "STORE" SP sequence-set [store-modifiers] SP store-att-flags"""
    return _parse(tag, cursor, False)


def uid_store(tag: bytes, cursor: Cursor) -> Store:
    """uid = "UID" SP store"""
    return _parse(tag, cursor, True)


def _parse(tag: bytes, cursor: Cursor, uid: bool) -> Store:
    cursor.space()
    messages = grammar.sequence_set(cursor)
    cursor.space()
    unchanged_since = None
    if cursor.accept(b"("):
        if cursor.word("a modifier") != b"UNCHANGEDSINCE":
            raise ParseError("unknown modifier")
        cursor.space()
        unchanged_since = grammar.number64(cursor)
        cursor.expect(b") ", "a closing parenthesis and a space")
    action, silent, flags = store_att_flags(cursor)
    cursor.end()
    return Store(tag, uid, messages, action, flags, silent, unchanged_since)


def store_att_flags(cursor: Cursor) -> tuple[StoreAction, bool, tuple[str, ...]]:
    """store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP (flag-list / (flag *(SP flag)))"""
    name = cursor.match(_NAME)
    if name is None:
        raise cursor.error("FLAGS, +FLAGS or -FLAGS")
    cursor.space()
    if cursor.peek() == b"(":
        flags = grammar.flag_list(cursor)
    else:
        found = [grammar.flag(cursor)]
        while cursor.accept(b" "):
            found.append(grammar.flag(cursor))
        flags = tuple(dict.fromkeys(found))
    return _ACTIONS[name[1]], name[2] is not None, flags
