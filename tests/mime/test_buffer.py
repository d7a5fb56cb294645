"""Counting lines in memory and in a mapped file."""

import mmap
from pathlib import Path

from pillarbox.mime.buffer import count_lines


def test_a_mapped_file_counts_like_memory(tmp_path: Path) -> None:
    data = (b"x" * 61 + b"\n") * 40_000  # more than one stretch
    path = tmp_path / "letter"
    path.write_bytes(data)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        for start, end in ((0, len(data)), (61, 62), (62, 62), (5, 2_000_000)):
            assert count_lines(mapped, start, end) == data.count(b"\n", start, end) == count_lines(data, start, end)
