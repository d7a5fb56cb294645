"""Tables are made and migrated through the log; what could not be replayed is refused."""

import shutil
from typing import Any

import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.database.engine import Engine
from pillarbox.model.failure import Failure
from pillarbox.model.logged import Cursor
from pillarbox.testing.ledger import Ledger, entries, put


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("CREATE TABLE t (a TEXT)", "has no PRIMARY KEY"),
        ("CREATE TABLE t (a TEXT PRIMARY KEY)", "may be NULL"),
        ("CREATE TABLE t (a TEXT NOT NULL, b TEXT, PRIMARY KEY (a, b))", "t.b may be NULL"),
        ("CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT)", "AUTOINCREMENT"),
        ("CREATE VIRTUAL TABLE t USING fts5(a)", "virtual table t"),
        ("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT GENERATED ALWAYS AS (a + 1))", "generated column t.b"),
        ("CREATE TRIGGER t AFTER INSERT ON entry BEGIN DELETE FROM numbered; END", "trigger t"),
    ],
)
def test_tables_that_could_not_be_replayed_are_refused(site: Any, statement: str, sentence: str) -> None:
    class Bad(Ledger):
        def create(self, cursor: Cursor) -> None:
            super().create(cursor)
            cursor.execute(statement)

    with pytest.raises(ValueError, match=sentence):
        Engine.create(site.place, Bad(), site.tuning, site.surroundings)
    database = site.create()  # nothing was left behind
    database.write_sync(lambda cursor: put(cursor, "a", b"1"))
    assert entries(database) == {"a": b"1"}


def test_keys_without_rowid_are_never_null(site: Any) -> None:
    class Good(Ledger):
        def create(self, cursor: Cursor) -> None:
            super().create(cursor)
            cursor.execute("CREATE TABLE t (a TEXT, b TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID")
            cursor.execute("CREATE VIEW v AS SELECT a FROM t")

    Engine.create(site.place, Good(), site.tuning, site.surroundings).close()
    site.remove_database()
    Engine.open(site.place, Good(), site.tuning, site.surroundings).close()


def total(database: Any) -> Any:
    with database.read() as cursor:
        return list(cursor.execute("SELECT entries FROM total"))


def notes(database: Any) -> dict[str, str]:
    with database.read() as cursor:
        return dict(cursor.execute("SELECT key, note FROM entry"))


def test_migrations_are_log_records_and_are_repeated_at_their_point(site: Any) -> None:
    database = site.create(1)
    database.write_sync(lambda cursor: put(cursor, "a", b"1"))
    database.close()
    copies = [site.place.file.read_bytes()]
    database = site.open(2)
    database.write_sync(lambda cursor: put(cursor, "b", b"2"))
    database.close()
    copies.append(site.place.file.read_bytes())
    database = site.open(3)
    assert (database.position, database.status().schema_version) == (5, 3)
    database.write_sync(lambda cursor: put(cursor, "c", b"3"))
    expected = (notes(database), total(database), entries(database))
    assert expected[:2] == ({"a": "from version 1", "b": "", "c": ""}, [(2,)])
    database.close()
    for copy in [*copies, None]:
        site.remove_database()
        if copy:
            site.place.file.write_bytes(copy)
        database = site.open(3)
        assert (notes(database), total(database), entries(database)) == expected
        database.close()


def test_two_steps_at_once(site: Any) -> None:
    site.create(1).close()
    assert total(site.open(3)) == [(0,)]


def test_a_log_begun_by_a_later_version_is_replayed_as_that_version(site: Any) -> None:
    database = site.create(3)
    database.write_sync(lambda cursor: put(cursor, "a", b"1"))
    database.close()
    site.remove_database()
    database = site.open(3)
    assert (total(database), entries(database)) == ([(0,)], {"a": b"1"})


def test_a_database_of_a_newer_version_is_refused(site: Any) -> None:
    site.create(3).close()
    for _ in range(2):
        with pytest.raises(Failure) as caught:
            site.open(2)
        assert caught.value.kind is FailureKind.WRONG_VERSION
        assert "has version 3; this program knows versions up to 2" in caught.value.public
        site.remove_database()  # and so is the log alone


def test_an_old_copy_with_a_newer_log_is_refused_by_the_old_program(site: Any) -> None:
    site.create(1).close()
    old = site.place.file.read_bytes()
    site.open(2).close()
    site.remove_database()
    site.place.file.write_bytes(old)
    with pytest.raises(Failure) as caught:
        site.open(1)
    assert caught.value.kind is FailureKind.WRONG_VERSION


def test_a_process_with_the_old_program_stops_writing_once_a_newer_one_has_migrated(site: Any) -> None:
    old = site.create(1)
    new = site.open(2)
    with pytest.raises(Failure) as caught:
        old.write_sync(lambda cursor: put(cursor, "a", b"1"))
    assert caught.value.kind is FailureKind.WRONG_VERSION
    new.write_sync(lambda cursor: put(cursor, "b", b"2"))
    assert set(entries(new)) == {"b"}


def test_a_migration_that_fails_leaves_the_old_version(site: Any) -> None:
    database = site.create(1)
    database.write_sync(lambda cursor: put(cursor, "a", b"1"))
    database.close()

    class Broken(Ledger):
        def migrate(self, cursor: Cursor, from_version: int) -> None:
            super().migrate(cursor, from_version)
            raise KeyError("mine")

    with pytest.raises(KeyError):
        Engine.open(site.place, Broken(2), site.tuning, site.surroundings)
    database = site.open(1)
    assert entries(database) == {"a": b"1"}
    assert database.position == 2


def test_a_creation_that_was_broken_off_can_be_done_again(site: Any) -> None:
    """Killed after the log volume was made, before the first record."""
    site.create().close()
    segment = site.segments()[0]
    segment.write_bytes(segment.read_bytes()[:512])
    shutil.rmtree(site.place.data)
    assert entries(site.create()) == {}
