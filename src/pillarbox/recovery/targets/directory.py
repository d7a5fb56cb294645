"""A directory as a target: a disk, a NAS, anything mounted.

An object is a file of its name below the directory. It is written beside its place under a name that begins with a
dot, made durable, then renamed: whoever reads sees all of it or nothing, after a power cut too. `flush` makes the
names durable. The directory itself is never made here: one that is missing is a disk that is not mounted, and so is one
that has come to lie on another device since the target was first used; `elsewhere` demands from the start that it is
another device than that of `/`. All that is UNAVAILABLE, so that no backup ends up on the disk it should outlive.

Many threads may use one `DirectoryTarget`.
"""

import errno
import itertools
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import Stored
from pillarbox.recovery.names import valid_name
from pillarbox.recovery.targets.durable import DurableWriter

_FULL = (errno.ENOSPC, errno.EDQUOT)
_TRIES = 3
_MODE = 0o600
_DIRECTORY_MODE = 0o700


class DirectoryTarget:
    """See `model.recovery.Target`."""

    def __init__(self, root: Path, elsewhere: bool = False) -> None:
        self._root = root
        self._elsewhere = elsewhere
        self._lock = threading.Lock()
        self._device: int | None = None
        self._made: set[Path] = set()
        self._unsettled: set[Path] = set()
        self._writer = DurableWriter()
        self._numbers = itertools.count()

    @property
    def label(self) -> str:
        return f"file://{self._root}"

    def put(self, name: str, data: bytes) -> None:
        path = self._path(name)
        for remaining in reversed(range(_TRIES)):
            try:
                self._make_parents(path.parent)
                self._write(path, data)
                break
            except FileNotFoundError as error:
                # Someone who deleted the last object of this directory took it away just now.
                with self._lock:
                    self._made.clear()
                if not remaining:
                    raise self._failure(error) from error
            except OSError as error:
                raise self._failure(error) from error
        with self._lock:
            self._unsettled.add(path.parent)

    def flush(self) -> None:
        with self._lock:
            waiting, self._unsettled = self._unsettled, set()
        try:
            self._check_root()
            directories = {above for path in waiting for above in (path, *path.parents)}
            for directory in sorted(directories):
                if directory == self._root or self._root in directory.parents:
                    _settle(directory)
        except OSError as error:
            with self._lock:
                self._unsettled |= waiting
            raise self._failure(error) from error

    def get(self, name: str) -> bytes:
        path = self._path(name)
        try:
            with open(path, "rb", buffering=0) as file:
                return file.read()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            self._check_root()
            raise Failure(FailureKind.NOT_FOUND, f"{name} is not at {self.label}", error) from error
        except OSError as error:
            raise self._failure(error) from error

    def list(self, prefix: str) -> Iterator[Stored]:
        self._check_root()
        return self._walk(self._root, "", prefix)

    def delete(self, name: str) -> None:
        path = self._path(name)
        self._check_root()
        try:
            path.unlink(missing_ok=True)
            with self._lock:
                self._unsettled.add(path.parent)
        except NotADirectoryError:
            return
        except OSError as error:
            raise self._failure(error) from error
        self._remove_empty(path.parent)

    def _path(self, name: str) -> Path:
        if not valid_name(name):
            raise Failure(FailureKind.INVALID, f"{name!r} is not a name for an object")
        return self._root / name

    def _check_root(self) -> None:
        try:
            found = self._root.stat()
            device = found.st_dev
            if not stat.S_ISDIR(found.st_mode):
                raise Failure(FailureKind.UNAVAILABLE, f"{self._root} is not a directory")
            if self._elsewhere and device == os.stat("/").st_dev:
                raise Failure(FailureKind.UNAVAILABLE, f"nothing is mounted at {self._root}")
        except FileNotFoundError as error:
            public = f"the directory {self._root} is not there; is its disk mounted?"
            raise Failure(FailureKind.UNAVAILABLE, public, error) from error
        except OSError as error:
            raise self._failure(error) from error
        with self._lock:
            self._device = self._device if self._device is not None else device
            if self._device != device:
                raise Failure(FailureKind.UNAVAILABLE, f"another disk than before is at {self._root}")

    def _make_parents(self, directory: Path) -> None:
        self._check_root()
        with self._lock:
            if directory in self._made:
                return
        missing = [directory, *directory.parents]
        for path in reversed(missing[: missing.index(self._root)]):
            try:
                path.mkdir(_DIRECTORY_MODE)
            except FileExistsError:
                continue
        with self._lock:
            self._made.add(directory)

    def _write(self, path: Path, data: bytes) -> None:
        # The name is for this process and call alone; a leftover of a dead one is simply written over.
        part = path.with_name(f".{path.name[:200]}.{os.getpid()}-{next(self._numbers)}")
        try:
            self._writer.write(part, data, _MODE)
            part.rename(path)
        except OSError:
            part.unlink(missing_ok=True)
            raise

    def _walk(self, directory: Path, above: str, prefix: str) -> Iterator[Stored]:
        try:
            entries = _entries(directory, above)
        except OSError as error:
            raise self._failure(error) from error
        for name, entry in entries:
            if entry.is_dir(follow_symlinks=False):
                below = f"{name}/"
                if below.startswith(prefix) or prefix.startswith(below):
                    yield from self._walk(Path(entry.path), below, prefix)
            elif name.startswith(prefix) and valid_name(name):
                try:
                    yield Stored(name, entry.stat().st_size)
                except FileNotFoundError:
                    continue

    def _remove_empty(self, directory: Path) -> None:
        while directory != self._root:
            try:
                directory.rmdir()
            except OSError:  # not empty, or gone
                return
            with self._lock:
                self._made.discard(directory)
                self._unsettled.discard(directory)
                self._unsettled.add(directory.parent)
            directory = directory.parent

    def _failure(self, error: OSError) -> Failure:
        if error.errno in _FULL:
            return Failure(FailureKind.DISK_FULL, f"no room is left at {self.label}", error)
        return Failure(FailureKind.UNAVAILABLE, f"{self.label}: {error.strerror or error}", error)


def _entries(directory: Path, above: str) -> list[tuple[str, os.DirEntry[str]]]:
    """What lies in a directory, so that the names of all objects below come in order."""
    try:
        with os.scandir(directory) as entries:
            # A directory's objects sort with the slash behind its name.
            found = [(entry.name + "/" * entry.is_dir(follow_symlinks=False), entry) for entry in entries]
    except FileNotFoundError:
        return []
    found.sort(key=lambda pair: pair[0])
    return [(above + entry.name, entry) for _, entry in found if not entry.name.startswith(".")]


def _settle(directory: Path) -> None:
    """Make the names in a directory durable."""
    try:
        file = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        os.fsync(file)
    finally:
        os.close(file)
