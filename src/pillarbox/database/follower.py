"""A database on a standby: its log is written as the active server ships it, its tables follow.

`append` checks every record (checksum, LSN, the chain to the one before) and writes the octets as they are, at the
same offsets of segments of the same names, on every log volume, with one flush for each. `apply` plays them into the
database, at once or when they are old enough. The two may run in different threads; all else in that of `append`.

Invariants. The log is never behind what was acknowledged, the database never ahead of its log, except for the log of
a fresh copy on its way. Nobody else writes: the database's lock is held until `close`. Broken off at any point, it goes
on where it was. A database that turns out to be damaged, or is not there, has the uuid "" and wants a fresh copy.
"""

import threading
from typing import TypeVar

import apsw

from pillarbox.base.failure import FailureKind
from pillarbox.database.connection import translate
from pillarbox.database.disk import is_full
from pillarbox.database.freshcopy import FreshCopy
from pillarbox.database.log.reader import Identity, read_header
from pillarbox.database.log.record import Draft, Mark
from pillarbox.database.log.scan import records_in
from pillarbox.database.log.segment import HEADER_SIZE, parse_header, segment_name
from pillarbox.database.opening import Opening, complete_mirror, lock_database
from pillarbox.database.place import Place, Surroundings, Tuning
from pillarbox.database.position import Position, has_position, read_position, write_position
from pillarbox.database.recovering import Replay
from pillarbox.database.stalewal import has_stale_wal, remove_wal
from pillarbox.model.failure import Failure
from pillarbox.model.logged import Schema
from pillarbox.model.recovery import LogPoint, Until
from pillarbox.model.standby import CopyHead, LogEnd, Shipment

T = TypeVar("T")

_NOTHING = LogEnd(0, 0, 0, 0, 0, 0)


