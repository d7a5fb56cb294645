"""Writing a whole file durably, fast, and without pushing other files out of the memory.

Large files go past the system's cache (O_DIRECT), from a buffer that lies as such writes need it: half the work for the
processors, and the pages that the mail server reads stay in memory while a backup runs. Where a file system does not
take that, and for small files, the usual way. Raises OSError.
"""

import errno
import mmap
import os
import threading
from pathlib import Path

_BLOCK = 4096
_BUFFER = 4 << 20
_LEAST = 256 << 10
"""Octets below which the usual way is faster."""
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC


class _Buffer(threading.local):
    """A buffer for each thread, page by page in memory."""

    def __init__(self) -> None:
        self.octets = mmap.mmap(-1, _BUFFER)


class DurableWriter:
    """Writes files; may be used by many threads, which take 4 MiB each once they write large ones."""

    def __init__(self) -> None:
        self._buffer: _Buffer | None = None
        self._lock = threading.Lock()

    def write(self, path: Path, data: bytes, mode: int) -> None:
        """Make the file hold `data` and return when that is on the disk; its name in the directory may not be."""
        if len(data) >= _LEAST:
            try:
                self._write(path, data, mode, os.O_DIRECT)
                return
            except OSError as error:
                if error.errno != errno.EINVAL:
                    raise
        self._write(path, data, mode, 0)

    def _write(self, path: Path, data: bytes, mode: int, direct: int) -> None:
        file = os.open(path, _FLAGS | direct, mode)
        try:
            if direct:
                self._write_direct(file, data)
            else:
                _write_all(file, memoryview(data))
            os.fdatasync(file)
        finally:
            os.close(file)

    def _write_direct(self, file: int, data: bytes) -> None:
        buffer, whole = self._my_buffer(), memoryview(data)
        for at in range(0, len(data), _BUFFER):
            size = min(_BUFFER, len(data) - at)
            buffer[:size] = whole[at : at + size]
            # Whole blocks only: what is too much goes off again below.
            with memoryview(buffer) as view, view[: -(-size // _BLOCK) * _BLOCK] as blocks:
                _write_all(file, blocks)
        os.ftruncate(file, len(data))

    def _my_buffer(self) -> mmap.mmap:
        with self._lock:
            self._buffer = self._buffer or _Buffer()
        return self._buffer.octets


def _write_all(file: int, view: memoryview) -> None:
    written = 0
    while written < len(view):
        written += os.write(file, view[written:])
