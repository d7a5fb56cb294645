"""File operations of the engine behind a small port, so that a failing disk can be simulated.

Everything raises OSError as the operating system does. `flush` is the only promise of durability for a file's
bytes, `flush_directory` the only one for its name. SQLite's own file is not behind this port.
"""

import errno
import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol


class Readable(Protocol):
    """Octets that can be read anywhere."""

    def read_at(self, size: int, offset: int) -> bytes:
        """Up to `size` octets; fewer only where the file ends."""


class OpenFile(Readable, Protocol):
    """One file, open for reading and writing."""

    def size(self) -> int: ...

    def write_at(self, parts: Sequence[bytes], offset: int) -> None:
        """Write all of `parts`, one after the other."""

    def flush(self) -> None:
        """Return when everything written is on the disk. After an OSError nothing is known about the file."""

    def cut(self, size: int) -> None:
        """Shorten to `size` octets."""

    def close(self) -> None: ...


class Lock(Protocol):
    """A lock between processes; the kernel releases it when its holder dies."""

    def acquire(self) -> None: ...

    def release(self) -> None: ...

    def close(self) -> None: ...


class Disk(Protocol):
    """Where files are."""

    def open(self, path: Path, *, create: bool = False) -> OpenFile: ...

    def exists(self, path: Path) -> bool: ...

    def list(self, directory: Path) -> list[str]: ...

    def make_directory(self, path: Path) -> None:
        """Make it, and those above it; fine if it is there."""

    def replace(self, old: Path, new: Path) -> None: ...

    def remove(self, path: Path) -> None: ...

    def flush_directory(self, path: Path) -> None: ...

    def lock(self, path: Path) -> Lock: ...


class SystemFile:
    """A file of the operating system."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0), 0o600)

    def size(self) -> int:
        return os.fstat(self._fd).st_size

    def read_at(self, size: int, offset: int) -> bytes:
        data = os.pread(self._fd, size, offset)
        while len(data) < size:
            more = os.pread(self._fd, size - len(data), offset + len(data))
            if not more:
                break
            data += more
        return data

    def write_at(self, parts: Sequence[bytes], offset: int) -> None:
        written = os.pwritev(self._fd, parts, offset)
        total = sum(map(len, parts))
        if written == total:
            return
        # A full disk or a signal may stop a write half way; asking for the rest says which it was.
        rest = memoryview(b"".join(parts))
        while written < total:
            written += os.pwrite(self._fd, rest[written:], offset + written)

    def flush(self) -> None:
        os.fdatasync(self._fd)

    def cut(self, size: int) -> None:
        os.ftruncate(self._fd, size)

    def close(self) -> None:
        os.close(self._fd)


class SystemLock:
    """flock(2) on a file of its own."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def acquire(self) -> None:
        fcntl.flock(self._fd, fcntl.LOCK_EX)

    def release(self) -> None:
        fcntl.flock(self._fd, fcntl.LOCK_UN)

    def close(self) -> None:
        os.close(self._fd)


class SystemDisk:
    """The machine's own file system."""

    def open(self, path: Path, *, create: bool = False) -> OpenFile:
        return SystemFile(path, create=create)

    def exists(self, path: Path) -> bool:
        return os.path.exists(path)

    def list(self, directory: Path) -> list[str]:
        return sorted(os.listdir(directory))

    def make_directory(self, path: Path) -> None:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def replace(self, old: Path, new: Path) -> None:
        os.replace(old, new)

    def remove(self, path: Path) -> None:
        os.unlink(path)

    def flush_directory(self, path: Path) -> None:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def lock(self, path: Path) -> Lock:
        return SystemLock(path)


def is_full(error: OSError) -> bool:
    """Whether there was no room (or no quota left), which passes by itself."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def write_whole(disk: Disk, path: Path, data: bytes) -> None:
    """Put `data` at `path` so that a crash leaves either the old file or the new one, never a mixture."""
    beside = path.with_name(path.name + ".new")
    file = disk.open(beside, create=True)
    try:
        file.cut(0)
        file.write_at([data], 0)
        file.flush()
    finally:
        file.close()
    disk.replace(beside, path)
    disk.flush_directory(path.parent)


def read_whole(disk: Disk, path: Path) -> bytes:
    """The bytes at `path`."""
    file = disk.open(path)
    try:
        return file.read_at(file.size(), 0)
    finally:
        file.close()
