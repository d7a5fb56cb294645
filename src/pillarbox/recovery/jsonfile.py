"""Small files of JSON that survive a crash, as the state of recovery keeps them.

A *line file* has an object in each line and only grows at its end, up to a number of lines: each line is on disk when
`append_line` returns, a last line that a crash tore is passed over by readers and does not spoil the next one. A
*whole file* is replaced at once by `write_whole`: readers see the old or the new one, never a part; after a crash of
the machine it may be the old one or missing, so it is only for what is written anew every few seconds.

Reading never fails for what the file says: lines that are not objects are left out, a file that is no object counts
as empty. Raises `Failure` UNAVAILABLE or DISK_FULL where the file itself cannot be read or written.
"""

import errno
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure

_NEWLINE = b"\n"
_SPARE = 1.25  # how far a line file may outgrow its limit until it is cut: so that not every append rewrites it


def append_line(path: Path, row: dict[str, Any], keep: int) -> None:
    """Put one more line into a line file, durably; once there are a quarter more than `keep`, the last `keep` stay."""
    with _translated(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path.parent):
            fresh = not path.exists()
            with open(path, "ab+") as file:
                file.write(_after_torn_line(file.fileno()) + _encoded(row))
                file.flush()
                os.fsync(file.fileno())
            if fresh:
                _settle(path.parent)
            lines = path.read_bytes().splitlines()
            if len(lines) > keep * _SPARE:
                _replace(path, b"".join(line + _NEWLINE for line in lines[-keep:]), durable=True)


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a line file, oldest first; none where there is no file."""
    with _translated(path):
        try:
            lines = path.read_bytes().split(_NEWLINE)
        except FileNotFoundError:
            return
    for line in lines:
        row = _object(line)
        if row is not None:
            yield row


def write_whole(path: Path, row: dict[str, Any]) -> None:
    """Replace a whole file, or make it."""
    with _translated(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, _encoded(row, indent=1), durable=False)


def write_durably(path: Path, row: dict[str, Any]) -> None:
    """`write_whole` for what must survive a crash of the machine: it is on disk when this returns."""
    with _translated(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, _encoded(row, indent=1), durable=True)


def read_whole(path: Path) -> dict[str, Any]:
    """What a whole file says; nothing where it is missing or spoilt."""
    with _translated(path):
        try:
            return _object(path.read_bytes()) or {}
        except FileNotFoundError:
            return {}


def _encoded(row: dict[str, Any], indent: int | None = None) -> bytes:
    # A file name that is no UTF-8 has surrogates in it; escaped with a backslash they are JSON.
    return json.dumps(row, ensure_ascii=False, indent=indent).encode(errors="backslashreplace") + _NEWLINE


def _object(data: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(data)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


def _after_torn_line(descriptor: int) -> bytes:
    """A newline where the file does not end with one: what was torn stays a line of its own."""
    size = os.fstat(descriptor).st_size
    return _NEWLINE if size and os.pread(descriptor, 1, size - 1) != _NEWLINE else b""


def _replace(path: Path, data: bytes, durable: bool) -> None:
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(new, "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise
    if durable:
        _settle(path.parent)


def _settle(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One writer at a time: the folder itself is the lock, since the files in it may be replaced."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        kind = FailureKind.DISK_FULL if full else FailureKind.UNAVAILABLE
        raise Failure(kind, f"{path} cannot be used: {error.strerror or error}.", error) from error
