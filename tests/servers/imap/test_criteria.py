"""Search keys in the words of the model."""

from datetime import date

import pytest

from pillarbox.model import search
from pillarbox.model.email import Flag
from pillarbox.servers.imap.criteria import criterion
from pillarbox.wire.imap import search_keys as keys
from pillarbox.wire.imap.sequence_set import SAVED, STAR, SequenceSet
from pillarbox.wire.imap.view import View

DAY = 1_700_000_000 // 86_400 * 86_400 * 1_000_000  # 14 November 2023
NEXT = DAY + 86_400 * 1_000_000
THAT_DAY = date(2023, 11, 14)
NOW = 1_700_000_000 * 1_000_000


def view() -> View:
    seen = View([2, 3, 5, 8])
    seen.save([3, 8])
    return seen


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        (keys.All(), search.All()),
        (keys.Flagged("\\Seen"), search.HasFlag(Flag.SEEN)),
        (keys.Flagged("\\Draft", False), search.Not(search.HasFlag(Flag.DRAFT))),
        (keys.Flagged("$Work"), search.HasKeyword("$Work")),
        (keys.Recent(), search.AnyOf(())),
        (keys.Sequence(SequenceSet(((1, 3),))), search.Uids(((2, 3), (5, 5)))),
        (keys.Sequence(SequenceSet(((3, STAR), (9, 9)))), search.Uids(((5, 5), (8, 8)))),
        (keys.Sequence(SAVED), search.Uids(((3, 3), (8, 8)))),
        (keys.Uid(SAVED), search.Uids(((3, 3), (8, 8)))),
        (keys.Uid(SequenceSet(((4, 6), (1, 2), (3, 3)))), search.Uids(((1, 6),))),
        (keys.Uid(SequenceSet(((6, STAR),))), search.Uids(((6, 8),))),
        (keys.Uid(SequenceSet(((20, STAR),))), search.Uids(((8, 8),))),
        (keys.Envelope(keys.Field.FROM, "bob"), search.Header("from", "bob")),
        (keys.Saved(keys.When.ON, THAT_DAY), search.Saved(DAY, NEXT)),
        (keys.Older(60), search.Received(None, NOW - 60_000_000 + 1)),
        (keys.Younger(60), search.Received(NOW - 60_000_000, None)),
        (keys.EmailId("e1-2"), search.HasObjectId("e1-2")),
        (keys.ThreadId("t12"), search.InThread(12)),
        (keys.ThreadId("x12"), search.AnyOf(())),
        (keys.ThreadId("t"), search.AnyOf(())),
        (keys.ThreadId("t012"), search.AnyOf(())),
        (keys.ThreadId(f"t{1 << 63}"), search.AnyOf(())),
        (keys.Header("X-Y", ""), search.Header("X-Y", "")),
        (keys.Body("a"), search.Text("a", False)),
        (keys.Text("a"), search.Text("a", True)),
        (keys.Arrived(keys.When.ON, THAT_DAY), search.Received(DAY, NEXT)),
        (keys.Arrived(keys.When.BEFORE, THAT_DAY), search.Received(None, DAY)),
        (keys.Sent(keys.When.SINCE, THAT_DAY), search.Sent(DAY, None)),
        (keys.Larger(5), search.Size(5, None)),
        (keys.Smaller(5), search.Size(None, 5)),
        (keys.ModSeq(5), search.ModSeqAbove(5)),
        (keys.Not(keys.All()), search.Not(search.All())),
        (keys.Or(keys.All(), keys.Larger(1)), search.AnyOf((search.All(), search.Size(1, None)))),
        (keys.And((keys.All(), keys.Larger(1))), search.AllOf((search.All(), search.Size(1, None)))),
    ],
)
def test_each_key(key: keys.SearchKey, meant: search.Criterion) -> None:
    assert criterion(key, view(), NOW) == meant


def test_years_before_and_after_ours() -> None:
    assert criterion(keys.Arrived(keys.When.BEFORE, date(1, 1, 1)), view(), NOW) == search.Received(
        None, -62135596800 * 1_000_000
    )
    criterion(keys.Sent(keys.When.ON, date(9999, 12, 31)), view(), NOW)


def test_in_an_empty_mailbox_nothing_is_meant() -> None:
    empty = View()
    assert criterion(keys.Sequence(SequenceSet(((1, STAR),))), empty, NOW) == search.Uids(())
    assert criterion(keys.Uid(SequenceSet(((1, STAR),))), empty, NOW) == search.Uids(((0, 0),))
