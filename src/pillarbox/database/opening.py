"""Opening and making a database: find its files, recover, migrate. Everything happens under the database's lock.

`open_database` works whatever is left of the database file: none (it is rebuilt from the log), an old copy (played
forward), one without or with a stale write-ahead file. Every failure is a `Failure` with one clear sentence.
"""

from collections.abc import Callable

import apsw

from pillarbox.base.failure import FailureKind
from pillarbox.database.commit import Committer
from pillarbox.database.connection import connect_writer, translate
from pillarbox.database.disk import Lock
from pillarbox.database.log.mirror import Mirror
from pillarbox.database.log.reader import Identity, log_start, read_header
from pillarbox.database.log.segment import HEADER_SIZE, SegmentHeader, encode_header, segment_name
from pillarbox.database.log.volume import Membership, Volume, copy_log
from pillarbox.database.place import Place, Surroundings, Tuning
from pillarbox.database.position import Position, create_position, has_position, read_position
from pillarbox.database.stalewal import has_stale_wal, remove_wal
from pillarbox.model.failure import Failure
from pillarbox.model.logged import Alarm, AlarmKind, Schema

_NOBODY = Identity(b"", 0, "")


class Opening:
    """The parts of a database while it is being opened or made."""

    def __init__(self, place: Place, schema: Schema, tuning: Tuning, surroundings: Surroundings) -> None:
        self.place = place
        self.schema = schema
        self.tuning = tuning
        self.surroundings = surroundings
        disk = surroundings.disk
        volumes = [Volume(disk, root, place.name) for root in place.log_volumes]
        self.mirror = Mirror(volumes, _NOBODY, tuning.segment_size, self.alarm)

    def alarm(self, kind: AlarmKind, text: str) -> None:
        self.surroundings.alarm(Alarm(self.place.name, kind, text))

    def connect(self) -> apsw.Connection:
        """The writing connection. The file, and those SQLite puts beside it, are for their owner only."""
        if not self.place.file.exists():
            self.place.file.touch(mode=0o600)
        return connect_writer(self.place.file, self.tuning.page_size, self.surroundings.vfs)

    def committer(self, lock: Lock) -> Committer:
        surroundings = self.surroundings
        return Committer(
            self.connect, self.mirror, lock, self.schema, surroundings.clock, self.alarm, surroundings.guarded
        )


def open_database(place: Place, schema: Schema, tuning: Tuning, surroundings: Surroundings) -> Committer:
    """The recovered database, at the newest version.

    Raises Failure: NOT_FOUND (there is none), UNAVAILABLE (a volume is not there), CORRUPT, WRONG_VERSION.
    """
    return _locked(Opening(place, schema, tuning, surroundings), _recover)


def create_database(place: Place, schema: Schema, tuning: Tuning, surroundings: Surroundings) -> Committer:
    """A new, empty database. Raises Failure ALREADY_EXISTS where anything of one is there."""
    surroundings.disk.make_directory(place.data)
    return _locked(Opening(place, schema, tuning, surroundings), _create)


def _locked(opening: Opening, work: Callable[[Opening, Lock], Committer]) -> Committer:
    """What `work` makes while it holds the lock; where it fails, everything is let go of."""
    lock = lock_database(opening.place, opening.surroundings)
    try:
        lock.acquire()
        try:
            return work(opening, lock)
        finally:
            lock.release()
    except BaseException as error:
        opening.mirror.close()
        lock.close()
        if isinstance(error, apsw.Error | OSError):
            raise as_failure(error) from error
        raise


def lock_database(place: Place, surroundings: Surroundings) -> Lock:
    """The lock (not yet held) that orders the writers of all processes."""
    try:
        return surroundings.disk.lock(place.lock_file)
    except OSError as error:
        raise Failure(
            FailureKind.UNAVAILABLE, f"The data volume {place.data} is not there ({error.strerror}): mount it.", error
        ) from error


def as_failure(error: BaseException) -> BaseException:
    return Failure(FailureKind.UNAVAILABLE, f"{error}.", error) if isinstance(error, OSError) else translate(error)


def _recover(opening: Opening, lock: Lock) -> Committer:
    mirror, place = opening.mirror, opening.place
    if not place.file.exists() and all(volume.segments() == [] for volume in mirror.volumes):
        _say_what_is_missing(opening)
    mirror.reload()
    if not place.file.exists():
        remove_wal(place.file)
    elif has_stale_wal(place.file):
        remove_wal(place.file)
        opening.alarm(AlarmKind.PLAYED_FORWARD, f"{place.file} is an older copy: its write-ahead file was put away.")
    committer = opening.committer(lock)
    try:
        if not has_position(committer.connection):
            _start_rebuilding(opening, committer.connection)
        identity = read_position(committer.connection).identity
        if identity.schema_name != opening.schema.name:
            raise Failure(
                FailureKind.WRONG_VERSION,
                f"{place.file} is a {identity.schema_name} database, not a {opening.schema.name} database.",
            )
        mirror.identity = identity
        committer.catch_up()
        complete_mirror(opening)
        committer.note_epoch()
        if not opening.tuning.migrate and committer.position.schema_version < opening.schema.version:
            raise Failure(
                FailureKind.WRONG_VERSION,
                f"Database {place.name} has tables of version {committer.position.schema_version}, this program needs "
                f"version {opening.schema.version}: run `pillarbox upgrade`, which tries it on a restored copy first.",
            )
        committer.migrate()
    except BaseException:
        committer.connection.close(force=True)
        raise
    return committer


