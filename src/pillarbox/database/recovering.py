"""A database being brought back in a directory of its own: `model.recovery.RecoveryDatabase`.

Who restores writes the copy to `file` and the log's segments into `log`, then plays. The replay goes over generations:
where the segments of a later one begin behind a record, its records follow that record. The position in the database
moves in the same transaction as the rows, so that a replay broken off goes on where it stopped.

While playing, the file is not written durably (it is a copy, and can be had again); `settle` makes it so.
Raises Failure CORRUPT where log and database do not fit, WRONG_VERSION for what a newer program wrote.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import apsw

from pillarbox.base.failure import FailureKind
from pillarbox.database.connection import connect_reader, connect_writer, translate
from pillarbox.database.log.reader import LogReader, list_segments, read_header
from pillarbox.database.log.record import Mark, Record, read_record, seed
from pillarbox.database.log.segment import HEADER_SIZE, parse_header, segment_name
from pillarbox.database.place import Place, Surroundings, Tuning
from pillarbox.database.position import Position, read_position, set_generation, write_position
from pillarbox.database.recovery import Applier
from pillarbox.database.schema import table_names
from pillarbox.database.verify import Finding, verify_file
from pillarbox.model.failure import Failure
from pillarbox.model.logged import Schema
from pillarbox.model.recovery import Played, Span, Until

_TRANSACTION_OCTETS = 32 << 20
_CACHE_KIB = 512 << 10


class RecoveringDatabase:
    """See `model.recovery.RecoveryDatabase`. `place` is where an engine can open it."""

    def __init__(self, directory: Path, name: str, schema: Schema, surroundings: Surroundings | None = None) -> None:
        self.place = Place(name, directory, (directory / "log",))
        self._schema = schema
        self._surroundings = surroundings or Surroundings()

    @property
    def file(self) -> Path:
        return self.place.file

    @property
    def log(self) -> Path:
        return self.place.log_volumes[0] / self.place.name

    def position(self) -> Position:
        """What the database contains."""
        connection = self._connect()
        try:
            return read_position(connection)
        finally:
            connection.close(force=True)

    def check_log(self, uuid: str, span: Span, data: bytes) -> str | None:
        return check_span(bytes.fromhex(uuid), span, data)

    def play(self, until: Until, progress: Callable[[Played], None]) -> Played:
        connection = self._connect()
        try:
            return Replay(connection, self._schema, self.log, self._surroundings, until, progress).run()
        except apsw.Error as error:
            raise translate(error) from error
        finally:
            connection.close(force=True)

    def check(self) -> Iterator[str]:
        for found in verify_file(self.file, self._schema, self._surroundings.vfs):
            if isinstance(found, Finding):
                yield found.text

    def compare(self, other: Path) -> Iterator[str]:
        try:
            connection = connect_reader(other, self._surroundings.vfs)
            try:
                connection.execute("ATTACH ? AS recovered", (str(self.file),))
                connection.execute("BEGIN")
                yield from compare_tables(connection)
            finally:
                connection.close(force=True)
        except apsw.Error as error:
            raise translate(error) from error

    def settle(self) -> None:
        """Make the file durable and whole by itself, without a write-ahead file."""
        connection = self._connect()
        try:
            connection.execute("PRAGMA synchronous = FULL")
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        finally:
            connection.close()

    def _connect(self) -> apsw.Connection:
        if not self.file.exists():
            raise Failure(FailureKind.NOT_FOUND, f"{self.file} is not there: the copy comes first.")
        try:
            connection = connect_writer(self.file, Tuning().page_size, self._surroundings.vfs)
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        except apsw.Error as error:
            raise translate(error) from error
        return connection


def compare_tables(connection: apsw.Connection) -> Iterator[str]:
    """Compare the logged tables of the main database with those of the attached `recovered`, row by row."""
    ours = table_names(connection)
    for table in sorted(ours):
        session = apsw.Session(connection, "main")
        try:
            session.attach(table)
            session.diff("recovered", table)
            if not session.is_empty:
                yield _difference(table, session.changeset())
        finally:
            session.close()


def _difference(table: str, changes: bytes) -> str:
    counts = {"INSERT": 0, "DELETE": 0, "UPDATE": 0}
    first = None
    for change in apsw.Changeset.iter(changes):
        counts[change.op] += 1
        if first is None:
            row = change.old if change.op != "INSERT" else change.new
            first = tuple(row[index] for index in sorted(change.pk_columns)) if row else ()
    return (
        f"table {table}: {counts['INSERT']} rows are missing, {counts['DELETE']} are too many, {counts['UPDATE']} "
        f"differ (the first has the key {first})"
    )


class _Octets:
    """Octets in memory that begin at `start` of a segment."""

    def __init__(self, data: bytes, start: int) -> None:
        self._data = data
        self._start = start

    def read_at(self, size: int, offset: int) -> bytes:
        return self._data[offset - self._start : offset - self._start + size]


def check_span(uuid: bytes, span: Span, data: bytes) -> str | None:
    """Why `data` cannot be the octets of `span`; None where all its records are whole."""
    if len(data) != span.finish - span.start:
        return f"it has {len(data)} octets instead of {span.finish - span.start}"
    if span.start == 0:
        header = parse_header(data[:HEADER_SIZE], "the segment")
        if header is None or (header.uuid, header.generation, header.first_lsn) != (uuid, *span[:2]):
            return "its header is damaged, or another segment's"
    file, offset, lsn = _Octets(data, span.start), max(span.start, HEADER_SIZE), span.first - 1
    while offset < span.finish:
        record = read_record(file, offset, seed(uuid))
        if not isinstance(record, Record) or record.lsn != lsn + 1:
            return f"there is no whole record {lsn + 1} at offset {offset}"
        offset, lsn = record.finish, record.lsn
    return None if (offset, lsn) == (span.finish, span.last) else f"it ends with record {lsn} instead of {span.last}"


class Replay:
    """One replay over one connection, of the log in the directory `log`."""

    def __init__(
        self,
        connection: apsw.Connection,
        schema: Schema,
        log: Path,
        surroundings: Surroundings,
        until: Until,
        progress: Callable[[Played], None],
    ) -> None:
        self._connection = connection
        self._schema = schema
        self._log = log
        self._disk = surroundings.disk
        self._until = until
        self._progress = progress
        self._records = 0
        self._octets = 0
        self._time = 0
        self._stopped = False

    def run(self) -> Played:
        position = read_position(self._connection)
        while True:
            following = self.next_generation(position)
            self._play_generation(position, following[1] - 1 if following else None)
            position = read_position(self._connection)
            if self._stopped or following is None or position.mark.lsn < following[1] - 1:
                break
            position = self.enter(position, *following)
        return self._played(position.identity.generation, position.mark.lsn)

    def _played(self, generation: int, lsn: int) -> Played:
        return Played(self._records, self._octets, generation, lsn, self._time)

    def next_generation(self, position: Position) -> tuple[int, int] | None:
        """The generation that the line goes on with, and its first LSN: the earliest that begins behind here."""
        begins: dict[int, int] = {}
        for generation, first in list_segments(self._disk, self._log) if self._disk.exists(self._log) else []:
            if generation > position.identity.generation:
                begins.setdefault(generation, first)
        ahead = [(first, generation) for generation, first in begins.items() if first > position.mark.lsn]
        if begins and not ahead:
            raise Failure(
                FailureKind.CORRUPT,
                f"The copy contains record {position.mark.lsn} of generation {position.identity.generation}, which "
                f"generation {max(begins)} did not follow: a copy from before record {min(begins.values())} is needed.",
            )
        if not ahead:
            return None
        # Of two that begin at the same record, the later one replaced the earlier.
        first, generation = min(ahead, key=lambda pair: (pair[0], -pair[1]))
        return generation, first

    def enter(self, position: Position, generation: int, first: int) -> Position:
        """Let the database be of a generation that begins right behind what it contains."""
        path = self._log / segment_name(generation, first)
        header = read_header(self._disk, path)
        if header is None or header.uuid != position.identity.uuid or header.previous != position.mark.crc:
            raise Failure(
                FailureKind.CORRUPT, f"{path} does not continue record {position.mark.lsn}: a log of another history."
            )
        mark = Mark(position.mark.lsn, first, 0, HEADER_SIZE, position.mark.crc)
        self._connection.execute("BEGIN IMMEDIATE")
        write_position(self._connection, position.schema_version, position.epoch, mark, mark.lsn)
        set_generation(self._connection, generation)
        self._connection.execute("COMMIT", can_cache=False)
        return read_position(self._connection)

    def _play_generation(self, position: Position, limit: int | None) -> None:
        generation = position.identity.generation
        if not any(number == generation for number, _ in self._segments()):
            return
        lsns = [lsn for lsn in (limit, self._until.lsn) if lsn is not None]
        last = min(lsns) if lsns else None
        reader = LogReader(self._disk, self._log, position.identity, others=True)
        applier = Applier(self._connection, self._schema, position.schema_version)
        end, pending = position.mark, 0
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for record in reader.records(position.mark) if last is None or last > end.lsn else ():
                if self._until.time is not None and record.time > self._until.time:
                    self._stopped = True
                    break
                applier.apply(record)
                end = reader.end
                self._note(record)
                pending += len(record.payload)
                if pending >= _TRANSACTION_OCTETS:
                    self._commit(applier, position, end)
                    self._connection.execute("BEGIN IMMEDIATE")
                    pending = 0
                if record.lsn == last:
                    break
            self._commit(applier, position, end)
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK", can_cache=False)
        self._stopped = self._stopped or (self._until.lsn is not None and end.lsn >= self._until.lsn)

    def _segments(self) -> list[tuple[int, int]]:
        return list_segments(self._disk, self._log) if self._disk.exists(self._log) else []

    def _note(self, record: Record) -> None:
        self._records += 1
        self._octets += record.finish - record.start
        self._time = record.time

    def _commit(self, applier: Applier, position: Position, end: Mark) -> None:
        applier.finish()
        before = read_position(self._connection).mark.lsn
        write_position(self._connection, applier.version, position.epoch, end, before)
        self._connection.execute("COMMIT", can_cache=False)
        self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        self._progress(self._played(position.identity.generation, end.lsn))
