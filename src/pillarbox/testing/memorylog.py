"""A database of keys and values with a log like the real one's, in memory and quick: for tests of archive and restore.

`MemoryDatabase` is a `model.recovery.LiveDatabase` that is written by `put`, `MemoryRecovery` brings its copies back.
`history` is the model: the line of records as it is now, and with `state_at` what the database should hold at any of
them. A log record is `Rec!`, LSN, time, CRC of the record before, size, payload (`key=value`), CRC; a segment begins
with 64 octets: `SegLog`, uuid, generation, first LSN, CRC of the record before.
"""

import json
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from pillarbox.base.clock import Clock
from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import LogPoint, LogUsage, Pinned, Played, Span, Until

HEADER = 64
_SEGMENT = struct.Struct("<8s16sQQI")
_RECORD = struct.Struct("<4sQQII")
_CRC = struct.Struct("<I")


class Entry(NamedTuple):
    """A record as the model knows it."""

    generation: int
    lsn: int
    time: int
    key: str
    value: str


class _Found(NamedTuple):
    lsn: int
    time: int
    previous: int
    payload: bytes
    crc: int
    finish: int


def _read(data: bytes, offset: int) -> _Found | None:
    if len(data) < offset + _RECORD.size:
        return None
    magic, lsn, time, previous, size = _RECORD.unpack_from(data, offset)
    end = offset + _RECORD.size + size
    if magic != b"Rec!" or len(data) < end + 4:
        return None
    (crc,) = _CRC.unpack_from(data, end)
    if zlib.crc32(data[offset:end]) != crc:
        return None
    return _Found(lsn, time, previous, bytes(data[offset + _RECORD.size : end]), crc, end + 4)


def _records(data: bytes, offset: int) -> Iterator[_Found]:
    while (found := _read(data, offset)) is not None:
        yield found
        offset = found.finish


class MemoryDatabase:
    """A live database; `segment_size` is where a segment is closed. `damaged` names segments that cannot be read."""

    def __init__(self, directory: Path, clock: Clock, name: str = "book", segment_size: int = 400) -> None:
        self.history: list[Entry] = []
        self.segments: dict[tuple[int, int], bytearray] = {}
        self.damaged: set[tuple[int, int]] = set()
        self.unreachable = False
        self.asked: list[Span] = []
        self.generation = 1
        self._name = name
        self._uuid = zlib.crc32(name.encode()).to_bytes(16, "big")
        self._file = directory / f"{name}.live"
        self._clock = clock
        self._size = segment_size
        self._crcs = {0: 0}
        self._begin_segment(1)

    # --- writing --------------------------------------------------------------------------------------------------

    def put(self, key: str, value: str) -> Entry:
        lsn = self.lsn + 1
        payload = f"{key}={value}".encode()
        body = _RECORD.pack(b"Rec!", lsn, self._clock.now(), self._crcs[lsn - 1], len(payload)) + payload
        record = body + _CRC.pack(zlib.crc32(body))
        current = self.segments[self._current]
        if len(current) + len(record) > self._size and len(current) > HEADER:
            self._begin_segment(lsn)
        self.segments[self._current] += record
        self._crcs[lsn] = zlib.crc32(body)
        self.history.append(Entry(self.generation, lsn, self._clock.now(), key, value))
        return self.history[-1]

    def go_back(self, lsn: int, generation: int = 0) -> None:
        """As after a restore to record `lsn`: a new generation follows it."""
        del self.history[lsn:]
        self.generation = generation or self.generation + 1
        self._begin_segment(lsn + 1)

    @property
    def lsn(self) -> int:
        return len(self.history)

    def state_at(self, lsn: int) -> dict[str, str]:
        return {entry.key: entry.value for entry in self.history[:lsn]}

    def _begin_segment(self, first: int) -> None:
        self._current = (self.generation, first)
        header = _SEGMENT.pack(b"SegLog\0\0", self._uuid, self.generation, first, self._crcs[first - 1])
        self.segments[self._current] = bytearray(header.ljust(HEADER, b"\0"))

    # --- the port -------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        return self._name

    @property
    def uuid(self) -> str:
        self._reach()
        return self._uuid.hex()

    def position(self) -> LogPoint:
        self._reach()
        return LogPoint(self.generation, self.lsn, self._current[1], len(self.segments[self._current]))

    @contextmanager
    def pin(self) -> Iterator[Pinned]:
        point = self.position()
        content = {"point": point, "crc": self._crcs[point.lsn], "state": self.state_at(point.lsn)}
        self._file.write_text(json.dumps(content))
        yield Pinned(self._file, self._file.stat().st_size, self.uuid, "memory", 1, point)

    def spans(self, after: tuple[int, int, int] | None) -> list[Span]:
        self._reach()
        found = []
        for segment in sorted(self.segments):
            if after is not None and segment < after[:2]:
                continue
            start = after[2] if after is not None and segment == after[:2] else 0
            data, closed = bytes(self.segments[segment]), segment != self._current
            records = list(_records(data, max(start, HEADER)))
            if records:
                last = records[-1]
                found.append(Span(*segment, start, last.finish, records[0].lsn, last.lsn, last.time, closed))
            elif start == 0:
                found.append(Span(*segment, 0, HEADER, segment[1], segment[1] - 1, 0, closed))
        return found

    def read_log(self, span: Span) -> bytes:
        self._reach()
        segment = (span.generation, span.segment)
        self.asked.append(span)
        if segment not in self.segments:
            raise Failure(FailureKind.UNAVAILABLE, f"segment {segment} is gone")
        data = bytes(self.segments[segment][: span.finish])
        if segment in self.damaged:
            raise Failure(FailureKind.CORRUPT, f"segment {segment} is damaged")
        records = list(_records(data, max(span.start, HEADER)))
        if len(data) < span.finish or (records[-1].finish if records else HEADER) != span.finish:
            raise Failure(FailureKind.CORRUPT, f"segment {segment} does not hold {span}")
        assert not records or (records[0].lsn, records[-1].lsn) == (span.first, span.last), "a span names its records"
        return data[span.start :]

    def prune(self, generation: int, lsn: int) -> int:
        freed = 0
        for segment in sorted(self.segments):
            records = list(_records(bytes(self.segments[segment]), HEADER))
            last = records[-1].lsn if records else segment[1] - 1
            if segment != self._current and (segment[0], last) <= (generation, lsn):
                freed += len(self.segments.pop(segment))
        return freed

    def usage(self) -> list[LogUsage]:
        used = sum(len(data) for data in self.segments.values())
        return [LogUsage(Path("/log"), used, 10**6 - used, 10**6)]

    def _reach(self) -> None:
        if self.unreachable:
            raise Failure(FailureKind.UNAVAILABLE, f"{self._name} is lost")


