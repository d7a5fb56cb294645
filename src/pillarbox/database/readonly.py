"""A logged database that is only read: a file brought back to a moment, which no log may play further.

Implements the reading half of `model.logged.LoggedDatabase`; a write raises Failure NOT_ALLOWED. Nobody else may
write the file meanwhile.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

import apsw

from pillarbox.base.failure import FailureKind
from pillarbox.database.connection import ReadPool, Snapshot, connect_reader, translate
from pillarbox.database.position import Position, read_position
from pillarbox.model.failure import Failure
from pillarbox.model.logged import Commit, Cursor, DatabaseStatus, Schema, WriteCursor

T = TypeVar("T")


class ReadOnlyDatabase:
    """See the module."""

    def __init__(self, file: Path, schema: Schema) -> None:
        """Raises Failure NOT_FOUND, CORRUPT, or WRONG_VERSION where the tables are of another schema or version."""
        self._name = file.stem
        self._at = position_of(file)
        if (self._at.identity.schema_name, self._at.schema_version) != (schema.name, schema.version):
            raise Failure(
                FailureKind.WRONG_VERSION,
                f"{file} holds {self._at.identity.schema_name} tables of version {self._at.schema_version}, not "
                f"{schema.name} tables of version {schema.version}.",
            )
        self._readers = ReadPool(file, None)

    @property
    def name(self) -> str:
        return self._name

    @property
    def position(self) -> int:
        return self._at.mark.lsn

    def status(self) -> DatabaseStatus:
        at = self._at
        return DatabaseStatus(
            self._name, at.schema_version, at.identity.generation, at.mark.lsn, "It is only read.", ()
        )

    async def write(self, fn: Callable[[WriteCursor], T], *, size: int = 0, brief: bool = False) -> T:
        raise self._refusal()

    def write_sync(self, fn: Callable[[WriteCursor], T], *, size: int = 0) -> T:
        raise self._refusal()

    def read(self) -> AbstractContextManager[Cursor]:
        return Snapshot(self._readers)

    def subscribe(self, callback: Callable[[Commit], None]) -> Callable[[], None]:
        """Nothing is ever committed."""
        return _nothing

    def close(self) -> None:
        self._readers.close()

    def _refusal(self) -> Failure:
        return Failure(FailureKind.NOT_ALLOWED, f"Database {self._name} was brought back to be read only.")


def position_of(file: Path) -> Position:
    """What a database file contains. Raises Failure NOT_FOUND or CORRUPT."""
    if not file.exists():
        raise Failure(FailureKind.NOT_FOUND, f"{file} is not there.")
    try:
        connection = connect_reader(file, None)
        try:
            return read_position(connection)
        finally:
            connection.close(force=True)
    except apsw.SQLError as error:  # there is no such table
        raise Failure(FailureKind.CORRUPT, f"{file} is not a logged database.", error) from error
    except apsw.Error as error:
        raise translate(error) from error


def _nothing() -> None:
    """There is no subscription to end."""
