"""Sets of numbers and their compact form."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.wire.imap.cursor import Cursor, ParseError
from pillarbox.wire.imap.grammar import sequence_set
from pillarbox.wire.imap.sequence_set import MAX_NUMBER, SAVED, STAR, SequenceSet, uid_set


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"1", SequenceSet(((1, 1),))),
        (b"*", SequenceSet(((STAR, STAR),))),
        (b"2:4", SequenceSet(((2, 4),))),
        (b"4:2", SequenceSet(((2, 4),))),
        (b"*:4", SequenceSet(((4, STAR),))),
        (b"4:*", SequenceSet(((4, STAR),))),
        (b"2,4:7,9,12:*", SequenceSet(((2, 2), (4, 7), (9, 9), (12, STAR)))),
        (b"4294967295", SequenceSet(((MAX_NUMBER, MAX_NUMBER),))),
        (b"$", SAVED),
    ],
)
def test_sets_are_read(text, expected):
    cursor = Cursor(text + b" FLAGS")
    assert sequence_set(cursor) == expected
    assert cursor.pos == len(text)
    assert sequence_set(Cursor(expected.encode())) == expected


@pytest.mark.parametrize("text", [b"", b"0", b"x", b",1", b"4294967296", b"1:4294967296", b":1", b"9999999999"])
def test_what_is_no_set_is_refused(text):
    with pytest.raises(ParseError):
        sequence_set(Cursor(text))


@pytest.mark.parametrize("text", [b"1,", b"1:", b"1:0", b"1,,2", b"01:2x", b"1 ,2"])
def test_a_set_ends_where_it_stops_making_sense(text):
    cursor = Cursor(text)
    with pytest.raises(ParseError):
        sequence_set(cursor)
        cursor.end()


ranges = st.tuples(st.integers(1, MAX_NUMBER) | st.just(STAR), st.integers(1, MAX_NUMBER) | st.just(STAR))


@settings(max_examples=200, deadline=None)
@given(st.lists(ranges.map(lambda pair: (min(pair), max(pair))), min_size=1, max_size=20))
def test_writing_and_reading_gives_the_same_set(pairs):
    written = SequenceSet(tuple(pairs))
    assert sequence_set(Cursor(written.encode())) == written


@pytest.mark.parametrize(
    ("uids", "text"),
    [
        ([], b""),
        ([7], b"7"),
        ([1, 2, 3], b"1:3"),
        ([1, 2, 3, 7], b"1:3,7"),
        ([1, 3, 5], b"1,3,5"),
        ([1, 3, 4], b"1,3:4"),
    ],
)
def test_uid_set(uids, text):
    assert uid_set(uids) == text


@settings(max_examples=200, deadline=None)
@given(st.sets(st.integers(1, 60), max_size=50))
def test_uid_set_names_exactly_its_uids(uids):
    text = uid_set(sorted(uids))
    named = [n for low, high in sequence_set(Cursor(text)).ranges for n in range(low, high + 1)] if text else []
    assert named == sorted(uids)
