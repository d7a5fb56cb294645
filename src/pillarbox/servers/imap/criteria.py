"""From IMAP's search keys to the model's criteria.

Numbers become uids by what the client was told, dates become whole UTC days, and the envelope fields become header
fields. Nothing is ever \\Recent. What is searched for with FUZZY is found
as without.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime

from pillarbox.base.clock import MICROSECONDS
from pillarbox.model import search
from pillarbox.servers.imap import objects
from pillarbox.servers.imap.flags import SYSTEM_FLAGS
from pillarbox.wire.imap import search_keys as keys
from pillarbox.wire.imap.search_keys import SearchKey, When
from pillarbox.wire.imap.sequence_set import MAX_NUMBER, STAR, SequenceSet
from pillarbox.wire.imap.view import View

_DAY = 86_400 * MICROSECONDS
_NOTHING = search.AnyOf(())


def criterion(key: SearchKey, view: View, now: int) -> search.Criterion:
    """The same question in the words of the model; `now` is what ages are counted from."""
    match key:
        case keys.And(several):
            return search.AllOf(tuple([criterion(each, view, now) for each in several]))
        case keys.Or(left, right):
            return search.AnyOf((criterion(left, view, now), criterion(right, view, now)))
        case keys.Not(of):
            return search.Not(criterion(of, view, now))
        case keys.Sequence(messages):
            return search.Uids(runs(view.resolve(messages, False)))
        case keys.Uid(messages):
            return search.Uids(runs(view.resolve(messages, True)) if messages.saved else _ranges(messages, view))
        case keys.Flagged(flag, present):
            found = _flag(flag)
            return found if present else search.Not(found)
        case keys.Fuzzy(of):
            return criterion(of, view, now)
        case keys.Recent():
            return _NOTHING
        case keys.All():
            return search.All()
        case keys.Older(seconds):
            return search.Received(None, now - seconds * MICROSECONDS + 1)
        case keys.Younger(seconds):
            return search.Received(now - seconds * MICROSECONDS, None)
        case _:
            return _about_content(key)


def _about_content(key: SearchKey) -> search.Criterion:
    match key:
        case keys.Envelope(field, text):
            return search.Header(field.value, text)
        case keys.Header(name, text):
            return search.Header(name, text)
        case keys.Body(text):
            return search.Text(text, False)
        case keys.Text(text):
            return search.Text(text, True)
        case keys.Arrived(when, day):
            return _days(search.Received, when, day)
        case keys.Sent(when, day):
            return _days(search.Sent, when, day)
        case keys.Saved(when, day):
            return _days(search.Saved, when, day)
        case keys.Larger(size):
            return search.Size(size, None)
        case keys.Smaller(size):
            return search.Size(None, size)
        case keys.ModSeq(value):
            return search.ModSeqAbove(value)
        case keys.EmailId(name):
            return search.HasObjectId(name)
        case keys.ThreadId(name):
            thread = objects.thread_of(name)
            return _NOTHING if thread is None else search.InThread(thread)
        case _:
            raise AssertionError(f"a search key without a meaning: {type(key).__name__}")


def _flag(name: str) -> search.Criterion:
    bit = SYSTEM_FLAGS.get(name)
    return search.HasFlag(bit) if bit is not None else search.HasKeyword(name)


def _days(make: Callable[[int | None, int | None], search.Criterion], when: When, day: date) -> search.Criterion:
    start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * MICROSECONDS
    if when is When.BEFORE:
        return make(None, start)
    return make(start, start + _DAY if when is When.ON else None)


def _ranges(messages: SequenceSet, view: View) -> tuple[tuple[int, int], ...]:
    """UID ranges as written; "*" is the largest uid the client knows."""
    spans = []
    for low, high in messages.ranges:
        if high == STAR:
            low, high = min(low, view.last_uid), view.last_uid
        spans.append((low, min(high, MAX_NUMBER)))
    spans.sort()
    merged: list[tuple[int, int]] = []
    for low, high in spans:
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def runs(uids: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Rising uids as inclusive ranges."""
    runs: list[tuple[int, int]] = []
    for uid in uids:
        if runs and runs[-1][1] == uid - 1:
            runs[-1] = (runs[-1][0], uid)
        else:
            runs.append((uid, uid))
    return tuple(runs)
