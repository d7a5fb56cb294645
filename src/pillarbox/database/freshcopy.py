"""A fresh copy of a database on its way into a standby's place: written beside, made durable, put in place whole.

The old database file goes first and the new one comes last, so that a crash in between leaves no database and the copy
is taken again: never a file beside a log that is not its own.
"""

from datetime import UTC, datetime
from pathlib import Path

import apsw

from pillarbox.base.clock import MICROSECONDS
from pillarbox.base.failure import FailureKind
from pillarbox.database.connection import connect_writer
from pillarbox.database.disk import OpenFile
from pillarbox.database.log.segment import parse_segment_name
from pillarbox.database.log.volume import Membership, Volume
from pillarbox.database.place import Place, Surroundings, Tuning
from pillarbox.database.position import Position, has_position, read_position, write_position
from pillarbox.database.stalewal import remove_wal
from pillarbox.model.failure import Failure
from pillarbox.model.standby import CopyHead


class FreshCopy:
    """One copy of a database, from its first octet until it is in place. Raises OSError and apsw.Error as they come."""

    def __init__(self, place: Place, surroundings: Surroundings, tuning: Tuning, head: CopyHead) -> None:
        self.head = head
        self._place = place
        self._surroundings = surroundings
        self._tuning = tuning
        self._beside = place.file.with_name(f"{place.name}.db.copying")
        remove_wal(self._beside)
        self._file: OpenFile = surroundings.disk.open(self._beside, create=True)
        self._file.cut(0)
        self._got = 0

    def add(self, offset: int, octets: bytes) -> None:
        """The next octets. Raises Failure CORRUPT where they do not follow."""
        if offset != self._got or offset + len(octets) > self.head.size:
            raise self._spoilt(f"octets at {offset} follow {self._got}")
        self._file.write_at([octets], offset)
        self._got += len(octets)

    def abandon(self) -> None:
        """It is not wanted any more."""
        self._file.close()
        self._beside.unlink(missing_ok=True)

    def install(self, keep_log: bool, keep_file: bool) -> None:
        """Put it in place; what is there is kept aside or removed. The caller has closed the old one."""
        if self._got != self.head.size:
            raise self._spoilt(f"{self._got} of {self.head.size} octets came")
        self._file.flush()
        self._file.close()
        disk, place = self._surroundings.disk, self._place
        connection = connect_writer(self._beside, self._tuning.page_size, self._surroundings.vfs)
        try:
            position = self._check(connection)
            self._make_room(keep_log, keep_file)
            self._join(connection, position)
        finally:
            connection.close(force=True)
        remove_wal(self._beside)
        disk.replace(self._beside, place.file)
        disk.flush_directory(place.data)

    def _check(self, connection: apsw.Connection) -> Position:
        if not has_position(connection):
            raise self._spoilt("it is not a logged database")
        position = read_position(connection)
        identity, lsn = position.identity, position.mark.lsn
        if (identity.uuid.hex(), identity.generation, lsn) != (self.head.uuid, *self.head.point[:2]):
            raise self._spoilt(f"it contains record {lsn} of generation {identity.generation}")
        return position

    def _make_room(self, keep_log: bool, keep_file: bool) -> None:
        place = self._place
        mark = datetime.fromtimestamp(self._surroundings.clock.now() // MICROSECONDS, UTC).strftime("%Y%m%dT%H%M%SZ")
        self._remove_file(place.data / f"{place.name}.diverged-{mark}" if keep_file else None)
        for root in place.log_volumes:
            self._remove_log(root, f"{place.name}.diverged-{mark}" if keep_log else None)

    def _remove_file(self, aside: Path | None) -> None:
        disk, file = self._surroundings.disk, self._place.file
        if aside is not None and file.exists():
            disk.make_directory(aside)
            for path in (file, file.with_name(file.name + "-wal")):
                if path.exists():
                    disk.replace(path, aside / path.name)
            disk.flush_directory(aside)
        remove_wal(file)
        file.unlink(missing_ok=True)
        disk.flush_directory(self._place.data)

    def _remove_log(self, root: Path, aside: str | None) -> None:
        disk, directory = self._surroundings.disk, root / self._place.name
        if not disk.exists(root):
            raise Failure(FailureKind.UNAVAILABLE, f"The log volume {root} is not there: mount it.")
        if not disk.exists(directory):
            return
        names = disk.list(directory)
        if aside is not None and any(parse_segment_name(name) for name in names):
            disk.replace(directory, root / aside)
        else:
            for name in names:
                disk.remove(directory / name)
        disk.flush_directory(root)

    def _join(self, connection: apsw.Connection, position: Position) -> None:
        """Make the log volumes a mirror that holds nothing yet, and let the copy know of it."""
        place, epoch, mark = self._place, position.epoch + 1, position.mark
        volumes = [Volume(self._surroundings.disk, root, place.name) for root in place.log_volumes]
        tokens = tuple(self._surroundings.ids.token() for _ in volumes)
        for volume, token in zip(volumes, tokens, strict=True):
            volume.make()
            volume.set_membership(Membership(token, epoch, tokens))
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN IMMEDIATE")
        write_position(connection, position.schema_version, epoch, mark, mark.lsn)
        connection.execute("COMMIT", can_cache=False)
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)

    def _spoilt(self, reason: str) -> Failure:
        return Failure(FailureKind.CORRUPT, f"The copy of {self._place.name} is not whole: {reason}.")
