"""Gaps in archived log: found whichever span is missing, and none where nothing is."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.model.recovery import LogPoint, Span
from pillarbox.recovery.loggaps import log_gaps


def segment(generation: int, first: int, last: int, *cuts: int) -> list[Span]:
    """A segment of 10 octets a record and a header of 10; one span, or several cut behind those records."""
    ends = [*cuts, last]
    spans, start, begin = [], 0, first
    for end in ends:
        finish = 10 + (end - first + 1) * 10
        spans.append(Span(generation, first, start, finish, begin, end, end, False))
        start, begin = finish, end + 1
    return spans


def point(lsn: int, generation: int = 1) -> LogPoint:
    return LogPoint(generation, lsn, 1, 10)


CHAIN = [*segment(1, 1, 50, 20, 30), *segment(1, 51, 90), *segment(1, 91, 120, 100)]


def test_a_whole_chain_has_no_gap() -> None:
    for lsn in (0, 10, 50, 51, 90, 119, 120, 500):
        assert log_gaps(point(lsn), reversed(CHAIN)) == []
    assert log_gaps(point(0), []) == []


def test_a_missing_segment() -> None:
    chain = [span for span in CHAIN if span.segment != 51]
    assert log_gaps(point(10), chain) == ["records 51 to 90 are missing in generation 1"]
    assert log_gaps(point(60), chain) == ["records 61 to 90 are missing in generation 1"]
    assert log_gaps(point(90), chain) == []


def test_a_missing_span() -> None:
    chain = [span for span in CHAIN if (span.first, span.last) != (21, 30)]
    assert log_gaps(point(10), chain) == [
        "octets 210 to 310 of segment 1-0000000000000001 (records from 1 to 50) are missing"
    ]
    assert log_gaps(point(50), chain) == []


def test_a_segments_beginning_is_needed_even_where_its_first_records_are_not() -> None:
    assert log_gaps(point(25), CHAIN[1:]) == [
        "octets 0 to 210 of segment 1-0000000000000001 (records from 1 to 50) are missing"
    ]


def test_spans_may_overlap() -> None:
    assert log_gaps(point(5), [*CHAIN, *segment(1, 1, 50), *segment(1, 91, 110)]) == []


def test_a_segment_begun_and_still_empty_is_no_gap() -> None:
    assert log_gaps(point(5), [*CHAIN, Span(1, 121, 0, 10, 121, 120, 0, False)]) == []
    assert log_gaps(point(5), [*CHAIN, Span(1, 131, 0, 10, 131, 130, 0, False)]) == [
        "records 121 to 130 are missing in generation 1"
    ]


def test_over_generations() -> None:
    second = [*segment(2, 101, 130), *segment(2, 131, 140)]
    assert log_gaps(point(10), [*CHAIN, *second]) == []
    assert log_gaps(point(105, 2), second) == []
    assert log_gaps(point(95), [*segment(1, 91, 98), *second]) == ["records 99 to 100 are missing in generation 1"]
    third = segment(3, 136, 150)
    assert log_gaps(point(10), [*CHAIN, *second, *third]) == []
    assert log_gaps(point(10), [*CHAIN, *segment(2, 101, 130), *third]) == [
        "records 131 to 135 are missing in generation 2"
    ]


def test_a_generation_that_went_on_from_before_another_one() -> None:
    # Generation 3 goes on from record 60 of generation 1: a restore to before generation 2 began.
    assert log_gaps(point(10), [*CHAIN, *segment(2, 101, 130), *segment(3, 61, 70)]) == []
    assert log_gaps(point(10), [*CHAIN[:4], *segment(2, 101, 130), *segment(3, 61, 70)]) == []


def test_a_backup_from_after_the_fork_does_not_lead_there() -> None:
    assert log_gaps(point(110), [*CHAIN, *segment(2, 101, 130)]) == [
        "generation 2 began at record 101, but this backup goes on to 110: it takes another backup to get there"
    ]


@given(st.lists(st.integers(1, 30), min_size=1, max_size=6), st.integers(0, 100), st.data())
@settings(max_examples=200, deadline=None)
def test_any_needed_span_that_is_missing_is_noticed(sizes: list[int], lsn: int, data: st.DataObject) -> None:
    ends = [sum(sizes[: number + 1]) for number in range(len(sizes))]
    chain: list[Span] = []
    for before, end in pairwise([0, *ends]):
        cuts = sorted(data.draw(st.sets(st.integers(before + 1, end - 1), max_size=3))) if end - before > 1 else []
        chain += segment(1, before + 1, end, *cuts)
    assert log_gaps(point(lsn), chain) == []
    lost = data.draw(st.sampled_from(chain))
    rest = [span for span in chain if span is not lost]
    whole_end = max(span.last for span in chain if span.segment == lost.segment)
    newest = max((span.last for span in rest), default=0)
    needed = whole_end > lsn and newest > max(lsn, lost.first - 1)
    assert bool(log_gaps(point(lsn), rest)) == needed
