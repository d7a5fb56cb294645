"""Shows log records readably: when, what kind, which rows of which tables, their old and new values.

Reads one volume and changes nothing; needs no database file, but takes the column names from it where it is there
(else from the log's own first record). Raises Failure CORRUPT at damage, after everything before it was given.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import apsw

from pillarbox.base.failure import FailureKind
from pillarbox.database.connection import connect_reader
from pillarbox.database.log.reader import Identity, read_header
from pillarbox.database.log.record import Record, RecordKind
from pillarbox.database.log.segment import segment_name
from pillarbox.database.log.volume import Volume
from pillarbox.database.place import Place, Surroundings
from pillarbox.database.schema import schema_statements, table_columns
from pillarbox.database.verify import segment_start
from pillarbox.model.failure import Failure

_LONGEST_TEXT = 100
_SHOWN_OCTETS = 16
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def dump_log(
    place: Place, surroundings: Surroundings, first: int = 1, last: int | None = None, log_volume: Path | None = None
) -> Iterator[dict[str, Any]]:
    """Records `first` to `last` (None: to the end) of a log, each as a dict fit for JSON.

    Keys: lsn, time (ISO 8601, UTC), kind, schema_version, segment, offset, size, and `changes` (a list of dicts with
    table, op, key, old, new) or `schema` (what a SCHEMA record says).
    """
    volume = Volume(surroundings.disk, log_volume or place.log_volumes[0], place.name)
    try:
        segments = volume.segments()
    except OSError as error:
        raise Failure(FailureKind.UNAVAILABLE, f"{volume.directory} cannot be read: {error}.", error) from error
    if not segments:
        raise Failure(FailureKind.NOT_FOUND, f"{volume.directory} holds no log.")
    generation = segments[-1][0]
    firsts = [lsn for number, lsn in segments if number == generation]
    begin = max((lsn for lsn in firsts if lsn <= first), default=firsts[0])
    path = volume.directory / segment_name(generation, begin)
    header = read_header(surroundings.disk, path)
    if header is None:
        raise Failure(FailureKind.CORRUPT, f"The log is damaged: {path} at offset 0: its header is damaged.")
    identity = Identity(header.uuid, header.generation, header.schema_name)
    start = segment_start(surroundings, volume, identity, begin)
    assert start is not None
    columns = _columns(place, surroundings)
    reader = volume.reader(identity)
    for record in reader.records(start):
        if last is not None and record.lsn > last:
            return
        if record.kind == RecordKind.SCHEMA and not columns:
            columns = _columns_of(schema_statements(record.payload))
        if record.lsn >= first:
            yield _describe(record, reader.path.name, columns)


def _columns(place: Place, surroundings: Surroundings) -> dict[str, list[str]]:
    if not place.file.exists():
        return {}
    try:
        connection = connect_reader(place.file, surroundings.vfs)
        try:
            return table_columns(connection)
        finally:
            connection.close(force=True)
    except apsw.Error:  # a damaged database is no reason not to show its log
        return {}


def _columns_of(statements: list[str]) -> dict[str, list[str]]:
    connection = apsw.Connection(":memory:")
    try:
        for statement in statements:
            connection.execute(statement)
        return table_columns(connection)
    finally:
        connection.close()


def _describe(record: Record, segment: str, columns: dict[str, list[str]]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "lsn": record.lsn,
        "time": (_EPOCH + timedelta(microseconds=record.time)).isoformat(),
        "kind": RecordKind(record.kind).name.lower(),
        "schema_version": record.schema_version,
        "segment": segment,
        "offset": record.start,
        "size": record.finish - record.start,
    }
    if record.kind == RecordKind.SCHEMA:
        shown["schema"] = record.payload.partition(b"\n")[0].decode()
    else:
        changes = apsw.Changeset.iter(record.payload)
        shown["changes"] = [_describe_change(change, columns.get(change.name, [])) for change in changes]
    return shown


def _describe_change(change: apsw.TableChange, names: list[str]) -> dict[str, Any]:
    names = names + [f"column {number}" for number in range(len(names) + 1, change.column_count + 1)]
    keys = {names[index] for index in change.pk_columns}
    old, new = _values(change.old, names), _values(change.new, names)
    either = {**new, **old}
    return {
        "table": change.name,
        "op": change.op,
        "key": {name: either[name] for name in names if name in keys},
        "old": {name: value for name, value in old.items() if name not in keys},
        "new": {name: value for name, value in new.items() if name not in keys},
    }


def _values(row: Sequence[Any] | None, names: list[str]) -> dict[str, Any]:
    if row is None:
        return {}
    pairs = zip(names, row, strict=False)
    return {name: _shorten(value) for name, value in pairs if value is not apsw.no_change}


def _shorten(value: Any) -> Any:
    if isinstance(value, bytes):
        dots = "…" if len(value) > _SHOWN_OCTETS else ""
        return f"<{len(value)} octets {value[:_SHOWN_OCTETS].hex()}{dots}>"
    if isinstance(value, str) and len(value) > _LONGEST_TEXT:
        return f"{value[:_LONGEST_TEXT]}… ({len(value)} characters)"
    return value
