"""A database on its volumes, for backup, archive and standby: `model.recovery.LiveDatabase`.

Works beside the processes that serve the database and needs no engine. What it says of the log is only what is
committed (a record whose commit failed is cut off the log again, and must never have been sent anywhere), except
where the database file cannot be read: then every whole record counts, as it does when the log is played forward.
Of several log volumes, each piece of log comes from one that has it whole.

A pinned file holds still because its pin is a reader that saw an empty write-ahead file: SQLite does not move pages
into the database file while such a reader lives, so the file is copied at the speed of the disk, and new commits
gather in the write-ahead file meanwhile.
"""

import itertools
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import apsw

from pillarbox.base.failure import FailureKind
from pillarbox.database.connection import connect_reader, connect_writer, translate
from pillarbox.database.log.reader import Identity, LogReader, list_segments, read_header
from pillarbox.database.log.record import Mark, Record, RecordHead, read_head, read_record, seed
from pillarbox.database.log.segment import HEADER_SIZE, SegmentHeader, segment_name
from pillarbox.database.log.volume import Volume
from pillarbox.database.opening import lock_database
from pillarbox.database.place import Place, Surroundings, Tuning
from pillarbox.database.position import Position, read_position
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import LogPoint, LogUsage, Pinned, Span

_PATIENCE = 30.0
_PAUSE = 0.05


