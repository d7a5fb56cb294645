"""Beginning a new generation of a database: its line of log records goes on, but not as it went on before.

After a restore to an earlier moment, or when a standby takes over, other records follow a record than those that
followed it once. They get a generation of their own: segments whose names begin with its number, the first of which
continues the record before it (`previous` in its header). The segments of older generations stay where they are.

`begin_generation` is repeatable: broken off, it is simply run again. `install_recovered` puts a restored database in
place. Both need the database unmounted everywhere, and hold its lock. They raise Failure UNAVAILABLE or DISK_FULL.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import apsw

from pillarbox.base.failure import FailureKind
from pillarbox.database.connection import connect_writer, translate
from pillarbox.database.disk import is_full
from pillarbox.database.log.reader import read_header
from pillarbox.database.log.record import Mark, Record, read_record, seed
from pillarbox.database.log.segment import HEADER_SIZE, SegmentHeader, encode_header, segment_name
from pillarbox.database.log.volume import Membership, Volume
from pillarbox.database.opening import lock_database
from pillarbox.database.place import Place, Surroundings, Tuning
from pillarbox.database.position import Position, read_position, set_generation, write_position
from pillarbox.database.stalewal import remove_wal
from pillarbox.model.failure import Failure

T = TypeVar("T")


def begin_generation(
    place: Place, tuning: Tuning | None = None, surroundings: Surroundings | None = None, beyond: int = 0
) -> int:
    """Let a new generation follow the record that the database contains last; its number.

    The log volumes need hold nothing of the database; segments of another database are moved aside. `beyond` is the
    newest generation known elsewhere (in the archive): the new one is a later one, so that the same number never
    stands for two histories.
    """
    surroundings = surroundings or Surroundings()
    page_size = (tuning or Tuning()).page_size
    return _locked(place, surroundings, lambda: _begin(place, page_size, surroundings, beyond))


def install_recovered(
    place: Place, recovered: Path, aside: Path, tuning: Tuning | None = None, surroundings: Surroundings | None = None
) -> int:
    """Put the checked database file `recovered` (on the data volume) in the place of the live one; its generation.

    What was there is moved to the directory `aside`, on the same volume. Where the live log holds the record that
    `recovered` contains last (see `continues`), opening the database plays the rest forward. Call `begin_generation`
    after this to go on from the restored moment instead.
    """
    surroundings = surroundings or Surroundings()
    return _locked(place, surroundings, lambda: _install(place, recovered, aside, surroundings))


def continues(place: Place, file: Path, surroundings: Surroundings | None = None) -> bool:
    """Whether the log on the volumes holds the record that the database `file` contains last, in the newest
    generation: opening `file` in the place of the live database then plays the rest forward."""
    surroundings = surroundings or Surroundings()
    connection = connect_writer(file, Tuning().page_size, surroundings.vfs)
    try:
        position = read_position(connection)
    finally:
        connection.close(force=True)
    for root in place.log_volumes:
        volume = Volume(surroundings.disk, root, place.name)
        try:
            if volume.membership() is None or not _holds(surroundings, volume, position):
                return False
        except (OSError, Failure):
            return False
        finally:
            volume.close()
    return True


def _holds(surroundings: Surroundings, volume: Volume, position: Position) -> bool:
    mark, identity = position.mark, position.identity
    segments = volume.segments()
    if not segments or segments[-1][0] != identity.generation:
        return False
    header = read_header(surroundings.disk, volume.directory / segment_name(*segments[-1]))
    if header is None or header.uuid != identity.uuid:
        return False
    if (identity.generation, mark.segment) not in segments:
        return (identity.generation, mark.lsn + 1) in segments
    if mark.lsn < mark.segment:
        return True
    file = surroundings.disk.open(volume.directory / segment_name(identity.generation, mark.segment))
    try:
        record = read_record(file, mark.start, seed(identity.uuid))
    finally:
        file.close()
    return isinstance(record, Record) and (record.lsn, record.crc) == (mark.lsn, mark.crc)


def _locked(place: Place, surroundings: Surroundings, work: Callable[[], T]) -> T:
    lock = lock_database(place, surroundings)
    try:
        lock.acquire()
        return work()
    except apsw.Error as error:
        raise translate(error) from error
    except OSError as error:
        kind = FailureKind.DISK_FULL if is_full(error) else FailureKind.UNAVAILABLE
        raise Failure(kind, f"Database {place.name}: {error}.", error) from error
    finally:
        lock.close()


def _begin(place: Place, page_size: int, surroundings: Surroundings, beyond: int) -> int:
    connection = connect_writer(place.file, page_size, surroundings.vfs)
    try:
        position = read_position(connection)
        volumes = [Volume(surroundings.disk, root, place.name) for root in place.log_volumes]
        identity, mark = position.identity, position.mark
        for volume in volumes:
            _move_strangers(surroundings, volume, identity.uuid)
        generation = _next_generation(surroundings, volumes, position, beyond)
        header = encode_header(
            SegmentHeader(
                uuid=identity.uuid,
                generation=generation,
                first_lsn=mark.lsn + 1,
                created=surroundings.clock.now(),
                previous=mark.crc,
                schema_version=position.schema_version,
                schema_name=identity.schema_name,
            )
        )
        for volume in volumes:
            volume.ensure_segment(generation, mark.lsn + 1, header)
            volume.close()
        epoch = _join(surroundings, volumes, position.epoch)
        begun = Mark(mark.lsn, mark.lsn + 1, 0, HEADER_SIZE, mark.crc)
        connection.execute("BEGIN IMMEDIATE")
        write_position(connection, position.schema_version, epoch, begun, mark.lsn)
        set_generation(connection, generation)
        connection.execute("COMMIT", can_cache=False)
        _make_durable(connection)
        return generation
    finally:
        connection.close(force=True)


def _next_generation(surroundings: Surroundings, volumes: list[Volume], position: Position, beyond: int) -> int:
    """One more than any there is; but the newest one, if it was begun right here and holds no record yet."""
    newest = max([segment for volume in volumes for segment in volume.segments()], default=(0, 0))
    if newest[0] <= max(position.identity.generation, beyond):
        return max(position.identity.generation, beyond) + 1
    if newest[1] == position.mark.lsn + 1:
        for volume in volumes:
            if newest not in volume.segments():
                continue
            header = read_header(surroundings.disk, volume.directory / segment_name(*newest))
            empty = not volume.read(*newest, HEADER_SIZE, 4).strip(b"\0")
            if header is not None and header.previous == position.mark.crc and empty:
                return newest[0]
    return newest[0] + 1


def _join(surroundings: Surroundings, volumes: list[Volume], epoch: int) -> int:
    """Make all volumes a mirror whose list is newer than any there was; its epoch."""
    memberships = [volume.membership() for volume in volumes]
    top = max([epoch, *(membership.epoch for membership in memberships if membership is not None)]) + 1
    tokens = [membership.volume if membership else surroundings.ids.token() for membership in memberships]
    if len(set(tokens)) < len(tokens):
        tokens = [surroundings.ids.token() for _ in volumes]
    for volume, token in zip(volumes, tokens, strict=True):
        volume.set_membership(Membership(token, top, tuple(tokens)))
    return top


def _move_strangers(surroundings: Surroundings, volume: Volume, uuid: bytes) -> None:
    """Segments of another database of this name go to `<name>.other`; what is there already is not lost either."""
    surroundings.disk.make_directory(volume.directory)
    beside = volume.directory.with_name(f"{volume.directory.name}.other")
    moved = False
    for segment in volume.segments():
        path = volume.directory / segment_name(*segment)
        header = read_header(surroundings.disk, path)
        if header is None or header.uuid != uuid:
            surroundings.disk.make_directory(beside)
            mark = header.uuid.hex()[:8] if header else "damaged"
            surroundings.disk.replace(path, beside / f"{mark}-{surroundings.clock.now()}-{path.name}")
            moved = True
    if moved:
        surroundings.disk.flush_directory(beside)
        surroundings.disk.flush_directory(volume.directory)


def _install(place: Place, recovered: Path, aside: Path, surroundings: Surroundings) -> int:
    connection = connect_writer(recovered, Tuning().page_size, surroundings.vfs)
    try:
        _make_durable(connection)
        generation = read_position(connection).identity.generation
    finally:
        connection.close()
    disk = surroundings.disk
    for file in (place.file, *(place.file.with_name(place.file.name + end) for end in ("-wal", "-shm"))):
        if file.exists():
            disk.make_directory(aside)
            disk.replace(file, aside / file.name)
    if aside.exists():
        disk.flush_directory(aside)
    disk.replace(recovered, place.file)
    remove_wal(recovered)
    disk.flush_directory(place.data)
    return generation


def _make_durable(connection: apsw.Connection) -> None:
    """Everything into the file, and the file onto the disk."""
    connection.execute("PRAGMA synchronous = FULL")
    connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
