"""The one row of the table `log_position`: which database this is, and which log record it contains last.

It changes inside the transaction that brings the changes of that record, so the two never disagree. It is not part
of any changeset. It is the first table made, so it lies in page `POSITION_PAGE`; its column `tag` repeats, in a form
that can be found in the raw page, the LSN and what it was before the transaction (see stalewal.py).
"""

import struct
from typing import NamedTuple

import apsw

from pillarbox.database.log.reader import Identity
from pillarbox.database.log.record import Mark

TABLE = "log_position"
POSITION_PAGE = 2
TAG = b"pillarbox-position:"
TAG_LSNS = struct.Struct(">QQ")

_CREATE = f"""
CREATE TABLE {TABLE} (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    uuid BLOB NOT NULL,
    generation INTEGER NOT NULL,
    schema_name TEXT NOT NULL,
    schema_version INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    lsn INTEGER NOT NULL,
    segment INTEGER NOT NULL,
    start INTEGER NOT NULL,
    finish INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    tag BLOB NOT NULL
)
"""
_READ = (
    "SELECT uuid, generation, schema_name, schema_version, epoch, lsn, segment, start, finish, crc "
    f"FROM {TABLE} WHERE id = 1"
)
_UPDATE = (
    f"UPDATE {TABLE} SET schema_version = ?, epoch = ?, lsn = ?, segment = ?, start = ?, finish = ?, crc = ?, tag = ? "
    "WHERE id = 1"
)
_EXISTS = f"SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '{TABLE}'"


class Position(NamedTuple):
    """The row. `schema_version` is 0 before the schema was made; `epoch` is that of the log's mirror."""

    identity: Identity
    schema_version: int
    epoch: int
    mark: Mark


def tag_of(lsn: int, before: int) -> bytes:
    """What `tag` holds."""
    return TAG + TAG_LSNS.pack(lsn, before)


def create_position(connection: apsw.Connection, position: Position) -> None:
    """Make the table and its row in an empty database; the caller holds a transaction."""
    connection.execute(_CREATE)
    mark = position.mark
    connection.execute(
        f"INSERT INTO {TABLE} VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*position.identity, position.schema_version, position.epoch, *mark, tag_of(mark.lsn, mark.lsn)),
    )


def read_position(connection: apsw.Connection) -> Position:
    """The row as this connection sees it."""
    for uuid, generation, name, version, epoch, *mark in connection.execute(_READ):
        return Position(Identity(uuid, generation, name), version, epoch, Mark(*mark))
    raise apsw.CorruptError(f"{TABLE} is empty")


def has_position(connection: apsw.Connection) -> bool:
    """Whether the table was made."""
    return connection.execute(_EXISTS).fetchone() is not None


def write_position(connection: apsw.Connection, version: int, epoch: int, mark: Mark, before: int) -> None:
    """Change the row; the caller holds a transaction that began when the row's LSN was `before`."""
    connection.execute(_UPDATE, (version, epoch, *mark, tag_of(mark.lsn, before)))


def set_generation(connection: apsw.Connection, generation: int) -> None:
    """Change the generation alone; the caller holds a transaction."""
    connection.execute(f"UPDATE {TABLE} SET generation = ? WHERE id = 1", (generation,))
