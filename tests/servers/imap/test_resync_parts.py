"""The arithmetic of coming back: uids as ranges, what is missing in them, and how far numbers still agree."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.servers.imap import resync
from pillarbox.wire.imap.sequence_set import MAX_NUMBER, STAR, SequenceSet
from pillarbox.wire.imap.view import View

numbers = st.sets(st.integers(1, 40), max_size=30).map(sorted)
ranges = st.lists(st.tuples(st.integers(1, 45), st.integers(0, 9)).map(lambda at: (at[0], at[0] + at[1])), max_size=5)


def members(spans: list[tuple[int, int]]) -> set[int]:
    return {number for low, high in spans for number in range(low, high + 1)}


def test_the_star_goes_on_without_end() -> None:
    assert resync.ranges_of(SequenceSet(((7, STAR), (2, 3)))) == [(2, 3), (7, MAX_NUMBER)]
    assert resync.ranges_of(SequenceSet(((STAR, STAR),))) == [(1, MAX_NUMBER)]


@settings(max_examples=200, deadline=None)
@given(ranges)
def test_ranges_rise_and_are_apart(spans: list[tuple[int, int]]) -> None:
    found = resync.ranges_of(SequenceSet(tuple(spans)))
    assert members(found) == members(spans)
    assert all(low <= high for low, high in found)
    assert all(one[1] + 1 < other[0] for one, other in pairwise(found))


@settings(max_examples=200, deadline=None)
@given(ranges, numbers)
def test_what_is_missing(spans: list[tuple[int, int]], there: list[int]) -> None:
    found = list(resync._gaps(resync.ranges_of(SequenceSet(tuple(spans))), there))
    assert members(found) == members(spans) - set(there)


@settings(max_examples=300, deadline=None)
@given(numbers, st.data())
def test_up_to_where_the_numbers_are_the_same(before: list[int], data: st.DataObject) -> None:
    """Nothing that the client knew up to the uid that is found is gone, and it is the largest one it could be."""
    gone = set(data.draw(st.lists(st.sampled_from(before)))) if before else set()
    view = View([uid for uid in before if uid not in gone])
    places = sorted(data.draw(st.sets(st.integers(1, len(before))))) if before else []
    pairs = [(place, before[place - 1]) for place in places]
    match = (_as_set([place for place, _ in pairs]), _as_set([uid for _, uid in pairs]))
    found = resync._unmoved(view, match)
    agreeing = [uid for place, uid in pairs if view.uid_of(place) == uid]
    assert found == max(agreeing, default=0)
    assert not {uid for uid in gone if uid <= found}


def test_a_client_that_claims_the_world_is_answered_at_once() -> None:
    everything = SequenceSet(((1, MAX_NUMBER),))
    assert resync._unmoved(View([1, 2, 5]), (everything, everything)) == 2


def _as_set(values: list[int]) -> SequenceSet:
    return SequenceSet(tuple(resync.ranges_of(SequenceSet(tuple((value, value) for value in values)))))