class Follower:
    """See `model.standby.LogFollower`."""

    def __init__(
        self, place: Place, schema: Schema, tuning: Tuning | None = None, surroundings: Surroundings | None = None
    ) -> None:
        """Takes the database's lock and finds out what is there. Raises Failure UNAVAILABLE where a disk is missing,
        WRONG_VERSION for another kind of database."""
        self._place = place
        self._schema = schema
        self._tuning = tuning or Tuning()
        self._surroundings = surroundings or Surroundings()
        self._gate = threading.Lock()
        self._opening: Opening
        self._connection: apsw.Connection | None = None
        self._position: Position | None = None
        self._end = _NOTHING
        self._copy: FreshCopy | None = None
        self._closed = False
        self.time = 0
        self.applied_time = 0
        self.damage: str | None = None
        self._surroundings.disk.make_directory(place.data)
        self._lock = lock_database(place, self._surroundings)
        self._lock.acquire()
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    @property
    def name(self) -> str:
        return self._place.name

    @property
    def uuid(self) -> str:
        return self._position.identity.uuid.hex() if self._position is not None else ""

    @property
    def schema_name(self) -> str:
        return self._schema.name

    @property
    def schema_version(self) -> int:
        return self._schema.version

    def end(self) -> LogEnd:
        return self._end

    def applied(self) -> LogPoint:
        position = self._position
        if position is None:
            return LogPoint(0, 0, 0, 0)
        return LogPoint(position.identity.generation, position.mark.lsn, position.mark.segment, position.mark.finish)

    def close(self) -> None:
        """Let go of all files, and of the lock."""
        with self._gate:
            if self._closed:
                return
            self._closed = True
            self._close_files()
            if self._copy is not None:
                self._copy.abandon()
                self._copy = None
            self._lock.close()

    # --- what is there --------------------------------------------------------------------------------------------

    def _open(self) -> None:
        self._opening = Opening(self._place, self._schema, self._tuning, self._surroundings)
        self._position, self._end = None, _NOTHING
        try:
            self._find()
        except Failure as failure:
            if failure.kind is not FailureKind.CORRUPT:
                raise
            self._give_up(failure)
        except (apsw.CorruptError, apsw.NotADBError) as error:
            self._give_up(error)
        except OSError as error:
            raise Failure(FailureKind.UNAVAILABLE, f"{self._place.name} cannot be opened: {error}.", error) from error

    def _give_up(self, error: Exception) -> None:
        self.damage = str(error)
        self._position, self._end = None, _NOTHING
        if self._connection is not None:  # the log's files stay: the other thread may be writing
            self._connection.close(force=True)
            self._connection = None

    def _find(self) -> None:
        file, mirror = self._place.file, self._opening.mirror
        if not file.exists():
            return
        if has_stale_wal(file):
            remove_wal(file)
        self._connection = self._opening.connect()
        if not has_position(self._connection):
            raise Failure(FailureKind.CORRUPT, f"{file} is not a logged database.")
        position = read_position(self._connection)
        if position.identity.schema_name != self._schema.name:
            raise Failure(
                FailureKind.WRONG_VERSION,
                f"{file} is a {position.identity.schema_name} database, not a {self._schema.name} database.",
            )
        mirror.identity = position.identity
        mirror.reload()
        self._end = self._find_end(position)
        complete_mirror(self._opening)
        self._position = position

    def _find_end(self, position: Position) -> LogEnd:
        """Where the log ends, once all volumes are alike and what was never whole is cut off."""
        mirror, identity, mark = self._opening.mirror, position.identity, position.mark
        volume = mirror.in_use[0]
        segments = [each for each in volume.segments() if each >= (identity.generation, mark.segment)]
        if not segments:
            return LogEnd(identity.generation, mark.segment - 1, mark.segment, 0, 0, 0)
        generation = segments[-1][0]
        first = min(lsn for number, lsn in segments if number == generation)
        path = volume.directory / segment_name(generation, first)
        header = read_header(self._surroundings.disk, path)
        if header is None:
            raise Failure(FailureKind.CORRUPT, f"The log is damaged: {path} at offset 0.")
        mirror.identity = Identity(identity.uuid, generation, identity.schema_name)
        tail = mirror.settle(Mark(first - 1, first, 0, HEADER_SIZE, header.previous))
        if generation == identity.generation and tail.end.lsn >= mark.lsn:
            tail.source.reader(mirror.identity).confirm(mark)
        return LogEnd(generation, *tail.end)

    def _close_files(self) -> None:
        if self._connection is not None:
            self._connection.close(force=True)
            self._connection = None
        self._opening.mirror.close()

    # --- the log --------------------------------------------------------------------------------------------------

    def append(self, shipment: Shipment) -> None:
        header, new = self._check(shipment)
        end, mirror = self._end, self._opening.mirror
        before = Mark(end.lsn, end.segment, end.start, end.finish, end.crc)
        if header:
            for volume in mirror.volumes:
                volume.close()  # a segment that was begun before is replaced
            if shipment.generation != end.generation or end.finish == 0:
                previous = parse_header(header, "")
                before = Mark(end.lsn, shipment.segment, 0, HEADER_SIZE, previous.previous if previous else 0)
        mirror.identity = mirror.identity._replace(generation=shipment.generation)
        body = Draft(new.lsn, new.crc, shipment.octets[len(header) :], b"")
        mirror.put(header, body, before, shipment.segment, max(shipment.start, HEADER_SIZE))
        self._end = new
        self.time = shipment.time or self.time

    def _check(self, shipment: Shipment) -> tuple[bytes, LogEnd]:
        """The header in it, if there is one, and where the log ends with it. Raises Failure CORRUPT."""
        end, position = self._end, self._position
        if position is None:
            raise self._misfit(shipment, "there is no database for it")
        header = b""
        if shipment.start == 0:
            header = shipment.octets[:HEADER_SIZE]
            end = self._check_header(shipment, header, position.identity)
        elif shipment[:3] != (end.generation, end.segment, end.finish):
            raise self._misfit(shipment, f"the log ends at octet {end.finish} of segment {end.segment}")
        for record in records_in(shipment.octets, shipment.start, position.identity.uuid):
            if record.lsn != end.lsn + 1 or record.previous != end.crc:
                raise self._misfit(shipment, f"record {record.lsn} does not follow record {end.lsn}")
            end = LogEnd(end.generation, record.lsn, end.segment, record.start, record.finish, record.crc)
            if (end.generation, end.lsn) == (position.identity.generation, position.mark.lsn) and (
                end.crc != position.mark.crc
            ):
                raise self._misfit(shipment, f"record {end.lsn} is not the one that the database contains")
        if end.finish != shipment.start + len(shipment.octets):
            raise self._misfit(shipment, f"there is no whole record at octet {end.finish}")
        return header, end

    def _check_header(self, shipment: Shipment, data: bytes, identity: Identity) -> LogEnd:
        end, header = self._end, parse_header(data, "the segment")
        if header is None or (header.uuid, header.generation, header.first_lsn, header.schema_name) != (
            identity.uuid, shipment.generation, shipment.segment, identity.schema_name,
        ):  # fmt: skip
            raise self._misfit(shipment, "its header is damaged, or another segment's")
        if end.finish == 0:
            fits = (end.generation, end.segment) == (shipment.generation, shipment.segment)
        else:
            fits = (shipment.segment, header.previous) == (end.lsn + 1, end.crc)
        if not fits or shipment.generation < end.generation:
            raise self._misfit(shipment, f"it does not continue record {end.lsn}")
        return LogEnd(shipment.generation, shipment.segment - 1, shipment.segment, 0, HEADER_SIZE, header.previous)

    def _misfit(self, shipment: Shipment, reason: str) -> Failure:
        return Failure(
            FailureKind.CORRUPT,
            f"What was shipped for {self.name} at octet {shipment.start} of segment {shipment.generation}-"
            f"{shipment.segment:016x} was refused: {reason}.",
        )

    def prune(self, before: int) -> int:
        """Remove segments that are in the database and were last written before `before` (microseconds); how many."""
        position, disk = self._position, self._surroundings.disk
        if position is None:
            return 0
        here, count = (position.identity.generation, position.mark.segment), 0
        for volume in self._opening.mirror.volumes:
            try:
                old = [each for each in volume.segments() if each < here and each < (self._end[0], self._end[2])]
                for segment in old:
                    path = volume.directory / segment_name(*segment)
                    if path.stat().st_mtime_ns // 1000 < before:
                        disk.remove(path)
                        count += 1
            except OSError:
                continue  # a volume that is not there now is pruned when it is back
        return count

    # --- the database ---------------------------------------------------------------------------------------------

    def apply(self, until: int | None = None) -> int:
        """Play into the database what the log holds, up to the moment `until` (microseconds); how many records.

        Raises Failure CORRUPT where it does not fit: the database is then given up, and wants a fresh copy.
        """
        with self._gate:
            end, position = self._end, self._position
            if position is None or (end.generation, end.lsn) <= (position.identity.generation, position.mark.lsn):
                return 0
            return self._play(Until(until, end.lsn))

    def finish(self, until: int | None = None) -> LogPoint:
        """Play all that the log holds, or all up to a moment; nothing is appended any more. What the database contains.

        Raises NOT_FOUND where there is none, CORRUPT where its log does not reach as far as itself.
        """
        with self._gate:
            position = self._position
            if position is None:
                reason = self.damage or "it was never copied"
                raise Failure(FailureKind.NOT_FOUND, f"There is no whole database {self.name} here: {reason}.")
            if (self._end.generation, self._end.lsn) < (position.identity.generation, position.mark.lsn):
                raise Failure(
                    FailureKind.CORRUPT, f"The fresh copy of {self.name} came without all of its log: let it finish."
                )
            self._play(Until(until, None))
        return self.applied()

    def _play(self, until: Until) -> int:
        assert self._connection is not None
        log = self._opening.mirror.in_use[0].directory
        before = self._position.mark.lsn if self._position is not None else 0
        try:
            replay = Replay(self._connection, self._schema, log, self._surroundings, until, lambda _: None)
            played = replay.run()
            position = read_position(self._connection)
            if until.lsn == position.mark.lsn and (following := replay.next_generation(position)) is not None:
                position = replay.enter(position, *following)  # which may hold no record yet
            self._position = self._note_epoch(position)
        except apsw.Error as error:
            raise self._failed(translate(error)) from error
        except OSError as error:
            kind = FailureKind.DISK_FULL if is_full(error) else FailureKind.UNAVAILABLE
            raise Failure(kind, f"The log of {self.name} cannot be read: {error}.", error) from error
        except Failure as failure:
            raise self._failed(failure) from failure
        self.applied_time = played.time or self.applied_time
        return self._position.mark.lsn - before

    def _failed(self, error: BaseException) -> BaseException:
        if isinstance(error, Failure) and error.kind is FailureKind.CORRUPT:
            self._give_up(error)
        return error

    def _note_epoch(self, position: Position) -> Position:
        """Let the database know which volumes hold its log, as a writer does."""
        epoch = self._opening.mirror.epoch
        if position.epoch == epoch or self._connection is None:
            return position
        mark = position.mark
        self._connection.execute("BEGIN IMMEDIATE")
        write_position(self._connection, position.schema_version, epoch, mark, mark.lsn)
        self._connection.execute("COMMIT", can_cache=False)
        return position._replace(epoch=epoch)

    # --- a fresh copy ---------------------------------------------------------------------------------------------

    def begin_copy(self, head: CopyHead) -> None:
        if head.schema_name != self._schema.name or head.schema_version > self._schema.version:
            raise Failure(
                FailureKind.WRONG_VERSION,
                f"The active server's {self.name} has {head.schema_name} tables of version {head.schema_version}, this "
                f"program knows {self._schema.name} version {self._schema.version}: run the same program on both.",
            )
        if self._copy is not None:
            self._copy.abandon()
        self._copy = FreshCopy(self._place, self._surroundings, self._tuning, head)

    def add_piece(self, offset: int, octets: bytes) -> None:
        if self._copy is None:
            raise Failure(FailureKind.INVALID, f"A piece of {self.name} came without its beginning.")
        self._copy.add(offset, octets)

    def finish_copy(self, keep: bool) -> None:
        copy, self._copy = self._copy, None
        if copy is None:
            raise Failure(FailureKind.INVALID, f"The end of a copy of {self.name} came without its beginning.")
        with self._gate:
            foreign = self.uuid not in ("", copy.head.uuid)
            self._close_files()
            try:
                copy.install(keep, keep_file=foreign)
            except apsw.Error as error:
                raise translate(error) from error
            except OSError as error:
                kind = FailureKind.DISK_FULL if is_full(error) else FailureKind.UNAVAILABLE
                raise Failure(kind, f"The copy of {self.name} was not written: {error}.", error) from error
            finally:
                self.damage = None
                self.time = self.applied_time = 0
                self._open()
