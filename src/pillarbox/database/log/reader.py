"""Reads the log of one volume, record by record, across its segments.

A torn or bad *last* record ends the log: `torn` says why, `end` where the last whole record finishes. A bad record
with good ones after it, a gap, a record of another database or generation raise Failure CORRUPT (WRONG_VERSION for
what another program wrote) whose sentence names file and offset. Reading changes nothing.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pillarbox.base.failure import FailureKind
from pillarbox.database.disk import Disk, OpenFile
from pillarbox.database.log.record import Damage, Mark, Record, find_later_record, read_record, seed
from pillarbox.database.log.segment import (
    HEADER_SIZE,
    SegmentHeader,
    parse_header,
    parse_segment_name,
    segment_name,
)
from pillarbox.model.failure import Failure

_AHEAD = 1 << 20


class Identity(NamedTuple):
    """What a log belongs to. `uuid` is 16 random octets given to the database when it was made."""

    uuid: bytes
    generation: int
    schema_name: str


def log_start(first_lsn: int = 1) -> Mark:
    """Before the first record of a log that begins with `first_lsn`."""
    return Mark(first_lsn - 1, first_lsn, 0, HEADER_SIZE, 0)


def list_segments(disk: Disk, directory: Path) -> list[tuple[int, int]]:
    """(generation, first LSN) of every segment there, in order."""
    return sorted(filter(None, map(parse_segment_name, disk.list(directory))))


def read_header(disk: Disk, path: Path) -> SegmentHeader | None:
    """The header of the segment at `path`; None if it is damaged."""
    file = disk.open(path)
    try:
        return parse_header(file.read_at(HEADER_SIZE, 0), str(path))
    finally:
        file.close()


class _ReadAhead:
    """`disk.OpenFile` for one pass through a segment: short reads come from one long one."""

    def __init__(self, file: OpenFile) -> None:
        self._file = file
        self._start = 0
        self._block = b""

    def read_at(self, size: int, offset: int) -> bytes:
        at = offset - self._start
        if at >= 0 and at + size <= len(self._block):
            return self._block[at : at + size]
        if size >= _AHEAD:
            return self._file.read_at(size, offset)
        self._start, self._block = offset, self._file.read_at(_AHEAD, offset)
        return self._block[:size]


class LogReader:
    """One pass over a log. `end` is the mark of the record that came last; `torn` is valid after the iteration."""

    def __init__(self, disk: Disk, directory: Path, identity: Identity, others: bool = False) -> None:
        """`others`: that segments of later generations are there too is all right."""
        self._others = others
        self._disk = disk
        self._directory = directory
        self._identity = identity
        self._seed = seed(identity.uuid)
        self.end = log_start()
        self.torn: str | None = None
        self.path = directory

    def confirm(self, mark: Mark) -> None:
        """Raises Failure CORRUPT unless the record `mark` speaks of is there, or its segment was put away."""
        firsts = self._segments()
        if mark.lsn < mark.segment or (mark.segment not in firsts and mark.lsn + 1 in firsts):
            return
        path = self._path(mark.segment)
        if mark.segment in firsts:
            file = self._disk.open(path)
            try:
                record = read_record(file, mark.start, self._seed)
            finally:
                file.close()
            if isinstance(record, Record) and (record.lsn, record.crc) == (mark.lsn, mark.crc):
                return
        raise Failure(
            FailureKind.CORRUPT,
            f"The database contains log record {mark.lsn}, but {path} does not hold it at offset {mark.start}: "
            "the log is damaged, or older than the database.",
        )

    def records(self, after: Mark) -> Iterator[Record]:
        """Every record after `after`."""
        self.end, self.torn = after, None
        firsts = self._segments()
        segment, offset = after.segment, after.finish
        if segment not in firsts:
            segment, offset = after.lsn + 1, HEADER_SIZE
            if segment not in firsts:
                self._raise_gap(firsts)
        while True:
            self.path = self._path(segment)
            file = self._disk.open(self.path)
            try:
                if not self._header_fits(file, segment):
                    return
                yield from self._segment_records(file, segment, offset, firsts)
            finally:
                file.close()
            if self.torn is not None or self.end.lsn < segment or self.end.lsn + 1 not in firsts:
                break
            segment, offset = self.end.lsn + 1, HEADER_SIZE
        if any(first > self.end.lsn + 1 for first in firsts):
            self._raise_gap(firsts)

    def _segments(self) -> list[int]:
        generation = self._identity.generation
        found = list_segments(self._disk, self._directory)
        later = [number for number, _ in found if number > generation]
        if later and not self._others:
            raise Failure(
                FailureKind.WRONG_VERSION,
                f"{self._directory} holds the log of base generation {later[0]}, but the database is of generation "
                f"{generation}: put a database of generation {later[0]} in place.",
            )
        return [first for number, first in found if number == generation]

    def _path(self, segment: int) -> Path:
        return self._directory / segment_name(self._identity.generation, segment)

    def _header_fits(self, file: OpenFile, segment: int) -> bool:
        """False where the last segment never came to be (its header is torn and nothing follows)."""
        header = parse_header(file.read_at(HEADER_SIZE, 0), str(self.path))
        if header is None:
            if self.end.lsn >= segment or find_later_record(file, 0, self.end.lsn + 1, self._seed):
                self._raise_damage(0, "its header is damaged")
            self.torn = f"{self.path} has no whole header and no records"
            return False
        identity = self._identity
        if (header.uuid, header.generation, header.schema_name) != identity or header.first_lsn != segment:
            raise Failure(
                FailureKind.CORRUPT,
                f"{self.path} belongs to another database ({header.schema_name} {header.uuid.hex()}, generation "
                f"{header.generation}), not to {identity.schema_name} {identity.uuid.hex()}, generation "
                f"{identity.generation}.",
            )
        if self.end.lsn + 1 == segment and header.previous != self.end.crc:
            self._raise_damage(0, f"it does not continue record {self.end.lsn}: a log of another history")
        return True

    def _segment_records(self, file: OpenFile, segment: int, offset: int, firsts: list[int]) -> Iterator[Record]:
        ahead = _ReadAhead(file)
        while isinstance(found := read_record(ahead, offset, self._seed), Record):
            if found.lsn != self.end.lsn + 1 or found.previous != self.end.crc:
                self._raise_damage(offset, f"record {found.lsn} does not continue record {self.end.lsn}")
            self.end = Mark(found.lsn, segment, found.start, found.finish, found.crc)
            yield found
            offset = found.finish
        followed = self.end.lsn >= segment and any(first > segment for first in firsts)
        reason = found.reason if isinstance(found, Damage) else "a record is missing"
        if (found and followed) or find_later_record(file, offset, self.end.lsn + 1, self._seed):
            self._raise_damage(offset, f"{reason}, and good records follow")
        if found:
            self.torn = f"{self.path} at offset {offset}: the last record is {reason}"

    def _raise_damage(self, offset: int, reason: str) -> None:
        raise Failure(FailureKind.CORRUPT, f"The log is damaged: {self.path} at offset {offset}: {reason}.")

    def _raise_gap(self, firsts: list[int]) -> None:
        wanted = self.end.lsn + 1
        later = [first for first in firsts if first > wanted]
        rest = f"the next segment there begins with record {later[0]}" if later else "no segment there holds it"
        raise Failure(
            FailureKind.CORRUPT,
            f"The log in {self._directory} has a gap: record {wanted} of generation {self._identity.generation} is "
            f"needed, but {rest}.",
        )
