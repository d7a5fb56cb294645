"""A small schema for tests of the engine: `entry` (text key, bytes) and `numbered` (integer key, unique text).

Version 2 adds a column, version 3 a table that is filled from the others, so that a migration has work to do.
"""

import zlib
from collections.abc import Iterator

from pillarbox.model.logged import Cursor, LoggedDatabase, WriteCursor

_ENTRY = "CREATE TABLE entry (key TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL, crc INTEGER NOT NULL{note})"
_NUMBERED = "CREATE TABLE numbered (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE)"
_TOTAL = "CREATE TABLE total (id INTEGER PRIMARY KEY, entries INTEGER NOT NULL)"


class Ledger:
    """`model.logged.Schema` as it was at `version` (1 to 3)."""

    name = "ledger"

    def __init__(self, version: int = 1) -> None:
        self.version = version

    def create(self, cursor: Cursor) -> None:
        cursor.execute(_ENTRY.format(note=", note TEXT NOT NULL DEFAULT ''" if self.version > 1 else ""))
        cursor.execute(_NUMBERED)
        cursor.execute("CREATE INDEX entry_crc ON entry (crc)")
        cursor.execute("INSERT INTO numbered VALUES (1, 'first')")
        if self.version > 2:
            cursor.execute(_TOTAL)
            cursor.execute("INSERT INTO total VALUES (1, 0)")

    def migrate(self, cursor: Cursor, from_version: int) -> None:
        if from_version == 1:
            cursor.execute("ALTER TABLE entry ADD COLUMN note TEXT NOT NULL DEFAULT ''")
            cursor.execute("UPDATE entry SET note = 'from version 1'")
        else:
            cursor.execute(_TOTAL)
            cursor.execute("INSERT INTO total SELECT 1, count(*) FROM entry")

    def verify(self, cursor: Cursor) -> Iterator[str]:
        for key, value, crc in cursor.execute("SELECT key, value, crc FROM entry ORDER BY key"):
            if zlib.crc32(value) != crc:
                yield f"entry {key}: its value does not fit its checksum."


def put(cursor: WriteCursor, key: str, value: bytes) -> None:
    """Set `key`, and publish it."""
    cursor.execute(
        "INSERT INTO entry (key, value, crc) VALUES (?, ?, ?) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value, crc = excluded.crc",
        (key, value, zlib.crc32(value)),
    )
    cursor.publish(key)


def drop(cursor: WriteCursor, key: str) -> None:
    """Remove `key`, if it is there."""
    cursor.execute("DELETE FROM entry WHERE key = ?", (key,))


def entries(database: LoggedDatabase) -> dict[str, bytes]:
    """Everything that is in."""
    with database.read() as cursor:
        return dict(cursor.execute("SELECT key, value FROM entry"))
