"""All records of a database's log between two moments, over generations, for those who look for something in it.

Reads a volume that misses nothing, changes nothing, and may run beside writers. Segments that ended before the first
moment are not opened. Raises Failure NOT_FOUND where there is no log, CORRUPT at damage, after everything before it.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from pillarbox.base.failure import FailureKind
from pillarbox.database.log.reader import read_header
from pillarbox.database.log.record import Record, read_record, seed
from pillarbox.database.log.segment import HEADER_SIZE, SegmentHeader, segment_name
from pillarbox.database.log.volume import Volume
from pillarbox.database.place import Place, Surroundings
from pillarbox.model.failure import Failure


class Scan(NamedTuple):
    """How far it is: segments of all, and records read."""

    segment: int
    segments: int
    records: int


def scan(
    place: Place,
    surroundings: Surroundings,
    since: int | None = None,
    until: int | None = None,
    progress: Callable[[Scan], None] | None = None,
) -> Iterator[Record]:
    """The records written at or after `since` and at or before `until` (microseconds)."""
    volume = _volume(place, surroundings)
    try:
        segments = volume.segments()
        headers = [_header(surroundings, volume, segment) for segment in segments]
        records = 0
        for number, (segment, header) in enumerate(zip(segments, headers, strict=True)):
            if progress is not None:
                progress(Scan(number, len(segments), records))
            if since is not None and number + 1 < len(headers) and headers[number + 1].created < since:
                continue
            if until is not None and header.created > until:
                continue
            for record in _records(surroundings, volume, segment, header, number + 1 < len(segments)):
                records += 1
                if (since is None or record.time >= since) and (until is None or record.time <= until):
                    yield record
    except OSError as error:
        raise Failure(FailureKind.UNAVAILABLE, f"{volume.directory} cannot be read: {error}.", error) from error
    finally:
        volume.close()


def _volume(place: Place, surroundings: Surroundings) -> Volume:
    best: tuple[int, Volume] | None = None
    for root in place.log_volumes:
        volume = Volume(surroundings.disk, root, place.name)
        try:
            membership = volume.membership()
            if not volume.segments():
                continue
        except (OSError, Failure):
            continue
        epoch = membership.epoch if membership is not None and membership.volume in membership.in_use else 0
        if best is None or epoch > best[0]:
            best = epoch, volume
    if best is None:
        raise Failure(FailureKind.NOT_FOUND, f"There is no log of database {place.name}.")
    return best[1]


def _header(surroundings: Surroundings, volume: Volume, segment: tuple[int, int]) -> SegmentHeader:
    path = volume.directory / segment_name(*segment)
    header = read_header(surroundings.disk, path)
    if header is None:
        raise Failure(FailureKind.CORRUPT, f"The log is damaged: {path} at offset 0: its header is damaged.")
    return header


def _records(
    surroundings: Surroundings, volume: Volume, segment: tuple[int, int], header: SegmentHeader, closed: bool
) -> Iterator[Record]:
    path = volume.directory / segment_name(*segment)
    file = surroundings.disk.open(path)
    try:
        offset, start = HEADER_SIZE, seed(header.uuid)
        while isinstance(found := read_record(file, offset, start), Record):
            yield found
            offset = found.finish
        if found is not None and closed:
            raise Failure(FailureKind.CORRUPT, f"The log is damaged: {path} at offset {offset}: {found.reason}.")
    finally:
        file.close()
