"""Small state files survive torn writes, grow no further than they may, and are read whatever they hold."""

import json
import os
import threading
from pathlib import Path

import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.recovery.jsonfile import append_line, read_lines, read_whole, write_whole


def test_lines_come_back_in_their_order(tmp_path: Path) -> None:
    file = tmp_path / "state" / "lines.jsonl"
    for number in range(5):
        append_line(file, {"number": number, "text": "für\nalle"}, keep=10)
    assert [row["number"] for row in read_lines(file)] == list(range(5))


def test_names_that_are_no_utf8_are_kept(tmp_path: Path) -> None:
    row = {"text": os.fsdecode(b"caf\xe9 \xc3\xa9")}
    append_line(tmp_path / "lines", row, keep=10)
    assert list(read_lines(tmp_path / "lines")) == [row]


def test_a_missing_file_has_no_lines(tmp_path: Path) -> None:
    assert list(read_lines(tmp_path / "none")) == []
    assert read_whole(tmp_path / "none") == {}


@pytest.mark.parametrize("size", range(1, 12))
def test_a_torn_line_is_passed_over_and_does_not_spoil_the_next(tmp_path: Path, size: int) -> None:
    file = tmp_path / "lines"
    append_line(file, {"a": 1}, keep=10)
    with open(file, "ab") as raw:
        raw.write(b'{"b": 2, "c": "\xc3'[:size])
    assert list(read_lines(file)) == [{"a": 1}]
    append_line(file, {"d": 4}, keep=10)
    assert list(read_lines(file)) == [{"a": 1}, {"d": 4}]


def test_what_is_no_object_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    file.write_bytes(b'[1]\n\n{"a": 1}\n"text"\n\xff\xfe\n{"b": 2}\n')
    assert list(read_lines(file)) == [{"a": 1}, {"b": 2}]


def test_a_line_file_keeps_the_newest(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    for number in range(100):
        append_line(file, {"number": number}, keep=8)
        rows = [row["number"] for row in read_lines(file)]
        assert len(rows) <= 10
        assert rows == list(range(number - len(rows) + 1, number + 1))
    assert os.listdir(tmp_path) == ["lines"]


def test_writers_at_the_same_time_lose_no_line(tmp_path: Path) -> None:
    file = tmp_path / "lines"

    def write(name: str) -> None:
        for number in range(20):
            append_line(file, {"name": name, "number": number}, keep=100)

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(read_lines(file))) == 80


def test_a_whole_file_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "state" / "whole.json"
    write_whole(file, {"a": 1})
    write_whole(file, {"b": 2})
    assert read_whole(file) == json.loads(file.read_text()) == {"b": 2}
    file.write_text('{"b": ')
    assert read_whole(file) == {}


def test_a_file_that_cannot_be_used_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(Failure) as caught:
        append_line(tmp_path, {"a": 1}, keep=10)
    assert caught.value.kind is FailureKind.UNAVAILABLE
    with pytest.raises(Failure, match="cannot be used"):
        list(read_lines(tmp_path))
