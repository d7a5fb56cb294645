"""Searching a mailbox: what columns can answer first, then the rest in what is left, page by page.

A search is several reads and no snapshot: a message that comes or goes meanwhile may or may not be found. Long
scans let others work after every page.
"""

import asyncio
from collections.abc import Callable, Sequence

from pillarbox.database.mailbox import matching, objects, reading
from pillarbox.database.mailbox.contents import StoredContent, Unpacker
from pillarbox.database.mailbox.criteria import Condition, condition, join
from pillarbox.database.mailbox.placing import owner
from pillarbox.mime.casemap import fold
from pillarbox.mime.prepared import KEPT_FIELDS
from pillarbox.model import search
from pillarbox.model.ids import MailboxId, Uid
from pillarbox.model.logged import LoggedDatabase, Row

_SELECT = "SELECT p.uid FROM placement p JOIN content c ON c.id = p.content_id WHERE p.mailbox_id = ?"
_SELECT_BARE = "SELECT p.uid FROM placement p WHERE p.mailbox_id = ?"
_SELECT_KEPT = """
    SELECT p.uid, e.trace, c.fields
    FROM placement p JOIN content c ON c.id = p.content_id JOIN email e ON e.id = p.email_id
    WHERE p.mailbox_id = ? AND
"""
_SELECT_SUBJECT = """
    SELECT p.uid, c.subject, c.fields FROM placement p JOIN content c ON c.id = p.content_id WHERE p.mailbox_id = ? AND
"""
_SELECT_BYTES = """
    SELECT p.uid, p.content_id, p.size, e.trace, c.header_size
    FROM placement p JOIN content c ON c.id = p.content_id JOIN email e ON e.id = p.email_id
    WHERE p.mailbox_id = ? AND
"""
_SELECT_OBJECT = """
    SELECT p.uid, e.trace FROM email e JOIN placement p ON p.email_id = e.id AND p.mailbox_id = ?
    WHERE e.content_id = ? AND e.received_at = ?
"""
_EVERYTHING = Condition("1 = 1")
_FIELDS_PAGE = 500
_BYTES_PAGE = 20


async def find(database: LoggedDatabase, mailbox: MailboxId, criterion: search.Criterion) -> list[Uid]:
    """The messages that match, sorted. Raises Failure NOT_FOUND or CORRUPT."""
    with database.read() as cursor:
        owner(cursor, mailbox)
    found = await _Search(database, mailbox).run(criterion, None)
    return [Uid(uid) for uid in sorted(found)]


