"""SEARCH and UID SEARCH (RFC 9051 section 6.4.4), and what SORT and ESEARCH share with them.

Result options are RFC 4731's and those of RFC 5182 (SAVE), RFC 5267 (CONTEXT, UPDATE), RFC 9394 (PARTIAL) and RFC 6203
(RELEVANCY).
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

from pillarbox.wire.imap import grammar
from pillarbox.wire.imap.cursor import Cursor, ParseError
from pillarbox.wire.imap.nouns import PartialRange, SearchReturn
from pillarbox.wire.imap.search_keys import Fuzzy, SearchKey, every_key, search_keys
from pillarbox.wire.imap.sequence_set import MAX_NUMBER

_RETURN = {option.value: option for option in SearchReturn}
_CHARSETS = (b"US-ASCII", b"UTF-8")
_PARTIAL = re.compile(rb"(-?)([1-9][0-9]{0,9}):(-?)([1-9][0-9]{0,9})")


class Returns(NamedTuple):
    """What a search is to answer; `partial` with SearchReturn.PARTIAL. Empty options mean ALL and come out so."""

    options: frozenset[SearchReturn]
    partial: PartialRange | None = None


@dataclass(slots=True, frozen=True)
class Search:
    """SEARCH. `returns` is None without RETURN."""

    tag: bytes
    uid: bool
    key: SearchKey
    returns: Returns | None = None


def search(tag: bytes, cursor: Cursor) -> Search:
    """search = "SEARCH" [search-return-opts] SP search-program"""
    return _parse(tag, cursor, False)


def uid_search(tag: bytes, cursor: Cursor) -> Search:
    """uid = "UID" SP search"""
    return _parse(tag, cursor, True)


def _parse(tag: bytes, cursor: Cursor, uid: bool) -> Search:
    cursor.space()
    returns = search_return_opts(cursor)
    key = search_program(cursor)
    check_relevancy(returns is not None and SearchReturn.RELEVANCY in returns.options, key)
    return Search(tag, uid, key, returns)


def search_program(cursor: Cursor) -> SearchKey:
    """search-program = ["CHARSET" SP charset SP] search-key *(SP search-key), to the command's end"""
    if keyword(cursor, b"CHARSET "):
        charset(cursor)
        cursor.space()
    key = search_keys(cursor)
    cursor.end()
    return key


def keyword(cursor: Cursor, word: bytes) -> bool:
    """Steps over `word` (in capitals) if it stands here."""
    if cursor.data[cursor.pos : cursor.pos + len(word)].upper() != word:
        return False
    cursor.pos += len(word)
    return True


def search_return_opts(cursor: Cursor) -> Returns | None:
    """search-return-opts = SP "RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")", and the space behind"""
    if not keyword(cursor, b"RETURN "):
        return None
    cursor.expect(b"(", "a list of result options")
    options: set[SearchReturn] = set()
    partial = None
    while not cursor.accept(b")"):
        if options:
            cursor.space()
        option = _RETURN.get(cursor.word("a result option"))
        if option is None:
            raise ParseError("unknown result option")
        if option is SearchReturn.PARTIAL:
            if partial is not None:
                raise ParseError("PARTIAL given twice")
            cursor.space()
            partial = partial_range(cursor)
        options.add(option)
    if partial is not None and SearchReturn.ALL in options:
        raise ParseError("ALL and PARTIAL exclude each other")
    cursor.space()
    return Returns(frozenset(options or {SearchReturn.ALL}), partial)


def partial_range(cursor: Cursor) -> PartialRange:
    """partial-range = partial-range-first / partial-range-last (RFC 9394)"""
    found = cursor.match(_PARTIAL)
    if found is None:
        raise cursor.error("a range like 1:100 or -1:-100")
    if found[1] != found[3]:
        raise ParseError("a range is counted from one end")
    low, high = sorted((int(found[2]), int(found[4])))
    if high > MAX_NUMBER:
        raise ParseError("number above 4294967295")
    return PartialRange(-low, -high) if found[1] else PartialRange(low, high)


def check_relevancy(asked: bool, key: SearchKey) -> None:
    """RELEVANCY needs a FUZZY key (RFC 6203 sections 4 and 5)."""
    if asked and not any(isinstance(each, Fuzzy) for each in every_key(key)):
        raise ParseError("RELEVANCY is for searches with FUZZY")


def charset(cursor: Cursor) -> None:
    """charset = atom / quoted. Anything but US-ASCII and UTF-8 is refused."""
    name = grammar.astring(cursor, "a character set").upper()
    if name not in _CHARSETS:
        raise ParseError("character set not supported", b"BADCHARSET (US-ASCII UTF-8)", refused=True)
