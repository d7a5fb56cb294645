"""Making and migrating a database's tables, as log records that a replay can repeat.

The payload of a SCHEMA record is one line of JSON, then a changeset:

    {"from": 0, "to": 3, "statements": ["CREATE TABLE ...", ...]}    a new database: its tables, and its first rows
    {"from": 2, "to": 3, "statements": []}                           a migration: the program's own code is run again

A new database carries its statements, so that a log begun by version 3 is replayed as version 3, whatever
`Schema.create` makes by then.
"""

import json
from collections.abc import Iterator

import apsw

from pillarbox.base.failure import FailureKind
from pillarbox.database.connection import SqlCursor
from pillarbox.database.position import TABLE
from pillarbox.model.failure import Failure
from pillarbox.model.logged import Schema

_OURS = (
    "SELECT type, name, sql FROM sqlite_master "
    f"WHERE sql IS NOT NULL AND tbl_name <> '{TABLE}' AND name NOT LIKE 'sqlite_stat%' ORDER BY rowid"
)


def new_session(connection: apsw.Connection) -> apsw.Session:
    """Records every change of every table but `log_position` from now on."""
    session = apsw.Session(connection, "main")
    session.table_filter(_is_logged)
    session.attach()
    return session


def _is_logged(table: str) -> bool:
    return table != TABLE


def create_tables(connection: apsw.Connection, schema: Schema) -> bytes:
    """Make the tables of the newest version; the payload of the record about it."""
    session = new_session(connection)
    try:
        schema.create(SqlCursor(connection))
        check_tables(connection)
        changes = session.changeset()
    finally:
        session.close()
    statements = [sql for _, _, sql in connection.execute(_OURS)]
    return _payload(0, schema.version, statements, changes)


def migrate_tables(connection: apsw.Connection, schema: Schema, version: int) -> bytes:
    """One step on from `version`; the payload of the record about it."""
    schema.migrate(SqlCursor(connection), version)
    check_tables(connection)
    return _payload(version, version + 1, [], b"")


def replay_schema(connection: apsw.Connection, schema: Schema, version: int, payload: bytes) -> int:
    """Repeat what a SCHEMA record says on tables of `version`; the version it leads to."""
    line, _, changes = payload.partition(b"\n")
    content = json.loads(line)
    if content["to"] > schema.version:
        raise newer_version(schema, content["to"])
    if content["from"] != version:
        raise Failure(
            FailureKind.WRONG_VERSION,
            f"The log migrates {schema.name} tables of version {content['from']}, but the database has version "
            f"{version}.",
        )
    if version == 0:
        for statement in content["statements"]:
            connection.execute(statement)
        if changes:
            apsw.Changeset.apply(changes, connection)
    else:
        schema.migrate(SqlCursor(connection), version)
    return int(content["to"])


def schema_statements(payload: bytes) -> list[str]:
    """The statements that a SCHEMA record carries."""
    statements: list[str] = json.loads(payload.partition(b"\n")[0])["statements"]
    return statements


def newer_version(schema: Schema, version: int) -> Failure:
    """The failure for tables that a later program made."""
    return Failure(
        FailureKind.WRONG_VERSION,
        f"The {schema.name} database has version {version}; this program knows versions up to {schema.version}: "
        "run the newer program.",
    )


def check_tables(connection: apsw.Connection) -> None:
    """Raises ValueError where a table breaks the rules of `model/logged.py`: its changes could not be replayed."""
    for sentence in _broken_rules(connection):
        raise ValueError(sentence)


def table_names(connection: apsw.Connection) -> frozenset[str]:
    """The logged tables."""
    return frozenset(name for kind, name, _ in connection.execute(_OURS) if kind == "table")


def table_columns(connection: apsw.Connection) -> dict[str, list[str]]:
    """The logged tables and their columns, in order."""
    return {
        name: [row[1] for row in connection.execute("SELECT * FROM pragma_table_info(?)", (name,))]
        for name in table_names(connection)
    }


def _broken_rules(connection: apsw.Connection) -> Iterator[str]:
    for kind, name, sql in connection.execute(_OURS).fetchall():
        if kind == "trigger":
            yield f"trigger {name}: a replay would run it a second time"
        if kind != "table":
            continue
        if name == "sqlite_sequence":
            yield "AUTOINCREMENT is not logged: keep counters in a table of your own"
            continue
        if str(sql).lstrip()[:14].upper() == "CREATE VIRTUAL":
            yield f"virtual table {name}: derived data live in a file of their own"
            continue
        (without_rowid,) = connection.execute("SELECT wr FROM pragma_table_list(?)", (name,)).fetchone() or (0,)
        columns = connection.execute('SELECT name, type, "notnull", pk, hidden FROM pragma_table_xinfo(?)', (name,))
        keys = []
        for column, type_name, not_null, key, hidden in columns:
            if hidden:
                yield f"generated column {name}.{column} is not logged"
            if key:
                keys.append((column, type_name.upper() == "INTEGER", not_null))
        alias_of_rowid = len(keys) == 1 and keys[0][1]
        if not keys:
            yield f"table {name} has no PRIMARY KEY"
        elif not without_rowid and not alias_of_rowid:
            for column, _, not_null in keys:
                if not not_null:
                    yield f"primary key column {name}.{column} may be NULL"


def _payload(before: int, after: int, statements: list[str], changes: bytes) -> bytes:
    return json.dumps({"from": before, "to": after, "statements": statements}).encode() + b"\n" + changes
