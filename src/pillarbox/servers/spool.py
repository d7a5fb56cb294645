"""A message while it arrives: in memory as long as it is small, then in a file.

`Spool` takes chunks with `add` and gives the whole as a `Body` with `finish`: bytes, or the file mapped into memory.
The file has no name from the moment it is made (it is unlinked at once, or never linked), so that a crash leaves
nothing behind. Whoever owns a spool calls `discard` in the end, after the store has answered or when the client is
gone; it may be called at any time and more than once.

Writes go to the page cache of the data volume and are not waited for elsewhere: a chunk is at most 256 KiB.
Raises Failure(DISK_FULL) where the volume has no room, Failure(UNAVAILABLE) for its other errors.
"""

import errno
import tempfile
from contextlib import suppress
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import BinaryIO

from pillarbox.base.failure import FailureKind
from pillarbox.model.content import Body
from pillarbox.model.failure import Failure


class Spool:
    """Collects one message; see the module's contract."""

    __slots__ = ("_directory", "_file", "_keep", "_mapped", "_memory", "size")

    def __init__(self, directory: Path, spool_above: int) -> None:
        """`spool_above` is how many octets stay in memory; `directory` must exist when they are exceeded."""
        self._directory = directory
        self._keep = spool_above
        self._memory: bytes | bytearray = b""
        self._file: BinaryIO | None = None
        self._mapped: mmap | None = None
        self.size = 0
        """Octets taken so far."""

    @property
    def in_file(self) -> bool:
        """Whether the message has grown out of memory."""
        return self._file is not None

    def add(self, chunk: bytes) -> None:
        """Takes the next octets."""
        self.size += len(chunk)
        if self._file is not None:
            self._write(self._file, chunk)
        elif self.size > self._keep:
            self._file = self._open()
            self._write(self._file, self._memory)
            self._write(self._file, chunk)
            self._memory = b""
        elif not self._memory:
            self._memory = chunk
        else:
            if isinstance(self._memory, bytes):
                self._memory = bytearray(self._memory)
            self._memory += chunk

    def finish(self) -> Body:
        """The whole message. It is valid until `discard`."""
        if self._file is None:
            return Body(bytes(self._memory))
        try:
            self._file.flush()
            self._mapped = mmap(self._file.fileno(), 0, access=ACCESS_READ)
        except OSError as error:
            raise _refusal(error) from error
        return Body(self._mapped)

    def discard(self) -> None:
        """Lets go of memory and file."""
        self._memory = b""
        if self._mapped is not None:
            # Somebody may still hold a view; then the mapping goes when the view does.
            with suppress(BufferError):
                self._mapped.close()
            self._mapped = None
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file = None

    def _open(self) -> BinaryIO:
        try:
            # Closed by `discard`. Unbuffered: chunks are large.
            return tempfile.TemporaryFile(dir=self._directory, buffering=0)
        except OSError as error:
            raise _refusal(error) from error

    @staticmethod
    def _write(file: BinaryIO, data: bytes | bytearray) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[file.write(rest) :]
        except OSError as error:
            raise _refusal(error) from error


def _refusal(error: OSError) -> Failure:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Failure(FailureKind.DISK_FULL, "There is no room on disk to take this message now.", error)
    return Failure(FailureKind.UNAVAILABLE, "The message cannot be kept on disk now.", error)
