"""The committed log of a database as it grows, for standbys: `model.standby.LogSource`.

Who committed says so (`note`), and then nothing but the log's segment is read, which is still in memory; `look` asks
the database itself, for commits that nobody told of. A record that is not committed is never shipped: it may be cut
off the log again. Where a segment of a later generation begins, the records of older ones end: what lies behind in
them was given up.
"""

from contextlib import AbstractContextManager

from pillarbox.base.failure import FailureKind
from pillarbox.database.live import LiveVolumes
from pillarbox.database.log.reader import read_header
from pillarbox.database.log.scan import head_in, records_in
from pillarbox.database.log.segment import HEADER_SIZE, segment_name
from pillarbox.database.log.volume import Volume
from pillarbox.database.place import Place, Surroundings
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import LogPoint, Pinned
from pillarbox.model.standby import Bond, LogEnd, Shipment, Traced

_NONE = LogPoint(0, 0, 0, 0)


class ShippedLog:
    """See `model.standby.LogSource`. `forks` says for a generation behind which record it began, where its first
    segments were pruned."""

    def __init__(
        self, place: Place, surroundings: Surroundings | None = None, forks: dict[int, int] | None = None
    ) -> None:
        self._surroundings = surroundings or Surroundings()
        self._live = LiveVolumes(place, self._surroundings)
        self._forks = forks or {}
        self._committed = _NONE
        self._uuid = b""
        self._volume: Volume | None = None

    @property
    def name(self) -> str:
        return self._live.name

    @property
    def uuid(self) -> str:
        return self._identity().hex()

    def committed(self) -> LogPoint:
        return self._committed if self._committed is not _NONE else self.look()

    def look(self) -> LogPoint:
        point = self._live.position()
        self.note(point)
        return self._committed

    def note(self, point: LogPoint) -> None:
        if point[:2] > self._committed[:2] or self._committed is _NONE:
            self._committed = point

    def pin(self) -> AbstractContextManager[Pinned]:
        return self._live.pin()

    def close(self) -> None:
        """Let go of the open segment."""
        if self._volume is not None:
            self._volume.close()
            self._volume = None

    # --- where another log ends -----------------------------------------------------------------------------------

    def trace(self, end: LogEnd) -> Traced:
        committed = self.committed()
        fork = self._fork(end.generation)
        if fork is not None and end.lsn > fork[1]:
            return Traced(Bond.REPLACED, *fork)
        if end.generation > committed.generation or (
            end.generation == committed.generation and end.lsn > committed.lsn
        ):
            return Traced(Bond.REPLACED, committed.generation, committed.lsn)
        segments = self._reading().segments()
        if (end.generation, end.segment) in segments:
            known = end.finish == 0 or self._holds(end)
            return Traced(Bond.CONTINUES if known else Bond.REPLACED)
        following = self._following(end)
        if following is None or self._previous(following) != end.crc:
            return Traced(Bond.PRUNED)
        return Traced(Bond.CONTINUES)

    def _holds(self, end: LogEnd) -> bool:
        """Whether our segment has the record that the other log ends with."""
        segment = (end.generation, end.segment)
        if end.start == 0:
            return end.finish == HEADER_SIZE and self._previous(segment) == end.crc
        octets = self._reading().read(*segment, end.start, end.finish - end.start)
        record = next(records_in(octets, end.start, self._identity()), None)
        return record is not None and (record.lsn, record.crc, record.finish) == (end.lsn, end.crc, end.finish)

    def _previous(self, segment: tuple[int, int]) -> int:
        """The checksum of the record that a segment continues."""
        path = self._reading().directory / segment_name(*segment)
        header = read_header(self._surroundings.disk, path)
        if header is None:
            raise Failure(FailureKind.CORRUPT, f"The log is damaged: {path} at offset 0.")
        return header.previous

    def _fork(self, generation: int) -> tuple[int, int] | None:
        """The generation that ended this one, and the last record of this one that counts."""
        begins = {number: after + 1 for number, after in self._forks.items()}
        for number, first in self._reading().segments():
            begins.setdefault(number, first)
        later = [(first - 1, -number) for number, first in begins.items() if number > generation]
        if not later:
            return None
        after, negative = min(later)
        return -negative, after

    def _following(self, end: LogEnd) -> tuple[int, int] | None:
        """The segment that begins with the record behind `end`."""
        fork = self._fork(end.generation)
        if fork is None or end.lsn < fork[1]:
            wanted = (end.generation, end.lsn + 1)
        else:
            wanted = (fork[0], end.lsn + 1)
        return wanted if wanted in self._reading().segments() and wanted[:2] != (end.generation, end.segment) else None

    # --- what follows ---------------------------------------------------------------------------------------------

    def read(self, end: LogEnd, most: int) -> tuple[Shipment, LogEnd] | None:
        committed = self.committed()
        if end.finish and (end.generation, end.lsn) == committed[:2]:
            return None
        try:
            return self._read(end, most, committed)
        except FileNotFoundError as error:
            self.close()
            if (end.generation, end.segment) not in self._reading().segments():
                raise self._pruned(end) from error
            raise Failure(FailureKind.UNAVAILABLE, f"The log of {self.name} cannot be read: {error}.", error) from error
        except OSError as error:
            self.close()
            raise Failure(FailureKind.UNAVAILABLE, f"The log of {self.name} cannot be read: {error}.", error) from error

    def _read(self, end: LogEnd, most: int, committed: LogPoint) -> tuple[Shipment, LogEnd] | None:
        if end.finish:
            found = self._cut(end, most, committed)
            if found is not None or (end.generation, end.lsn) >= committed[:2]:
                return found
            following = self._following(end)
            if following is None:
                raise self._pruned(end)
            end = LogEnd(following[0], end.lsn, following[1], 0, 0, end.crc)
        return self._cut(end, most, committed)

    def _cut(self, end: LogEnd, most: int, committed: LogPoint) -> tuple[Shipment, LogEnd] | None:
        """Whole committed records behind `end` in its segment."""
        volume, start = self._reading(), end.finish
        growing = (end.generation, end.segment) == (committed.generation, committed.segment)
        size = min(most, committed.finish - start) if growing else most
        if size <= 0:
            return None
        octets = self._with_first_record(end, volume.read(end.generation, end.segment, start, size))
        new = end
        if start == 0:
            new = LogEnd(
                end.generation,
                end.segment - 1,
                end.segment,
                0,
                HEADER_SIZE,
                self._previous((end.generation, end.segment)),
            )
        last = self._last_that_counts(end.generation, committed)
        first, time = new.lsn + 1, 0
        for record in records_in(octets, start, self._identity()):
            if record.lsn > last:
                break
            time = record.time
            new = LogEnd(end.generation, record.lsn, end.segment, record.start, record.finish, record.crc)
        if new is end:
            if growing:
                self.close()
                path = volume.directory / segment_name(end.generation, end.segment)
                raise Failure(FailureKind.CORRUPT, f"The log is damaged: {path} at offset {start}.")
            return None
        return Shipment(end.generation, end.segment, start, first, new.lsn, time, octets[: new.finish - start]), new

    def _last_that_counts(self, generation: int, committed: LogPoint) -> int:
        if generation == committed.generation:
            return committed.lsn
        fork = self._fork(generation)
        return fork[1] if fork is not None else committed.lsn

    def _with_first_record(self, end: LogEnd, octets: bytes) -> bytes:
        """`octets`, with the rest of their first record if that is longer."""
        head = head_in(octets[max(0, HEADER_SIZE - end.finish) :], max(end.finish, HEADER_SIZE), self._identity())
        if head is None or head.finish - end.finish <= len(octets):
            return octets
        return self._reading().read(end.generation, end.segment, end.finish, head.finish - end.finish)

    def _pruned(self, end: LogEnd) -> Failure:
        return Failure(
            FailureKind.NOT_FOUND, f"The log of {self.name} behind record {end.lsn} of {end.generation} was pruned."
        )

    def behind(self, end: LogEnd) -> int:
        committed = self.committed()
        if (end.generation, end.segment) == (committed.generation, committed.segment):
            return max(0, committed.finish - end.finish)
        between = [
            segment
            for segment in self._reading().segments()
            if (end.generation, end.segment) < segment < (committed.generation, committed.segment)
        ]
        files = [self._reading().directory / segment_name(*segment) for segment in between]
        own = self._reading().directory / segment_name(end.generation, end.segment)
        rest = own.stat().st_size - end.finish if own.exists() else 0
        return max(0, rest) + sum(file.stat().st_size for file in files if file.exists()) + committed.finish

    def _reading(self) -> Volume:
        """The log volume that is read from, as long as it can be."""
        if self._volume is None:
            self._volume = self._live.volume()
        return self._volume

    def _identity(self) -> bytes:
        if not self._uuid:
            self._uuid = bytes.fromhex(self._live.uuid)
        return self._uuid