class _Search:
    """One search; `among` are the candidates, None for the whole mailbox."""

    def __init__(self, database: LoggedDatabase, mailbox: MailboxId) -> None:
        self._database = database
        self._mailbox = mailbox
        self._unpacker = Unpacker()

    async def run(self, criterion: search.Criterion, among: set[int] | None) -> set[int]:
        if among is not None and not among:
            return set()
        exact = condition(criterion)
        if exact is not None:
            return self._select(exact, among)
        match criterion:
            case search.AllOf(of):
                return await self._all_of(of, among)
            case search.AnyOf(of):
                return await self._any_of(of, among)
            case search.Not(of):
                candidates = self._candidates(among)
                return candidates - await self.run(of, candidates)
            case search.Header(name, text):
                return await self._header(name, fold(text), self._candidates(among))
            case search.Text(text, headers):
                return await self._text(fold(text), headers, self._candidates(among))
            case search.HasObjectId(name):
                found = self._object(name)
                return found if among is None else found & among
            case search.Uids(ranges):
                return {uid for uid in self._candidates(among) if _within(uid, ranges)}
            case _:
                raise AssertionError(f"{criterion} has a condition")

    async def _all_of(self, parts: tuple[search.Criterion, ...], among: set[int] | None) -> set[int]:
        exact, rest = _split(parts)
        if exact:
            among = self._select(join(exact, " AND ", _EVERYTHING), among)
        found = self._candidates(among)
        for part in sorted(rest, key=_cost):
            found = await self.run(part, found)
        return found

    async def _any_of(self, parts: tuple[search.Criterion, ...], among: set[int] | None) -> set[int]:
        exact, rest = _split(parts)
        left = self._candidates(among)
        found = self._select(join(exact, " OR ", _EVERYTHING), left) if exact else set()
        for part in sorted(rest, key=_cost):
            left -= found
            found |= await self.run(part, left)
        return found

    def _candidates(self, among: set[int] | None) -> set[int]:
        return self._select(_EVERYTHING, None) if among is None else set(among)

    def _select(self, exact: Condition, among: set[int] | None) -> set[int]:
        select = _SELECT if "c." in exact.sql else _SELECT_BARE
        with self._database.read() as cursor:
            found = {row[0] for row in cursor.execute(f"{select} AND ({exact.sql})", (self._mailbox, *exact.params))}
        return found if among is None else found & among

    def _object(self, name: str) -> set[int]:
        meant = objects.parts(name)
        if meant is None:
            return set()
        with self._database.read() as cursor:
            rows = cursor.execute(_SELECT_OBJECT, (self._mailbox, meant.content, meant.received_at))
            return {uid for uid, trace in rows if objects.hash_of(trace) == meant.trace}

    async def _header(self, name: str, text: str, among: set[int]) -> set[int]:
        """Prepared columns where they hold the field, else the header as it is stored."""
        key = name.lower().encode("utf-8", "replace")
        if key == b"subject":

            def test(row: Row) -> bool:
                # The first subject was decoded on arrival; RFC 5322 allows no second one. It may also be empty.
                return text in fold(row[1]) if row[1] else matching.header_matches(row[2], name, text)

            return await self._scan(_SELECT_SUBJECT, among, test, _FIELDS_PAGE)
        if key in KEPT_FIELDS:
            return await self._scan(
                _SELECT_KEPT,
                among,
                lambda row: matching.header_matches(row[1], name, text) or matching.header_matches(row[2], name, text),
                _FIELDS_PAGE,
            )
        return await self._scan(
            _SELECT_BYTES,
            among,
            lambda row: matching.header_matches(self._bytes(row, header=True), name, text),
            _BYTES_PAGE,
        )

    async def _text(self, text: str, headers: bool, among: set[int]) -> set[int]:
        return await self._scan(
            _SELECT_BYTES,
            among,
            lambda row: matching.text_matches(self._bytes(row, header=False), text, headers),
            _BYTES_PAGE,
        )

    def _bytes(self, row: Row, header: bool) -> bytes:
        _, content, size, trace, header_size = row
        stored = StoredContent(self._database, self._unpacker, content, size, trace)
        return stored.read(0, len(trace) + header_size if header else size)

    async def _scan(self, select: str, among: set[int], test: Callable[[Row], bool], size: int) -> set[int]:
        uids: Sequence[int] = sorted(among)
        found: set[int] = set()
        for at in range(0, len(uids), size):
            if at:
                await asyncio.sleep(0)
            with self._database.read() as cursor:
                rows = list(reading.page(cursor, select, self._mailbox, uids[at : at + size], "p.uid"))
            found.update(row[0] for row in rows if test(row))
        return found


def _split(parts: tuple[search.Criterion, ...]) -> tuple[list[Condition], list[search.Criterion]]:
    """What columns can answer, and the rest."""
    exact, rest = [], []
    for part in parts:
        each = condition(part)
        if each is None:
            rest.append(part)
        else:
            exact.append(each)
    return exact, rest


def _cost(criterion: search.Criterion) -> int:
    """How dear it is to look at one message."""
    match criterion:
        case search.Text():
            return 3
        case search.Header(name, _):
            return 1 if name.lower().encode("utf-8", "replace") in KEPT_FIELDS else 2
        case search.Not(of):
            return _cost(of)
        case search.AllOf(of) | search.AnyOf(of):
            return max((_cost(part) for part in of), default=0)
        case _:
            return 0


def _within(uid: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= uid <= last for first, last in ranges)
