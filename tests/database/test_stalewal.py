"""A write-ahead file that belongs to the database is never put away; one that does not always is."""

from collections.abc import Iterator
from typing import Any

import pytest

from pillarbox.database.connection import connect_reader
from pillarbox.database.stalewal import has_stale_wal, remove_wal, wal_path
from pillarbox.testing.ledger import entries, put


def fill(database: Any, first: int, last: int) -> None:
    for number in range(first, last + 1):
        database.write_sync(lambda cursor, n=number: put(cursor, f"k{n}", bytes(3000)))


@pytest.fixture
def old_reader(site: Any) -> Iterator[Any]:
    """Whoever reads an old view keeps checkpoints from doing anything."""
    site.create().close()
    reader = connect_reader(site.place.file, None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM entry").fetchall()
    yield reader
    reader.close(force=True)


def test_no_write_ahead_file_is_not_stale(site: Any) -> None:
    site.create().close()
    assert not wal_path(site.place.file).exists()
    assert not has_stale_wal(site.place.file)


def test_after_each_commit_it_belongs_to_the_file(site: Any) -> None:
    database = site.create()
    for number in range(20):
        fill(database, number, number)
        assert not has_stale_wal(site.place.file)


def test_many_records_played_forward_in_one_transaction_belong_to_the_file(site: Any, old_reader: Any) -> None:
    old = site.place.file.read_bytes()
    database = site.open()
    fill(database, 1, 20)
    database.close()
    old_reader.execute("COMMIT")
    site.open().close()
    site.remove_database()
    site.place.file.write_bytes(old)
    reader = connect_reader(site.place.file, None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM entry").fetchall()
    database = site.open()  # plays 20 records forward in one transaction; the reader keeps them in the -wal
    assert wal_path(site.place.file).stat().st_size > 20 * 3000
    assert site.place.file.read_bytes() == old
    assert not has_stale_wal(site.place.file)
    reader.close(force=True)
    assert len(entries(database)) == 20


def test_an_older_file_beside_it_makes_it_stale(site: Any) -> None:
    database = site.create()
    fill(database, 1, 2)
    database.close()
    old = site.place.file.read_bytes()
    database = site.open()
    fill(database, 3, 4)
    database.close()
    database = site.open()
    fill(database, 5, 6)
    wal = wal_path(site.place.file).read_bytes()
    database.close()
    site.place.file.write_bytes(old)
    wal_path(site.place.file).write_bytes(wal)
    assert has_stale_wal(site.place.file)
    remove_wal(site.place.file)
    assert not has_stale_wal(site.place.file)


@pytest.mark.parametrize("content", [b"", b"short", bytes(32), bytes(9000)])
def test_a_file_that_is_no_write_ahead_file_is_left_to_sqlite(site: Any, content: bytes) -> None:
    site.create().close()
    wal_path(site.place.file).write_bytes(content)
    assert not has_stale_wal(site.place.file)
