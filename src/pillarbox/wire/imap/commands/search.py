"""SEARCH and UID SEARCH (RFC 9051 section 6.4.4, RFC 4731, RFC 5182)."""

from dataclasses import dataclass

from pillarbox.wire.imap import grammar
from pillarbox.wire.imap.cursor import Cursor, ParseError
from pillarbox.wire.imap.nouns import SearchReturn
from pillarbox.wire.imap.search_keys import SearchKey, search_keys

_RETURN = {option.value: option for option in SearchReturn}
_CHARSETS = (b"US-ASCII", b"UTF-8")


@dataclass(slots=True, frozen=True)
class Search:
    """SEARCH. `returns` is None without RETURN; an empty RETURN () means ALL and comes out so."""

    tag: bytes
    uid: bool
    key: SearchKey
    returns: frozenset[SearchReturn] | None = None


def search(tag: bytes, cursor: Cursor) -> Search:
    """search = "SEARCH" [search-return-opts] SP search-program"""
    return _parse(tag, cursor, False)


def uid_search(tag: bytes, cursor: Cursor) -> Search:
    """uid = "UID" SP search"""
    return _parse(tag, cursor, True)


def _parse(tag: bytes, cursor: Cursor, uid: bool) -> Search:
    cursor.space()
    returns = None
    if _keyword(cursor, b"RETURN "):
        returns = search_return_opts(cursor)
        cursor.space()
    if _keyword(cursor, b"CHARSET "):
        charset(cursor)
        cursor.space()
    key = search_keys(cursor)
    cursor.end()
    return Search(tag, uid, key, returns)


def _keyword(cursor: Cursor, word: bytes) -> bool:
    if cursor.data[cursor.pos : cursor.pos + len(word)].upper() != word:
        return False
    cursor.pos += len(word)
    return True


def search_return_opts(cursor: Cursor) -> frozenset[SearchReturn]:
    """search-return-opts = SP "RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")" """
    options = set()
    for word in grammar.value_list(cursor, "result option"):
        option = _RETURN.get(word)
        if option is None:
            raise ParseError("unknown result option")
        options.add(option)
    return frozenset(options or {SearchReturn.ALL})


def charset(cursor: Cursor) -> None:
    """ "CHARSET" SP charset; charset = atom / quoted. Anything but US-ASCII and UTF-8 is refused."""
    name = grammar.astring(cursor, "a character set").upper()
    if name not in _CHARSETS:
        raise ParseError("character set not supported", b"BADCHARSET (US-ASCII UTF-8)", refused=True)
