"""What was written to files and not yet flushed, and what a power cut leaves of it.

The files on the real disk are what programs see while the machine runs; beside them this remembers how to take every
unflushed change back. `settle()` takes all of it back, the worst of disks. `settle(chance)` is a disk that wrote in
an order of its own: of each file the changes survive or not, each by itself, a write also torn between its sectors.
Changes of names survive in the order in which they were made, as far as they concern the same name.

`liar`: files whose path contains it are never really flushed, though the flush returns (a disk that lies).
"""

import os
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

SECTOR = 512
_MOODS = (0.0, 0.5, 0.9, 1.0)
_TORN = 0.2


class _Change(NamedTuple):
    """A write of `data` at `offset`, or (None) a cut there. `before`: the octets there; `size`: that of the file."""

    offset: int
    data: bytes | None
    before: bytes
    size: int


class _Renaming(NamedTuple):
    names: frozenset[Path]
    undo: Callable[[], object]


class Unflushed:
    """See the module."""

    def __init__(self) -> None:
        self.liar = ""
        self._changes: dict[Path, list[_Change]] = {}
        self._renamings: dict[Path, list[_Renaming]] = {}

    def writing(self, path: Path, data: bytes, offset: int) -> None:
        """`data` is about to be written."""
        self._note(path, offset, data, len(data))

    def cutting(self, path: Path, size: int) -> None:
        """The file is about to be made `size` octets long."""
        self._note(path, size, None, -1)

    def _note(self, path: Path, offset: int, data: bytes | None, length: int) -> None:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(offset)
            before = file.read(length)
        self._changes.setdefault(path, []).append(_Change(offset, data, before, size))

    def flushed(self, path: Path) -> None:
        """What was written to the file is on the disk, if the disk can be trusted."""
        if not self.liar or self.liar not in str(path):
            self._changes.pop(path, None)

    def replaced(self, old: Path, new: Path, content: bytes | None) -> None:
        """`old` has become `new`, which held `content` before (None: was not there)."""
        if old in self._changes:
            self._changes[new] = self._changes.pop(old)

        def undo() -> None:
            os.replace(new, old)
            if content is not None:
                new.write_bytes(content)

        self._rename(new.parent, {old, new}, undo)

    def created(self, path: Path) -> None:
        self._rename(path.parent, {path}, lambda: path.unlink(missing_ok=True))

    def removed(self, path: Path, content: bytes) -> None:
        """The file that held `content` is gone."""
        self._changes.pop(path, None)
        self._rename(path.parent, {path}, lambda: path.write_bytes(content))

    def _rename(self, directory: Path, names: set[Path], undo: Callable[[], object]) -> None:
        self._renamings.setdefault(directory, []).append(_Renaming(frozenset(names), undo))

    def names_flushed(self, directory: Path) -> None:
        """The names in a directory are on the disk."""
        if not self.liar or self.liar not in str(directory):
            self._renamings.pop(directory, None)

    def settle(self, chance: random.Random | None = None) -> None:
        """Make the files what they are after a power cut; nothing is unflushed then."""
        for path in sorted(self._changes):
            with suppress(FileNotFoundError):
                _settle_content(path, self._changes[path], chance)
        for directory in sorted(self._renamings):
            _settle_names(self._renamings[directory], chance)
        self._changes.clear()
        self._renamings.clear()


def _settle_content(path: Path, changes: list[_Change], chance: random.Random | None) -> None:
    with open(path, "r+b") as file:
        for change in reversed(changes):
            file.seek(change.offset)
            file.write(change.before)
            file.truncate(change.size)
        if chance is None:
            return
        survival = chance.choice(_MOODS)
        for change in changes:
            if chance.random() >= survival:
                continue
            if change.data is None:
                file.truncate(change.offset)
                continue
            for start, piece in _survivors(change, chance):
                file.seek(start)
                file.write(piece)


def _survivors(change: _Change, chance: random.Random) -> list[tuple[int, bytes]]:
    """The pieces of a write that reached the disk: all of it, or some sectors."""
    assert change.data is not None
    if chance.random() >= _TORN:
        return [(change.offset, change.data)]
    pieces = []
    start = change.offset
    while start < (end := change.offset + len(change.data)):
        finish = min(end, (start // SECTOR + 1) * SECTOR)
        if chance.random() < 0.5:
            pieces.append((start, change.data[start - change.offset : finish - change.offset]))
        start = finish
    return pieces


def _settle_names(renamings: list[_Renaming], chance: random.Random | None) -> None:
    lost: set[Path] = set()
    undone = []
    for renaming in renamings:
        if chance is None or renaming.names & lost or chance.random() < 0.5:
            lost |= renaming.names
            undone.append(renaming)
    for renaming in reversed(undone):
        renaming.undo()
