"""The receive buffer: lines whole, byte by byte and with trailing data; limits; linear time."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.wire.lines import BARE_NEWLINE, TOO_LONG, LineBuffer, LineFault
from pillarbox.wire.session import NEED_DATA, Signal


def read_all(buffer: LineBuffer, limit: int = 100) -> list[bytes | LineFault]:
    lines: list[bytes | LineFault] = []
    while True:
        line = buffer.read_line(limit)
        if isinstance(line, Signal):
            return lines
        lines.append(line)


SAMPLES = [
    (b"one\r\ntwo\r\n", False, [b"one", b"two"]),
    (b"\r\n\r\n", False, [b"", b""]),
    (b"lone lf\nnext\r\n", False, [b"lone lf", b"next"]),
    (b"lone lf\nnext\r\n", True, [BARE_NEWLINE, b"next"]),
    (b"a\rb\r\nc\r\n", True, [BARE_NEWLINE, b"c"]),
    (b"a\rb\r\nc\r\n", False, [b"a\rb", b"c"]),
    (b"a\r\r\n", True, [BARE_NEWLINE]),
    (b"x" * 100 + b"\r\n" + b"y" * 101 + b"\r\nz\r\n", False, [b"x" * 100, TOO_LONG, b"z"]),
    (b"x" * 100 + b"\n" + b"y" * 101 + b"\nz\n", False, [b"x" * 100, TOO_LONG, b"z"]),
    (b"y" * 5000 + b"\r\nz\r\n", True, [TOO_LONG, b"z"]),
    (b"y" * 5000 + b"\nz\r\n", True, [TOO_LONG, b"z"]),
]


@pytest.mark.parametrize(("data", "strict", "expected"), SAMPLES)
def test_lines_whole_and_byte_by_byte_and_with_trailing_data(
    data: bytes, strict: bool, expected: list[bytes | LineFault]
) -> None:
    whole = LineBuffer(strict=strict)
    whole.receive(data)
    assert read_all(whole) == expected

    slow = LineBuffer(strict=strict)
    lines: list[bytes | LineFault] = []
    for index in range(len(data)):
        slow.receive(data[index : index + 1])
        lines += read_all(slow)
    assert lines == expected

    trailing = LineBuffer(strict=strict)
    trailing.receive(data + b"rest")
    assert read_all(trailing) == expected
    assert trailing.take(100) == b"rest"


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from([b"\r\n", b"\n", b"\r", b"a", b"bc", b"x" * 11]), max_size=40),
    st.lists(st.integers(0, 60), max_size=8),
    st.booleans(),
)
def test_cuts_change_nothing(tokens: list[bytes], cuts: list[int], strict: bool) -> None:
    data = b"".join(tokens)
    whole = LineBuffer(strict=strict)
    whole.receive(data)
    pieces = LineBuffer(strict=strict)
    lines: list[bytes | LineFault] = []
    previous = 0
    for cut in [*sorted(cuts), len(data)]:
        pieces.receive(data[previous:cut])
        previous = max(previous, cut)
        lines += read_all(pieces, 10)
    assert lines == read_all(whole, 10)


def test_an_over_long_line_is_counted_and_not_kept() -> None:
    buffer = LineBuffer()
    for _ in range(100):
        buffer.receive(b"x" * 10_000)
        assert buffer.read_line(500) is NEED_DATA
        assert len(buffer) <= 10_000
    assert buffer.discarded == 1_000_000
    buffer.receive(b"\r\nnext\r\n")
    assert buffer.read_line(500) is TOO_LONG
    assert buffer.discarded == 0
    assert buffer.read_line(500) == b"next"


def test_a_crlf_cut_in_an_over_long_line() -> None:
    buffer = LineBuffer(strict=True)
    buffer.receive(b"x" * 600 + b"\r")
    assert buffer.read_line(500) is NEED_DATA
    buffer.receive(b"\nnext\r\n")
    assert buffer.read_line(500) is TOO_LONG
    assert buffer.read_line(500) == b"next"


def test_exact_counts_and_what_is_there() -> None:
    buffer = LineBuffer()
    assert buffer.read_some(10) is NEED_DATA
    buffer.receive(b"line\r\nabc")
    assert buffer.read_line(10) == b"line"
    assert buffer.read_exact(4) is NEED_DATA
    buffer.receive(b"def")
    assert buffer.read_exact(4) == b"abcd"
    assert buffer.read_some(10) == b"ef"
    assert buffer.read_exact(0) == b""
    assert buffer.read_some(0) is NEED_DATA


def test_positions_count_from_the_first_unread_octet() -> None:
    buffer = LineBuffer()
    buffer.receive(b"skipped;abcabc")
    buffer.skip(8)
    assert (buffer.find(b"c"), buffer.rfind(b"c"), buffer.find(b"s")) == (2, 5, -1)
    assert (buffer.find(b"c", 3), buffer.find(b"c", -5), buffer.find(b"c", 0, 2)) == (5, 2, -1)
    assert buffer.rfind(b"c", 0, 5) == 2
    assert buffer.startswith(b"abc") and not buffer.startswith(b"skip")
    assert buffer.clear() == 6
    assert len(buffer) == 0


def test_an_empty_buffer_does_not_copy() -> None:
    buffer = LineBuffer()
    data = b"x" * 1000
    buffer.receive(data)
    assert buffer.take(1000) is data


def test_a_large_backlog_of_short_lines_is_read_in_linear_time() -> None:
    def seconds(count: int) -> float:
        buffer = LineBuffer()
        buffer.receive(b"NOOP\r\n")
        buffer.receive(b"NOOP\r\n" * count)
        begin = time.thread_time()
        assert len(read_all(buffer)) == count + 1
        return time.thread_time() - begin

    few = min(seconds(10_000) for _ in range(3))
    assert seconds(100_000) < few * 60


def test_read_octets_are_given_back() -> None:
    buffer = LineBuffer()
    buffer.receive(b"a")
    for _ in range(100):
        buffer.receive(b"x" * 8192 + b"\n")
        assert isinstance(buffer.read_line(10_000), bytes)
        buffer.receive(b"y")
    assert len(buffer) == 1
    assert len(buffer._data) < 300_000