class LiveVolumes:
    """See `model.recovery.LiveDatabase`."""

    def __init__(self, place: Place, surroundings: Surroundings | None = None) -> None:
        self.place = place
        self._surroundings = surroundings or Surroundings()

    @property
    def name(self) -> str:
        return self.place.name

    @property
    def uuid(self) -> str:
        return self._identity().uuid.hex()

    def position(self) -> LogPoint:
        position = self._position()
        return _point(position.identity, position.mark)

    # --- the file -------------------------------------------------------------------------------------------------

    @contextmanager
    def pin(self) -> Iterator[Pinned]:
        try:
            connection = connect_reader(self.place.file, self._surroundings.vfs)
        except apsw.Error as error:
            raise translate(error) from error
        try:
            position = self._hold_still(connection)
            ((pages, page_size),) = connection.execute("SELECT * FROM pragma_page_count(), pragma_page_size()")
            identity = position.identity
            yield Pinned(
                path=self.place.file,
                size=pages * page_size,
                uuid=identity.uuid.hex(),
                schema_name=identity.schema_name,
                schema_version=position.schema_version,
                point=_point(identity, position.mark),
            )
        except apsw.Error as error:
            raise translate(error) from error
        finally:
            connection.close(force=True)

    def _hold_still(self, reader: apsw.Connection) -> Position:
        """Begin a read that keeps the file as it is, once all commits are in it."""
        lock = lock_database(self.place, self._surroundings)
        writer = connect_writer(self.place.file, Tuning().page_size, self._surroundings.vfs)
        try:
            for _ in range(int(_PATIENCE / _PAUSE)):
                with suppress(apsw.BusyError):  # somebody else is moving pages just now
                    writer.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)  # most of the work, beside the writers
                    lock.acquire()
                    try:
                        frames, moved = writer.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
                        if frames == moved:
                            reader.execute("BEGIN")
                            return read_position(reader)
                    finally:
                        lock.release()
                threading.Event().wait(_PAUSE)  # a reader has an older view, or another pin does
            raise Failure(
                FailureKind.UNAVAILABLE, f"{self.place.file} did not hold still in {_PATIENCE:.0f} seconds; try again."
            )
        finally:
            writer.close(force=True)
            lock.close()

    # --- the log --------------------------------------------------------------------------------------------------

    def spans(self, after: tuple[int, int, int] | None) -> list[Span]:
        volumes = self._volumes_in_use()
        try:
            end = self._end(volumes)
            newest = (end.generation, end.segment)
            segments = sorted({segment for volume in volumes for segment in _segments(volume) if segment <= newest})
            if after is not None:
                segments = [segment for segment in segments if segment >= after[:2]]
            spans = []
            for segment, following in itertools.zip_longest(segments, segments[1:]):
                start = after[2] if after is not None and segment == after[:2] else 0
                finish = end.finish if segment == newest else None
                last = following[1] - 1 if following is not None and following[0] == segment[0] else None
                span = self._best_span(volumes, segment, start, finish, last)
                if span is not None:
                    spans.append(span)
            return spans
        finally:
            _close(volumes)

    def _end(self, volumes: list[Volume]) -> LogPoint:
        try:
            return self.position()
        except Failure as failure:
            ends: list[LogPoint] = []
            problems: list[Failure] = []
            for volume in volumes:
                try:
                    ends += self._end_of(volume)
                except Failure as problem:
                    problems.append(problem)
                except OSError as error:
                    problems.append(_unreadable(volume, error))
            if not ends:
                raise (problems[0] if problems else failure) from failure
            return max(ends)

    def _end_of(self, volume: Volume) -> list[LogPoint]:
        segments = volume.segments()
        if not segments:
            return []
        generation, first = segments[-1]
        header = self._header(volume, generation, first)
        reader = LogReader(
            self._surroundings.disk, volume.directory, Identity(header.uuid, generation, header.schema_name)
        )
        for _ in reader.records(Mark(first - 1, first, 0, HEADER_SIZE, header.previous)):
            pass
        return [LogPoint(generation, reader.end.lsn, first, reader.end.finish)]

    def _best_span(
        self, volumes: list[Volume], segment: tuple[int, int], start: int, finish: int | None, last: int | None
    ) -> Span | None:
        """That of a volume which has all of it (up to octet `finish`, or record `last`), else of what has most."""
        best: Span | None = None
        problems: list[Failure] = []
        for volume in volumes:
            try:
                span = self._span(volume, segment, start, finish)
            except Failure as problem:
                problems.append(problem)
                continue
            except OSError as error:
                problems.append(_unreadable(volume, error))
                continue
            if span is not None and (best is None or span.finish > best.finish):
                best = span
            if finish is not None or (span is not None and span.last == last):
                return span
        if best is None and len(problems) == len(volumes):
            raise problems[0]
        return best

    def _span(self, volume: Volume, segment: tuple[int, int], start: int, finish: int | None) -> Span | None:
        """What lies in a segment from `start` on; `finish` None: it is closed and ends where its records do."""
        generation, first = segment
        file = self._surroundings.disk.open(volume.directory / segment_name(generation, first))
        try:
            whole_seed = seed(self._header(volume, generation, first).uuid)
            offset, least, last, time = max(start, HEADER_SIZE), 0, 0, 0
            while finish is None or offset < finish:
                head = read_head(file, offset, whole_seed)
                if not isinstance(head, RecordHead):
                    if finish is not None:
                        raise _damaged(volume, segment, offset)
                    break
                least, last, time = least or head.lsn, head.lsn, head.time
                offset = head.finish
        finally:
            file.close()
        if offset <= max(start, HEADER_SIZE):
            # Nothing new; but that a segment is closed now, or was begun without a record yet, is news as well.
            return Span(generation, first, start, offset, first, first - 1, 0, finish is None) if start == 0 else None
        return Span(generation, first, start, offset, least, last, time, finish is None)

    def read_log(self, span: Span) -> bytes:
        volumes = self._volumes_in_use()
        problems: list[Failure] = []
        try:
            for volume in volumes:
                try:
                    return self._read_span(volume, span)
                except Failure as problem:
                    problems.append(problem)
                except OSError as error:
                    problems.append(_unreadable(volume, error))
        finally:
            _close(volumes)
        raise problems[0]

    def _read_span(self, volume: Volume, span: Span) -> bytes:
        segment = (span.generation, span.segment)
        header = self._header(volume, *segment)
        file = self._surroundings.disk.open(volume.directory / segment_name(*segment))
        try:
            data = file.read_at(span.finish - span.start, span.start)
            offset, whole_seed = max(span.start, HEADER_SIZE), seed(header.uuid)
            while offset < span.finish:
                record = read_record(file, offset, whole_seed)
                if not isinstance(record, Record):
                    raise _damaged(volume, segment, offset)
                offset = record.finish
        finally:
            file.close()
        return data

    def prune(self, generation: int, lsn: int) -> int:
        freed = 0
        lock = lock_database(self.place, self._surroundings)
        try:
            lock.acquire()
            current = self._position()
            for volume in self._volumes():
                freed = max(freed, self._prune_volume(volume, (generation, lsn), current))
        except OSError as error:
            raise Failure(FailureKind.UNAVAILABLE, f"The log could not be pruned: {error}.", error) from error
        finally:
            lock.close()
        return freed

    def _prune_volume(self, volume: Volume, upto: tuple[int, int], current: Position) -> int:
        disk, freed = self._surroundings.disk, 0
        segments = volume.segments() if disk.exists(volume.directory) else []
        begun = min((first for number, first in segments if number == current.identity.generation), default=0)
        for (number, first), following in itertools.pairwise(segments):
            if number > upto[0] or (number, first) >= (current.identity.generation, current.mark.segment):
                break
            # The end of an older generation, behind which another one begins, goes when that one is covered.
            last = following[1] - 1 if following[0] == number else max(begun, first)
            if last <= upto[1]:
                path = volume.directory / segment_name(number, first)
                freed += os.stat(path).st_size
                disk.remove(path)
        if freed:
            disk.flush_directory(volume.directory)
        return freed

    def usage(self) -> list[LogUsage]:
        usages = []
        for root in self.place.log_volumes:
            directory = root / self.place.name
            try:
                room = os.statvfs(root)
                used = sum(
                    os.stat(directory / segment_name(*segment)).st_size
                    for segment in list_segments(self._surroundings.disk, directory)
                )
            except OSError as error:
                raise Failure(FailureKind.UNAVAILABLE, f"Log volume {root} cannot be read: {error}.", error) from error
            usages.append(LogUsage(root, used, room.f_bavail * room.f_frsize, room.f_blocks * room.f_frsize))
        return usages

    # --- which database this is -----------------------------------------------------------------------------------

    def _position(self) -> Position:
        if not self.place.file.exists():
            raise Failure(FailureKind.NOT_FOUND, f"The database file {self.place.file} is not there.")
        try:
            connection = connect_reader(self.place.file, self._surroundings.vfs)
            try:
                return read_position(connection)
            finally:
                connection.close(force=True)
        except apsw.Error as error:
            raise translate(error) from error

    def _identity(self) -> Identity:
        try:
            return self._position().identity
        except Failure as failure:
            problem = failure
            for volume in self._volumes_in_use():
                try:
                    for segment in volume.segments()[-1:]:
                        header = self._header(volume, *segment)
                        return Identity(header.uuid, header.generation, header.schema_name)
                except Failure as damage:
                    problem = damage
                except OSError as error:
                    problem = _unreadable(volume, error)
            raise problem from failure

    def _header(self, volume: Volume, generation: int, first: int) -> SegmentHeader:
        header = read_header(self._surroundings.disk, volume.directory / segment_name(generation, first))
        if header is None:
            raise _damaged(volume, (generation, first), 0)
        return header

    def _volumes(self) -> list[Volume]:
        return [Volume(self._surroundings.disk, root, self.place.name) for root in self.place.log_volumes]

    def volume(self) -> Volume:
        """A log volume that holds every acknowledged record."""
        return self._volumes_in_use()[0]

    def _volumes_in_use(self) -> list[Volume]:
        """All such, at least one."""
        found = []
        problems: list[str] = []
        for volume in self._volumes():
            try:
                membership = volume.membership()
            except (OSError, Failure) as error:
                problems.append(f"{volume.root}: {error}")
                continue
            if membership is not None:
                found.append((membership.epoch, membership.volume in membership.in_use, volume))
        top = max((epoch for epoch, _, _ in found), default=0)
        volumes = [volume for epoch, in_use, volume in found if epoch == top and in_use]
        if not volumes:
            raise Failure(
                FailureKind.UNAVAILABLE,
                f"No log volume of {self.name} can be read ({'; '.join(problems) or 'none holds a log'}).",
            )
        return volumes


def _segments(volume: Volume) -> list[tuple[int, int]]:
    """Those there; a volume that cannot be read has none."""
    try:
        return volume.segments()
    except OSError:
        return []


def _close(volumes: list[Volume]) -> None:
    for volume in volumes:
        volume.close()


def _point(identity: Identity, mark: Mark) -> LogPoint:
    return LogPoint(identity.generation, mark.lsn, mark.segment, mark.finish)


def _damaged(volume: Volume, segment: tuple[int, int], offset: int) -> Failure:
    path = volume.directory / segment_name(*segment)
    return Failure(FailureKind.CORRUPT, f"The log is damaged: {path} at offset {offset} holds no whole record.")


def _unreadable(volume: Volume, error: OSError) -> Failure:
    return Failure(FailureKind.UNAVAILABLE, f"The log in {volume.directory} cannot be read: {error}.", error)
