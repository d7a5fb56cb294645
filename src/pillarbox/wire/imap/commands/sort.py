"""SORT and UID SORT (RFC 5256), their result options (ESORT, RFC 5267) and sorting by names (RFC 5957)."""

from dataclasses import dataclass

from pillarbox.wire.imap.commands.search import Returns, charset, check_relevancy, search_return_opts
from pillarbox.wire.imap.cursor import Cursor, ParseError
from pillarbox.wire.imap.nouns import SearchReturn, SortField, SortKey
from pillarbox.wire.imap.search_keys import SearchKey, search_keys

_FIELDS = {field.value: field for field in SortField}
_MOST_KEYS = 32


@dataclass(slots=True, frozen=True)
class Sort:
    """SORT: the messages that `key` finds, in this order. `returns` is None without RETURN."""

    tag: bytes
    uid: bool
    order: tuple[SortKey, ...]
    key: SearchKey
    returns: Returns | None = None


def sort(tag: bytes, cursor: Cursor) -> Sort:
    """sort = "SORT" [search-return-opts] SP sort-criteria SP search-criteria"""
    return _parse(tag, cursor, False)


def uid_sort(tag: bytes, cursor: Cursor) -> Sort:
    """sort = "UID" SP "SORT" [search-return-opts] SP sort-criteria SP search-criteria"""
    return _parse(tag, cursor, True)


def _parse(tag: bytes, cursor: Cursor, uid: bool) -> Sort:
    cursor.space()
    returns = search_return_opts(cursor)
    order = sort_criteria(cursor)
    cursor.space()
    key = search_criteria(cursor)
    asked = returns is not None and SearchReturn.RELEVANCY in returns.options
    check_relevancy(asked or any(each.field is SortField.RELEVANCY for each in order), key)
    return Sort(tag, uid, order, key, returns)


def sort_criteria(cursor: Cursor) -> tuple[SortKey, ...]:
    """sort-criteria = "(" sort-criterion *(SP sort-criterion) ")" """
    cursor.expect(b"(", "a list of sort keys")
    keys = [sort_criterion(cursor)]
    while cursor.accept(b" "):
        keys.append(sort_criterion(cursor))
        if len(keys) > _MOST_KEYS:
            raise ParseError(f"more than {_MOST_KEYS} sort keys")
    cursor.expect(b")", "a closing parenthesis")
    return tuple(keys)


def sort_criterion(cursor: Cursor) -> SortKey:
    """sort-criterion = ["REVERSE" SP] sort-key"""
    word = cursor.word("a sort key")
    reverse = word == b"REVERSE"
    if reverse:
        cursor.space()
        word = cursor.word("a sort key")
    field = _FIELDS.get(word)
    if field is None:
        raise ParseError("unknown sort key")
    return SortKey(field, reverse)


def search_criteria(cursor: Cursor) -> SearchKey:
    """search-criteria = charset 1*(SP search-key), to the command's end"""
    charset(cursor)
    cursor.space()
    key = search_keys(cursor)
    cursor.end()
    return key