def _say_what_is_missing(opening: Opening) -> None:
    missing = [volume.root for volume in opening.mirror.volumes if not volume.root.exists()]
    if missing:
        raise Failure(FailureKind.UNAVAILABLE, f"The log volume {missing[0]} is not there: mount it.")
    place = opening.place
    raise Failure(FailureKind.NOT_FOUND, f"There is no database {place.name} in {place.data}: create it first.")


def _start_rebuilding(opening: Opening, connection: apsw.Connection) -> None:
    """The database file is missing (or was just begun): begin one before record 1, for the log to fill."""
    if connection.execute("SELECT 1 FROM sqlite_master").fetchone() is not None:
        raise Failure(FailureKind.CORRUPT, f"{opening.place.file} is not a logged database.")
    volume = opening.mirror.in_use[0]
    segments = volume.segments()
    if not segments:
        raise Failure(FailureKind.CORRUPT, f"The log in {volume.directory} is empty, and there is no database file.")
    generation = segments[-1][0]
    first = min(lsn for number, lsn in segments if number == generation)
    if first > 1:
        raise Failure(
            FailureKind.CORRUPT,
            f"The database file {opening.place.file} is not there, and its log begins with record {first} only"
            f": run `pillarbox restore database {opening.place.name}`.",
        )
    path = volume.directory / segment_name(generation, first)
    header = read_header(opening.surroundings.disk, path)
    if header is None:
        raise Failure(FailureKind.CORRUPT, f"The log is damaged: {path} at offset 0: its header is damaged.")
    identity = Identity(header.uuid, header.generation, header.schema_name)
    opening.alarm(AlarmKind.PLAYED_FORWARD, f"{opening.place.file} was not there: rebuilding it from the log.")
    connection.execute("BEGIN IMMEDIATE")
    create_position(connection, Position(identity, 0, opening.mirror.epoch, log_start()))
    connection.execute("COMMIT", can_cache=False)


def complete_mirror(opening: Opening) -> None:
    """Copy the log to the volumes that missed records, and say which are not there at all."""
    mirror = opening.mirror
    for volume in mirror.missing():
        opening.alarm(
            AlarmKind.LOG_VOLUME_MISSING,
            f"Log volume {volume.root} is not there. Going on with {mirror.in_use[0].root}.",
        )
    for volume in mirror.strangers():
        try:
            copy_log(opening.surroundings.disk, mirror.in_use[0], volume)
        except OSError as error:
            opening.alarm(AlarmKind.LOG_VOLUME_FAILED, f"The log could not be copied to {volume.root}: {error}.")
            continue
        mirror.adopt(volume, opening.surroundings.ids.token())
        opening.alarm(AlarmKind.LOG_VOLUME_RESTORED, f"Log volume {volume.root} was copied and is in use.")
    mirror.forget_absent()


def _create(opening: Opening, lock: Lock) -> Committer:
    place, mirror, surroundings = opening.place, opening.mirror, opening.surroundings
    identity = Identity(surroundings.ids.secret(16), 1, opening.schema.name)
    _refuse_existing(opening)
    header = encode_header(
        SegmentHeader(identity.uuid, 1, 1, surroundings.clock.now(), 0, opening.schema.version, identity.schema_name)
    )
    tokens = tuple(surroundings.ids.token() for _ in mirror.volumes)
    for volume in mirror.volumes:
        volume.make()
        volume.start_segment(1, 1, header, log_start())
    for volume, token in zip(mirror.volumes, tokens, strict=True):
        volume.set_membership(Membership(token, 1, tokens))
    mirror.identity = identity
    mirror.reload()
    remove_wal(place.file)
    place.file.unlink(missing_ok=True)
    committer = opening.committer(lock)
    try:
        committer.create(Position(identity, 0, mirror.epoch, log_start()))
    except BaseException:
        committer.connection.close(force=True)
        raise
    surroundings.disk.flush_directory(place.data)
    return committer


def _refuse_existing(opening: Opening) -> None:
    """Only what an interrupted creation left may be there: no row in the database, no record in the log."""
    place = opening.place
    used = place.file.exists() and place.file.stat().st_size > 0
    if used:
        connection = opening.connect()
        used = connection.execute("SELECT 1 FROM sqlite_master").fetchone() is not None
        connection.close()
    for volume in opening.mirror.volumes:
        for generation, first in volume.segments():
            used = used or first > 1 or bool(volume.read(generation, first, HEADER_SIZE, 4).strip(b"\0"))
        volume.close()
    if used:
        raise Failure(FailureKind.ALREADY_EXISTS, f"There is a database {place.name} already.")
