"""The client's picture of its mailbox, against a plain list."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.wire.imap.sequence_set import SAVED, STAR, SequenceSet
from pillarbox.wire.imap.view import View

numbers = st.integers(1, 40) | st.just(STAR)
sets = st.lists(st.tuples(numbers, numbers).map(lambda p: (min(p), max(p))), min_size=1, max_size=6).map(
    lambda pairs: SequenceSet(tuple(pairs))
)
uid_lists = st.sets(st.integers(1, 40), max_size=25).map(sorted)


def naive(uids, messages, by_uid):
    """What a set means, number by number."""
    if not uids:
        return []
    last = uids[-1] if by_uid else len(uids)
    named = set()
    for low, high in messages.ranges:
        low, high = (last if low == STAR else low), (last if high == STAR else high)
        named |= set(range(min(low, high), max(low, high) + 1))
    return [uid for place, uid in enumerate(uids, 1) if (uid if by_uid else place) in named]


@settings(max_examples=500, deadline=None)
@given(uid_lists, sets, st.booleans())
def test_sets_mean_what_they_say(uids, messages, by_uid):
    view = View(uids)
    assert list(view.resolve(messages, by_uid)) == naive(uids, messages, by_uid)


@settings(max_examples=300, deadline=None)
@given(uid_lists, st.sets(st.integers(1, 45), max_size=20), st.lists(st.integers(41, 60), max_size=3))
def test_a_client_that_follows_the_expunges_has_the_same_picture(uids, gone, new):
    view, client = View(uids), list(uids)
    view.save(uids[::2])
    for sequence in view.apply_expunges(gone):
        del client[sequence - 1]
    assert client == [uid for uid in uids if uid not in gone] == list(view.uids)
    assert list(view.saved) == [uid for uid in uids[::2] if uid not in gone]
    assert list(view.resolve(SAVED, True)) == list(view.saved)
    view.append(sorted(set(new)))
    assert list(view.uids) == client + sorted(set(new))
    for place, uid in enumerate(view.uids, 1):
        assert view.sequence_of(uid) == place
        assert view.uid_of(place) == uid
    assert view.sequences([0, *view.uids, 99]) == list(range(1, len(view) + 1))


def test_star_is_the_last_message_even_below_the_range():
    view = View([10, 20, 30])
    assert list(view.resolve(SequenceSet(((50, STAR),)), True)) == [30]
    assert list(view.resolve(SequenceSet(((7, STAR),)), False)) == [30]
    assert list(View().resolve(SequenceSet(((1, STAR),)), True)) == []


def test_numbers_beyond_the_end_are_left_out_and_can_be_asked_for():
    view = View([10, 20, 30])
    assert list(view.resolve(SequenceSet(((2, 9),)), False)) == [20, 30]
    assert view.beyond(SequenceSet(((2, 9),)))
    assert view.beyond(SequenceSet(((4, 4),)))
    assert not view.beyond(SequenceSet(((1, 3), (STAR, STAR))))
    assert not view.beyond(SequenceSet(((1, STAR),)))
    assert View().beyond(SequenceSet(((1, STAR),)))
    assert View().beyond(SequenceSet(((STAR, STAR),)))
    assert not view.beyond(SAVED)


def test_expunges_are_announced_highest_first():
    view = View([10, 20, 30, 40])
    assert view.apply_expunges([10, 30, 35]) == [3, 1]
    assert list(view.uids) == [20, 40]


def test_saved_is_only_what_is_there():
    view = View([1, 2, 3])
    view.save([2, 3, 9])
    assert list(view.resolve(SAVED, False)) == [2, 3]
    assert view.spans(SAVED, False) == [(1, 3)]


@pytest.mark.parametrize("uids", [[2, 2], [3, 1], [0]])
def test_uids_must_rise(uids):
    with pytest.raises(ValueError):
        View().append(uids)
    with pytest.raises(ValueError):
        View([5]).append([5])


def test_lookups_beyond_either_end():
    view = View([5])
    assert view.sequence_of(4) is view.sequence_of(6) is view.uid_of(0) is view.uid_of(2) is None
    assert (view.last_uid, View().last_uid) == (5, 0)


def test_a_hundred_thousand_messages():
    view = View(range(1, 200_001, 2))
    everything = SequenceSet(((1, STAR),) * 5000)
    assert len(view.resolve(everything, True)) == 100_000
    assert len(view.apply_expunges(range(1, 200_001, 4))) == 50_000
    assert len(view) == 50_000
