"""What the engine relies on in SQLite's session extension; pinned here, since a release could change it."""

import random
from contextlib import suppress

import apsw

from pillarbox.database.schema import new_session

TABLES = """
CREATE TABLE log_position (id INTEGER PRIMARY KEY, lsn INTEGER);
CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT NOT NULL UNIQUE, v INTEGER, UNIQUE (v, u));
CREATE TABLE w (a TEXT, b INTEGER, c BLOB, PRIMARY KEY (a, b)) WITHOUT ROWID;
CREATE UNIQUE INDEX wc ON w (c) WHERE c IS NOT NULL;
"""
KEYS = "abcdefgh"


def change(connection: apsw.Connection, chance: random.Random) -> None:
    """Any statement; many of them move unique values between rows."""
    statements = [
        ("INSERT INTO t VALUES (?, ?, ?)", (chance.randrange(8), chance.choice(KEYS), chance.randrange(3))),
        ("DELETE FROM t WHERE id = ?", (chance.randrange(8),)),
        ("UPDATE t SET u = ? WHERE id = ?", (chance.choice(KEYS + "xyz"), chance.randrange(8))),
        ("UPDATE t SET id = ? WHERE id = ?", (chance.randrange(8), chance.randrange(8))),
        ("INSERT OR REPLACE INTO w VALUES (?, ?, ?)", (chance.choice("ab"), chance.randrange(3), b"1")),
        ("UPDATE w SET c = ? WHERE a = ?", (chance.choice([None, b"1", b"2"]), chance.choice("ab"))),
        ("UPDATE log_position SET lsn = lsn + 1", ()),
    ]
    with suppress(apsw.ConstraintError):
        connection.execute(*chance.choice(statements))


def content(connection: apsw.Connection) -> list[list[object]]:
    return [connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in ("t", "w")]


def test_a_changeset_with_undone_savepoints_and_swapped_unique_values_gives_the_same_rows() -> None:
    for number in range(600):
        chance = random.Random(number)
        one, other = apsw.Connection(":memory:"), apsw.Connection(":memory:")
        one.execute(TABLES)
        one.execute("INSERT INTO log_position VALUES (1, 0)")
        for _ in range(12):
            change(one, chance)
        with other.backup("main", one, "main") as backup:
            backup.step()
        session = new_session(one)
        one.execute("BEGIN")
        for _ in range(10):
            one.execute("SAVEPOINT s")
            change(one, chance)
            change(one, chance)
            if chance.random() < 0.3:
                one.execute("ROLLBACK TO s")
            one.execute("RELEASE s")
        changes = session.changeset()
        session.close()
        one.execute("COMMIT")
        other.execute("BEGIN")
        apsw.Changeset.apply(changes, other, conflict=lambda *_: apsw.SQLITE_CHANGESET_ABORT)
        other.execute("COMMIT")
        assert content(one) == content(other), number
        assert other.execute("SELECT lsn FROM log_position").fetchone() != (None,)
        if changes:
            assert {shown.name for shown in apsw.Changeset.iter(changes)} <= {"t", "w"}
        one.close()
        other.close()
