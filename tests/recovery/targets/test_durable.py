"""Durable files: every length around the limits, several threads, file systems that do not take direct writes."""

import errno
import os
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pillarbox.recovery.targets.durable import DurableWriter

KIB, MIB = 1024, 1024 * 1024
SIZES = [0, 1, 4095, 256 * KIB - 1, 256 * KIB, 256 * KIB + 1, 4 * MIB - 1, 4 * MIB, 4 * MIB + 1, 9 * MIB + 12345]


@pytest.mark.parametrize("size", SIZES)
def test_what_is_written_is_read(tmp_path: Path, size: int) -> None:
    data = random.Random(size).randbytes(size)
    writer = DurableWriter()
    writer.write(tmp_path / "a", b"x" * 5_000_000, 0o600)
    writer.write(tmp_path / "a", data, 0o600)
    assert (tmp_path / "a").read_bytes() == data


def test_many_threads(tmp_path: Path) -> None:
    writer = DurableWriter()
    contents = [random.Random(number).randbytes(300_000 + number) for number in range(40)]

    def write(number: int) -> None:
        writer.write(tmp_path / str(number), contents[number], 0o600)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(40)))
    assert [(tmp_path / str(number)).read_bytes() for number in range(40)] == contents


@pytest.mark.parametrize("where", ["open", "write"])
def test_a_file_system_without_direct_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    real_open, real_write = os.open, os.write
    direct: set[int] = set()

    def opened(path: Path, flags: int, mode: int = 0o777) -> int:
        file = real_open(path, flags, mode)
        direct.discard(file)
        if flags & os.O_DIRECT:
            if where == "open":
                os.close(file)
                raise OSError(errno.EINVAL, "Invalid argument")
            direct.add(file)
        return file

    def write(file: int, data: bytes) -> int:
        if file in direct:
            raise OSError(errno.EINVAL, "Invalid argument")
        return real_write(file, data)

    data = random.Random(1).randbytes(MIB + 1)
    with monkeypatch.context() as patched:
        patched.setattr(os, "open", opened)
        patched.setattr(os, "write", write)
        DurableWriter().write(tmp_path / "a", data, 0o600)
    assert (tmp_path / "a").read_bytes() == data


def test_a_full_disk_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError, match="No space left"):
        DurableWriter().write(Path("/dev/full"), b"x" * MIB, 0o600)
