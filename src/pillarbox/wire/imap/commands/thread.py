"""THREAD and UID THREAD (RFC 5256 section 3)."""

from dataclasses import dataclass

from pillarbox.wire.imap import grammar
from pillarbox.wire.imap.commands.sort import search_criteria
from pillarbox.wire.imap.cursor import Cursor, ParseError
from pillarbox.wire.imap.nouns import ThreadAlgorithm
from pillarbox.wire.imap.search_keys import SearchKey

_ALGORITHMS = {algorithm.value: algorithm for algorithm in ThreadAlgorithm}


@dataclass(slots=True, frozen=True)
class Thread:
    """THREAD: the messages that `key` finds, put together in threads."""

    tag: bytes
    uid: bool
    algorithm: ThreadAlgorithm
    key: SearchKey


def thread(tag: bytes, cursor: Cursor) -> Thread:
    """thread = "THREAD" SP thread-alg SP search-criteria"""
    return _parse(tag, cursor, False)


def uid_thread(tag: bytes, cursor: Cursor) -> Thread:
    """thread = "UID" SP "THREAD" SP thread-alg SP search-criteria"""
    return _parse(tag, cursor, True)


def _parse(tag: bytes, cursor: Cursor, uid: bool) -> Thread:
    cursor.space()
    algorithm = _ALGORITHMS.get(grammar.atom(cursor, "a threading algorithm").upper())
    if algorithm is None:
        raise ParseError("unknown threading algorithm")
    cursor.space()
    return Thread(tag, uid, algorithm, search_criteria(cursor))
