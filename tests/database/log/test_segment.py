"""Segment names and headers."""

import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.database.log.segment import (
    HEADER_SIZE,
    SegmentHeader,
    encode_header,
    parse_header,
    parse_segment_name,
    segment_name,
)
from pillarbox.model.failure import Failure

HEADER = SegmentHeader(b"u" * 16, 2, 1 << 40, 1_700_000_000_000_000, 77, 3, "mailbox")


def test_a_name_sorts_and_is_read_back() -> None:
    assert segment_name(1, 255) == "1-00000000000000ff.log"
    assert parse_segment_name("1-00000000000000ff.log") == (1, 255)
    for other in ("mirror.json", "1-ff.log", "1-00000000000000FF.log", "1-00000000000000ff.log.new", "x"):
        assert parse_segment_name(other) is None


def test_a_header_is_read_back() -> None:
    data = encode_header(HEADER)
    assert len(data) == HEADER_SIZE
    assert parse_header(data + b"trailing", "x") == HEADER


def test_a_damaged_or_short_header_is_none() -> None:
    data = encode_header(HEADER)
    for size in range(0, HEADER_SIZE, 7):
        assert parse_header(data[:size], "x") is None
    for at in range(HEADER_SIZE):
        assert parse_header(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], "x") is None


def test_another_format_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pillarbox.database.log.segment.FORMAT", 9)
    data = encode_header(HEADER)
    monkeypatch.undo()
    with pytest.raises(Failure) as caught:
        parse_header(data, "/log/1.log")
    assert caught.value.kind is FailureKind.WRONG_VERSION
    assert "/log/1.log is a log of format 9" in caught.value.public
