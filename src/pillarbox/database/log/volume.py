"""One log volume: the directory `<log volume>/<database name>/` with the segments and the file `mirror.json`.

`mirror.json` says who belongs together: `volume` names this one, `in_use` names every volume that holds all
acknowledged records, `epoch` counts the changes of that list. Of several volumes, the highest epoch tells the truth;
one that is not in its list missed records and is not trusted until it has been copied afresh.

Raises OSError as the disk does; nothing is decided here (see mirror.py).
"""

import json
from pathlib import Path
from typing import NamedTuple

from pillarbox.base.failure import FailureKind
from pillarbox.database.disk import Disk, OpenFile, is_full, read_whole, write_whole
from pillarbox.database.log.reader import Identity, LogReader, list_segments
from pillarbox.database.log.record import Draft, Mark
from pillarbox.database.log.segment import HEADER_SIZE, parse_segment_name, segment_name
from pillarbox.model.failure import Failure

PAD = 1 << 20
_PADDED_UP_TO = 256 << 10
_ZEROS = bytes(PAD)


class Membership(NamedTuple):
    """The content of `mirror.json`."""

    volume: str
    epoch: int
    in_use: tuple[str, ...]


class Volume:
    """A log volume of one database."""

    def __init__(self, disk: Disk, root: Path, name: str) -> None:
        self.root = root
        self.directory = root / name
        self._disk = disk
        self._open: tuple[tuple[int, int], OpenFile] | None = None

    # --- who belongs together -------------------------------------------------------------------------------------

    def membership(self) -> Membership | None:
        """What `mirror.json` says; None where it is not there. Raises OSError where the volume is not there."""
        path = self.directory / "mirror.json"
        if not self._disk.exists(path):
            self._disk.list(self.root)
            return None
        try:
            content = json.loads(read_whole(self._disk, path))
            return Membership(str(content["volume"]), int(content["epoch"]), tuple(content["in_use"]))
        except (ValueError, KeyError, TypeError) as error:
            raise Failure(
                FailureKind.CORRUPT, f"{path} is damaged; remove the directory if another log volume is whole.", error
            ) from error

    def set_membership(self, membership: Membership) -> None:
        content = {"volume": membership.volume, "epoch": membership.epoch, "in_use": list(membership.in_use)}
        write_whole(self._disk, self.directory / "mirror.json", json.dumps(content).encode() + b"\n")

    # --- reading --------------------------------------------------------------------------------------------------

    def reader(self, identity: Identity) -> LogReader:
        return LogReader(self._disk, self.directory, identity)

    def read(self, generation: int, segment: int, offset: int, size: int) -> bytes:
        """The bytes of a segment, unchecked."""
        return self._file(generation, segment).read_at(size, offset)

    def segments(self) -> list[tuple[int, int]]:
        return list_segments(self._disk, self.directory) if self._disk.exists(self.directory) else []

    def has_tail(self, generation: int, mark: Mark) -> bool:
        """Whether anything lies after `mark`: what a writer left that died before its commit."""
        file = self._file(generation, mark.segment)
        if file.read_at(4, mark.finish).strip(b"\0"):
            return True
        return mark.lsn >= mark.segment and self._disk.exists(self._path(generation, mark.lsn + 1))

    # --- writing --------------------------------------------------------------------------------------------------

    def make(self) -> None:
        """Make the directory, durably."""
        self._disk.make_directory(self.directory)
        self._disk.flush_directory(self.root)

    def start_segment(self, generation: int, first_lsn: int, header: bytes, before: Mark) -> None:
        """Begin a segment, durably; the one that `before` lies in ends there."""
        if before.lsn >= before.segment:
            self._file(generation, before.segment).cut(before.finish)
        write_whole(self._disk, self._path(generation, first_lsn), header)

    def ensure_segment(self, generation: int, first_lsn: int, header: bytes) -> None:
        """Begin a segment unless it is there already with this header."""
        path = self._path(generation, first_lsn)
        if not self._disk.exists(path) or self._file(generation, first_lsn).read_at(HEADER_SIZE, 0) != header:
            self.close()
            write_whole(self._disk, path, header)

    def write(self, generation: int, segment: int, offset: int, draft: Draft) -> None:
        """Write a record, not yet durably.

        Where the file must grow, it grows by zeros ahead: a flush that need not change the file's size is
        about twice as fast. Zeros are room, never a record.
        """
        file = self._file(generation, segment)
        size = file.size()
        if size < offset:
            raise OSError(f"{self._path(generation, segment)} has {size} octets, {offset} were written")
        parts = [draft.header, draft.payload]
        if offset + draft.size > size and draft.size <= _PADDED_UP_TO:
            try:
                file.write_at([*parts, _ZEROS], offset)
                return
            except OSError as error:
                if not is_full(error):  # a full disk may still have room for the record itself
                    raise
        file.write_at(parts, offset)

    def flush(self, generation: int, segment: int) -> None:
        """Return when every record of `segment` is on the disk."""
        self._file(generation, segment).flush()

    def cut(self, generation: int, mark: Mark) -> None:
        """Take away everything after `mark`, durably."""
        file = self._file(generation, mark.segment)
        if file.size() > mark.finish:
            file.cut(mark.finish)
            file.flush()
        unborn = self._path(generation, mark.lsn + 1)
        if mark.lsn >= mark.segment and self._disk.exists(unborn):
            self._disk.remove(unborn)
            self._disk.flush_directory(self.directory)

    def close(self) -> None:
        """Let go of the open segment."""
        if self._open is not None:
            self._open[1].close()
            self._open = None

    def _path(self, generation: int, segment: int) -> Path:
        return self.directory / segment_name(generation, segment)

    def _file(self, generation: int, segment: int) -> OpenFile:
        wanted = (generation, segment)
        if self._open is None or self._open[0] != wanted:
            self.close()
            self._open = (wanted, self._disk.open(self._path(generation, segment)))
        return self._open[1]


def copy_log(disk: Disk, source: Volume, target: Volume) -> None:
    """Make `target` hold exactly the segments of `source`, durably; what is alike already is compared, not copied.

    The caller keeps writers away.
    """
    target.close()
    target.make()
    wanted = {segment_name(*segment) for segment in source.segments()}
    for name in disk.list(target.directory):
        if parse_segment_name(name) and name not in wanted:
            disk.remove(target.directory / name)
    for name in sorted(wanted):
        original, copy = source.directory / name, target.directory / name
        if not (disk.exists(copy) and _alike(disk, original, copy)):
            _copy_file(disk, original, copy)
    disk.flush_directory(target.directory)


def _alike(disk: Disk, one: Path, other: Path) -> bool:
    first, second = disk.open(one), disk.open(other)
    try:
        size = first.size()
        if second.size() != size or size < HEADER_SIZE:
            return False
        return all(first.read_at(PAD, offset) == second.read_at(PAD, offset) for offset in range(0, size, PAD))
    finally:
        first.close()
        second.close()


def _copy_file(disk: Disk, source: Path, target: Path) -> None:
    beside = target.with_name(target.name + ".new")
    reading, writing = disk.open(source), disk.open(beside, create=True)
    try:
        writing.cut(0)
        for offset in range(0, reading.size(), PAD):
            writing.write_at([reading.read_at(PAD, offset)], offset)
        writing.flush()
    finally:
        reading.close()
        writing.close()
    disk.replace(beside, target)
    disk.flush_directory(target.parent)