class MemoryRecovery:
    """A `model.recovery.RecoveryDatabase` for copies of a `MemoryDatabase`, in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @property
    def file(self) -> Path:
        return self._directory / "book.db"

    @property
    def log(self) -> Path:
        return self._directory / "log"

    @property
    def state(self) -> dict[str, str]:
        return dict(json.loads(self.file.read_text())["state"])

    def play(self, until: Until, progress: Callable[[Played], None]) -> Played:
        content = json.loads(self.file.read_text())
        generation, lsn = content["point"][:2]
        crc, state = content["crc"], content["state"]
        records = octets = time = 0
        for segment, data in self._path(generation, lsn):
            if segment[0] != generation and _SEGMENT.unpack_from(data)[4] != crc:
                raise Failure(FailureKind.CORRUPT, f"segment {segment} does not continue record {lsn}")
            limit = self._limit(segment[0])
            for found in _records(data, HEADER):
                if found.lsn <= lsn:
                    continue
                if limit is not None and found.lsn > limit:
                    break
                late = until.time is not None and found.time > until.time
                if late or (until.lsn is not None and found.lsn > until.lsn):
                    break
                if found.previous != crc or found.lsn != lsn + 1:
                    raise Failure(FailureKind.CORRUPT, f"record {found.lsn} does not continue record {lsn}")
                key, _, value = found.payload.decode().partition("=")
                state[key] = value
                records, octets, time = records + 1, octets + len(found.payload), found.time
                generation, lsn, crc = segment[0], found.lsn, found.crc
            else:
                generation = segment[0]
                continue
            if limit is None or lsn < limit:
                break
        content.update(point=[generation, lsn, 0, 0], crc=crc, state=state)
        self.file.write_text(json.dumps(content))
        played = Played(records, octets, generation, lsn, time)
        progress(played)
        return played

    def check(self) -> Iterator[str]:
        if "wrong" in self.state:
            yield "there is something wrong"

    def check_log(self, uuid: str, span: Span, data: bytes) -> str | None:
        """See the port."""
        records = list(_records(data, HEADER if span.start == 0 else 0))
        finish = records[-1].finish if records else HEADER
        if len(data) != span.finish - span.start or finish != len(data):
            return "no whole record is there"
        return None if not records or records[-1].lsn == span.last else "other records are there"

    def compare(self, other: Path) -> Iterator[str]:
        if json.loads(other.read_text())["state"] != self.state:
            yield "they differ"

    def _begins(self) -> dict[int, int]:
        begins: dict[int, int] = {}
        for generation, first in sorted(_name(path) for path in self.log.iterdir()):
            begins.setdefault(generation, first)
        return begins

    def _limit(self, generation: int) -> int | None:
        """The last record of a generation that counts."""
        return min((first - 1 for other, first in self._begins().items() if other > generation), default=None)

    def _path(self, generation: int, lsn: int) -> Iterator[tuple[tuple[int, int], bytes]]:
        """The segments to play, in order."""
        begins, line = self._begins(), [generation]
        while ahead := [(first, -other) for other, first in begins.items() if other > line[-1] and first > lsn]:
            line.append(-min(ahead)[1])
        for segment in sorted(_name(path) for path in self.log.iterdir()):
            if segment[0] in line:
                yield segment, (self.log / f"{segment[0]}-{segment[1]:016x}.log").read_bytes()


def _name(path: Path) -> tuple[int, int]:
    generation, _, first = path.stem.partition("-")
    return int(generation), int(first, 16)
