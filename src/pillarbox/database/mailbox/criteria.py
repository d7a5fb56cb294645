"""Search criteria as SQL, where the columns can answer them exactly.

`condition` gives None for what must be looked for in the messages themselves (header fields, text).
"""

from typing import NamedTuple, assert_never

from pillarbox.model import search
from pillarbox.model.logged import Value


class Condition(NamedTuple):
    """An expression over `placement p JOIN content c` and its parameters."""

    sql: str
    params: tuple[Value, ...] = ()


_NOTHING = Condition("1 = 0")
_EVERYTHING = Condition("1 = 1")
_MOST_RANGES = 200


def condition(criterion: search.Criterion) -> Condition | None:
    """The criterion as a condition, or None."""
    match criterion:
        case search.All():
            return _EVERYTHING
        case search.Uids(ranges):
            return _uids(ranges)
        case search.HasFlag(flag):
            return Condition("p.flags & ? <> 0", (int(flag),))
        case search.HasKeyword(keyword):
            # Keywords are ASCII atoms: lower() of every engine agrees on them.
            return Condition("instr(' ' || lower(p.keywords) || ' ', ?) > 0", (f" {keyword.lower()} ",))
        case search.Received(since, before):
            return _between("p.received_at", ">=", since, "<", before)
        case search.Sent(since, before):
            sent = _between("c.sent_at", ">=", since, "<", before)
            return Condition(f"(c.sent_at IS NOT NULL AND {sent.sql})", sent.params)
        case search.Saved(since, before):
            return _between("p.saved_at", ">=", since, "<", before)
        case search.InThread(thread):
            return Condition("EXISTS (SELECT 1 FROM email t WHERE t.id = p.email_id AND t.thread_id = ?)", (thread,))
        case search.Size(above, below):
            return _between("p.size", ">", above, "<", below)
        case search.ModSeqAbove(modseq):
            return Condition("p.modseq >= ?", (modseq,))
        case search.Header() | search.Text() | search.HasObjectId():
            return None
        case search.Not(of):
            inner = condition(of)
            return None if inner is None else Condition(f"NOT ({inner.sql})", inner.params)
        case search.AllOf(of):
            return _joined(of, " AND ", _EVERYTHING)
        case search.AnyOf(of):
            return _joined(of, " OR ", _NOTHING)
        case _ as never:
            assert_never(never)


def _joined(parts: tuple[search.Criterion, ...], word: str, empty: Condition) -> Condition | None:
    conditions = []
    for part in parts:
        each = condition(part)
        if each is None:
            return None
        conditions.append(each)
    return join(conditions, word, empty)


def join(conditions: list[Condition], word: str, empty: Condition) -> Condition:
    """Conditions put together with AND or OR."""
    if not conditions:
        return empty
    if len(conditions) == 1:
        return conditions[0]
    sql = word.join([f"({each.sql})" for each in conditions])
    return Condition(sql, tuple([value for each in conditions for value in each.params]))


def _uids(ranges: tuple[tuple[int, int], ...]) -> Condition | None:
    """Uids as ranges, None where there are too many for one statement."""
    if len(ranges) > _MOST_RANGES:
        return None
    return join([Condition("p.uid BETWEEN ? AND ?", each) for each in ranges], " OR ", _NOTHING)


def _between(column: str, low: str, since: int | None, high: str, before: int | None) -> Condition:
    parts = []
    if since is not None:
        parts.append(Condition(f"{column} {low} ?", (since,)))
    if before is not None:
        parts.append(Condition(f"{column} {high} ?", (before,)))
    return join(parts, " AND ", _EVERYTHING)
