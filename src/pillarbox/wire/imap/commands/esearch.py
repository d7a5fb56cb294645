"""ESEARCH: one search in several mailboxes (RFC 7377)."""

from dataclasses import dataclass
from typing import NamedTuple

from pillarbox.wire.imap import grammar
from pillarbox.wire.imap.commands.search import Returns, check_relevancy, keyword, search_program, search_return_opts
from pillarbox.wire.imap.cursor import Cursor, ParseError
from pillarbox.wire.imap.nouns import MailboxFilter, SearchReturn
from pillarbox.wire.imap.search_keys import SearchKey

_FILTERS = {each.value: each for each in MailboxFilter}
_NAMED = frozenset({MailboxFilter.SUBTREE, MailboxFilter.SUBTREE_ONE, MailboxFilter.MAILBOXES})
_MOST_SOURCES = 1000


class Source(NamedTuple):
    """Some mailboxes: a filter and the names that it is about, if it takes any."""

    filter: MailboxFilter
    names: tuple[str, ...] = ()


@dataclass(slots=True, frozen=True)
class Esearch:
    """ESEARCH; without IN the source is the selected mailbox. `returns` is None without RETURN."""

    tag: bytes
    sources: tuple[Source, ...]
    key: SearchKey
    returns: Returns | None = None


def esearch(tag: bytes, cursor: Cursor) -> Esearch:
    """esearch = "ESEARCH" [SP esearch-source-opts] [SP search-return-opts] SP search-program"""
    cursor.space()
    sources: tuple[Source, ...] = (Source(MailboxFilter.SELECTED),)
    if keyword(cursor, b"IN "):
        sources = esearch_source_opts(cursor)
        cursor.space()
    returns = search_return_opts(cursor)
    key = search_program(cursor)
    options = returns.options if returns is not None else frozenset()
    if SearchReturn.UPDATE in options or SearchReturn.CONTEXT in options:
        raise ParseError("no contexts with ESEARCH")
    check_relevancy(SearchReturn.RELEVANCY in options, key)
    return Esearch(tag, sources, key, returns)


def esearch_source_opts(cursor: Cursor) -> tuple[Source, ...]:
    """esearch-source-opts = "IN" SP "(" source-mbox [SP "(" scope-options ")"] ")"; no scope options are known"""
    cursor.expect(b"(", "a list of mailboxes")
    sources = [filter_mailboxes(cursor)]
    while cursor.accept(b" "):
        if cursor.peek() == b"(":
            raise ParseError("unknown scope option")
        sources.append(filter_mailboxes(cursor))
        if len(sources) > _MOST_SOURCES:
            raise ParseError(f"more than {_MOST_SOURCES} sources")
    cursor.expect(b")", "a closing parenthesis")
    return tuple(sources)


def filter_mailboxes(cursor: Cursor) -> Source:
    """filter-mailboxes = filter-mailboxes-selected / filter-mailboxes-other (RFC 5465 section 8)"""
    which = _FILTERS.get(cursor.word("a mailbox filter"))
    if which is None:
        raise ParseError("unknown mailbox filter")
    if which not in _NAMED:
        return Source(which)
    cursor.space()
    return Source(which, one_or_more_mailbox(cursor))


def one_or_more_mailbox(cursor: Cursor) -> tuple[str, ...]:
    """one-or-more-mailbox = mailbox / "(" mailbox *(SP mailbox) ")" """
    if not cursor.accept(b"("):
        return (grammar.mailbox(cursor),)
    names = [grammar.mailbox(cursor)]
    while cursor.accept(b" "):
        names.append(grammar.mailbox(cursor))
    cursor.expect(b")", "a closing parenthesis")
    return tuple(names)
