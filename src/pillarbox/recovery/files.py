"""Files as a restore writes them: of a known size, durable by name and by content."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Raises `Failure` DISK_FULL or UNAVAILABLE for an OSError; `what` begins the sentence."""
    try:
        yield
    except OSError as error:
        kind = FailureKind.DISK_FULL if error.errno in (errno.ENOSPC, errno.EDQUOT) else FailureKind.UNAVAILABLE
        raise Failure(kind, f"{what}: {error.strerror or error}", error) from error


@contextmanager
def opened(path: Path, size: int) -> Iterator[int]:
    """A descriptor for writing at any place of the file at `path`, which has `size` octets. Its name is durable."""
    with translated(f"{path} cannot be opened"):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        with translated(f"{path} cannot be written"):
            if os.fstat(file).st_size != size:
                os.ftruncate(file, size)
            sync_directory(path.parent)
        yield file
    finally:
        os.close(file)


def write_at(file: int, data: bytes, offset: int) -> None:
    """All of it. Raises OSError."""
    view = memoryview(data)
    while view:
        written = os.pwrite(file, view, offset)
        view, offset = view[written:], offset + written


def sync_directory(path: Path) -> None:
    """Make the names in it durable. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Make the content of a file durable; fine if it is not there. Raises OSError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)
