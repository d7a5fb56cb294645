"""Header blocks: where they end, their fields, exact selections."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.mime.header import Header, read, select_fields, split, unfold

BLOCK = b"From: a\r\nSubject: one\r\n two\r\nX-Y:\r\nSubject : again\r\n\r\n"


def whole(data: bytes, limit: int = 1 << 20) -> tuple[Header, int]:
    return read(data, 0, len(data), limit)


def test_fields_keep_their_bytes_and_their_order() -> None:
    header, body = whole(BLOCK + b"body")
    assert body == len(BLOCK)
    assert header.names == [b"from", b"subject", b"x-y", b"subject"]
    assert b"".join(field[0] for field in header.fields) == BLOCK[:-2]
    assert header.field(b"subject") == b"one two"
    assert header.all(b"subject") == [b"one two", b"again"]
    assert header.joined(b"subject") == b"one two, again"
    assert header.field(b"x-y") == b""
    assert header.field(b"absent") is None
    assert b"from" in header


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (b"", 0),
        (b"\r\nbody", 2),
        (b"\nbody", 1),
        (b"A: b\n\nbody", 6),
        (b"A: b\r\n\nbody", 7),
        (b"A: b\r\nno field\r\n\r\nbody", 6),  # the empty line was forgotten
        (b"no field at all", 0),
        (b"A: b", 4),
        (b"A: b\r\n", 6),
        (b"From someone Tue\r\nA: b\r\n\r\nbody", 26),  # an mbox line above the header
        (b"A: b\r\n--x\r\nB: c\r\n\r\n", 6),  # a boundary ends the header
        (b"A: b\r\n--x: c\r\n\r\n", 6),
        (b"A: b\r\n\t\r\nB: c\r\n\r\nbody", 17),  # white space continues a field
    ],
)
def test_where_the_body_begins(data: bytes, body: int) -> None:
    assert whole(data)[1] == body


def test_a_field_that_lost_its_fold_is_skipped() -> None:
    header, _ = whole(b"A: b\r\nbroken line\r\nC: d\r\n\r\nbody")
    assert header.names == [b"a", b"c"]


def test_a_header_over_the_limit_still_ends_at_its_empty_line() -> None:
    data = b"A: b\r\n" * 1000 + b"\r\nbody"
    header, body = whole(data, limit=601)
    assert data[body:] == b"body"
    assert len(header.fields) == 100
    data = data.replace(b"\r\n", b"\n")
    assert data[whole(data, limit=601)[1] :] == b"body"
    assert whole(b"A: b\r\n" * 1000, limit=601)[1] == 6000


def test_selected_fields_are_exact_and_end_with_an_empty_line() -> None:
    assert select_fields(BLOCK, frozenset({b"SUBJECT"}), True) == b"Subject: one\r\n two\r\nSubject : again\r\n\r\n"
    assert select_fields(BLOCK, frozenset({b"SUBJECT"}), False) == b"From: a\r\nX-Y:\r\n\r\n"
    assert select_fields(BLOCK, frozenset({b"BCC"}), True) == b"\r\n"
    assert select_fields(b"A: b", frozenset({b"A"}), True) == b"A: b\r\n\r\n"
    assert select_fields(BLOCK, frozenset(), False) == BLOCK


def test_unfold_takes_the_line_ends_alone() -> None:
    assert unfold(b" a\r\n\tb\n c\r") == b"a\tb c"


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([b"A: b", b"\r\n", b"\n", b"--", b" ", b":", b"x", b"\0", b"\xff", b"From "])))
def test_any_bytes_give_offsets_within_bounds(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    header, body = whole(data)
    assert 0 <= body <= len(data)
    fields = b"".join(field[0] for field in header.fields)
    assert len(fields) <= body
    assert [field for field in split(data[:body]) if field not in header.fields] == []


def test_the_quick_way_and_the_careful_way_agree() -> None:
    careful, body = whole(BLOCK.replace(b"\r\n\r\n", b"\r\n\n"))
    quick, quick_body = whole(BLOCK)
    assert careful.fields == quick.fields
    assert body == quick_body - 1
