"""Reads all of a database and all of its log, and says what is wrong.

Changes nothing, may run beside writers. Every table and index is checked by SQLite, every blob by the schema's own
`verify`, every log record on every volume in use by its checksums and its place in the chain.
"""

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import NamedTuple

import apsw

from pillarbox.database.connection import SqlCursor, connect_reader
from pillarbox.database.log.reader import Identity, read_header
from pillarbox.database.log.record import Mark
from pillarbox.database.log.segment import HEADER_SIZE, segment_name
from pillarbox.database.log.volume import Membership, Volume
from pillarbox.database.place import Place, Surroundings
from pillarbox.database.position import Position, read_position
from pillarbox.database.schema import table_names
from pillarbox.model.failure import Failure
from pillarbox.model.logged import Schema


class Progress(NamedTuple):
    """`done` of `total` steps of `part` are over."""

    part: str
    done: int
    total: int


class Finding(NamedTuple):
    """Something is wrong with `part`; `text` is one sentence."""

    part: str
    text: str


def verify(place: Place, schema: Schema, surroundings: Surroundings) -> Iterator[Progress | Finding]:
    """Progress and findings as they come; no findings: all is well."""
    position = yield from _verify_file(place.file, schema, surroundings.vfs)
    if position is not None:
        yield from _verify_log(place, surroundings, position)


def verify_file(file: Path, schema: Schema, vfs: str | None) -> Iterator[Progress | Finding]:
    """`verify` of the database file alone."""
    yield from _verify_file(file, schema, vfs)


def _verify_file(file: Path, schema: Schema, vfs: str | None) -> Generator[Progress | Finding, None, Position | None]:
    try:
        connection = connect_reader(file, vfs)
    except apsw.Error as error:
        yield Finding("database", f"{file} cannot be opened: {error}.")
        return None
    try:
        position = read_position(connection)
        yield from _verify_tables(connection)
        yield from _verify_texts(connection)
        yield from _verify_rows(connection, schema)
    except (apsw.Error, UnicodeDecodeError) as error:
        yield Finding("database", f"{file} cannot be read: {error}.")
        return None
    finally:
        connection.close(force=True)
    return position


def _verify_tables(connection: apsw.Connection) -> Iterator[Progress | Finding]:
    tables = sorted(table_names(connection))
    for done, table in enumerate(tables):
        yield Progress("database", done, len(tables))
        for (text,) in connection.execute("SELECT * FROM pragma_integrity_check(?)", (table,)):
            if text != "ok":
                yield Finding("database", f"table {table}: {text}.")
    yield Progress("database", len(tables), len(tables))


def _verify_texts(connection: apsw.Connection) -> Iterator[Finding]:
    """Texts that are no UTF-8 any more; to SQLite they are as good as any other."""
    for table in sorted(table_names(connection)):
        columns = connection.execute("SELECT name FROM pragma_table_info(?) WHERE type = 'TEXT'", (table,))
        for (column,) in list(columns):
            try:
                for _ in connection.execute(f"SELECT {column} FROM {table}"):
                    pass
            except UnicodeDecodeError as error:
                yield Finding(
                    "database", f"table {table}: {column} holds a text that is damaged: {error.object[:80]!r}."
                )


def _verify_rows(connection: apsw.Connection, schema: Schema) -> Iterator[Progress | Finding]:
    yield Progress("content", 0, 1)
    connection.execute("BEGIN")
    for text in schema.verify(SqlCursor(connection)):
        yield Finding("content", text)
    connection.execute("COMMIT")
    yield Progress("content", 1, 1)


def _verify_log(place: Place, surroundings: Surroundings, position: Position) -> Iterator[Progress | Finding]:
    known: dict[Volume, Membership] = {}
    for root in place.log_volumes:
        volume = Volume(surroundings.disk, root, place.name)
        try:
            membership = volume.membership()
        except (OSError, Failure) as error:
            yield Finding(f"log {root}", f"The log volume cannot be read: {error}.")
            continue
        if membership is None:
            yield Finding(f"log {root}", "The log volume holds no log of this database.")
        else:
            known[volume] = membership
    top = max((membership.epoch for membership in known.values()), default=0)
    for volume, membership in known.items():
        part = f"log {volume.root}"
        if membership.epoch < top or membership.volume not in membership.in_use:
            yield Finding(part, "The log volume missed records; it is copied when the database is next opened.")
            continue
        try:
            yield from _verify_volume(surroundings, volume, position)
        except Failure as failure:
            yield Finding(part, failure.public)
        except OSError as error:
            yield Finding(part, f"The log volume cannot be read: {error}.")


def _verify_volume(surroundings: Surroundings, volume: Volume, position: Position) -> Iterator[Progress | Finding]:
    part = f"log {volume.root}"
    identity = position.identity
    firsts = [first for generation, first in volume.segments() if generation == identity.generation]
    if not firsts:
        yield Finding(part, "The log volume holds no segment.")
        return
    start = segment_start(surroundings, volume, identity, firsts[0])
    if start is None:
        yield Finding(part, f"{segment_name(identity.generation, firsts[0])} at offset 0: its header is damaged.")
        return
    reader = volume.reader(identity)
    segment = 0
    for _ in reader.records(start):
        if reader.end.segment != segment:
            segment = reader.end.segment
            yield Progress(part, firsts.index(segment), len(firsts))
        if reader.end.lsn >= position.mark.lsn:
            break  # what comes now is being written while we read
    if reader.end.lsn < position.mark.lsn:
        yield Finding(part, f"It ends at record {reader.end.lsn}, the database contains {position.mark.lsn}.")
    reader.confirm(position.mark)
    yield Progress(part, len(firsts), len(firsts))


def segment_start(surroundings: Surroundings, volume: Volume, identity: Identity, first: int) -> Mark | None:
    """The mark before the first record of a segment; None if its header is damaged."""
    header = read_header(surroundings.disk, volume.directory / segment_name(identity.generation, first))
    return header and Mark(first - 1, first, 0, HEADER_SIZE, header.previous)
