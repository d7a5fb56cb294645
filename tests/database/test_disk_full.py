"""A full or broken disk: writes are refused and leave nothing behind, reads go on, and it recovers by itself."""

import errno
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import apsw
import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.logged import AlarmKind
from pillarbox.testing.faultyvfs import FaultyVfs
from pillarbox.testing.ledger import entries, put


def big(database: Any, key: str, size: int = 3 << 20) -> None:
    database.write_sync(lambda cursor: put(cursor, key, bytes(size)))


def refused(database: Any, key: str, kind: FailureKind) -> None:
    with pytest.raises(Failure) as caught:
        big(database, key)
    assert caught.value.kind is kind


def test_a_full_log_volume_refuses_and_recovers_by_itself(site: Any) -> None:
    database = site.create()
    big(database, "a")
    site.disk.room["log1"] = 1000
    before = site.segments()[0].read_bytes()
    for _ in range(3):
        refused(database, "b", FailureKind.DISK_FULL)
    assert site.segments()[0].read_bytes() == before
    assert set(entries(database)) == {"a"}
    assert site.kinds() == [AlarmKind.DISK_FULL]  # said once
    site.disk.mend()
    big(database, "b")
    database.close()
    site.remove_database()
    assert set(entries(site.open())) == {"a", "b"}


def test_the_room_written_ahead_is_used_when_the_disk_is_full(site: Any) -> None:
    database = site.create()
    site.disk.room["log1"] = 0
    for number in range(10):
        big(database, str(number), 5000)
    assert len(entries(database)) == 10


def test_no_room_for_the_room_ahead_is_fine_as_long_as_the_record_fits(site: Any) -> None:
    site.disk.room["log1"] = 20_000
    database = site.create()
    for number in range(3):
        big(database, str(number), 5000)
    with pytest.raises(Failure):
        big(database, "3", 5000)
    database.close()
    site.disk.mend()
    site.remove_database()
    assert set(entries(site.open())) == {"0", "1", "2"}


def test_a_full_disk_while_a_segment_begins(make_site: Callable[..., Any]) -> None:
    site = make_site(segment_size=2000)
    database = site.create()
    big(database, "a", 1000)
    for operation in ("open", "write", "flush", "replace", "flush_directory"):
        site.disk.fail(operation, errno.ENOSPC, path="log1", times=1)
        with pytest.raises(Failure) as caught:
            big(database, "b", 1000)
        assert caught.value.kind is FailureKind.DISK_FULL
        site.disk.mend()
    assert len(site.segments()) == 1
    big(database, "b", 1000)
    big(database, "c", 1000)
    database.close()
    site.remove_database()
    assert set(entries(site.open())) == {"a", "b", "c"}


def test_a_flush_that_finds_no_room_takes_the_record_back(site: Any) -> None:
    database = site.create()
    site.disk.fail("flush", errno.ENOSPC, path="/1-")
    refused(database, "a", FailureKind.DISK_FULL)
    big(database, "b")
    database.close()
    site.remove_database()
    assert set(entries(site.open())) == {"b"}


def test_a_quota_is_a_full_disk(site: Any) -> None:
    database = site.create()
    site.disk.fail("write", errno.EDQUOT, path="log1", times=None)
    refused(database, "a", FailureKind.DISK_FULL)
    site.disk.mend()
    big(database, "a")


@pytest.fixture
def vfs() -> Iterator[FaultyVfs]:
    vfs = FaultyVfs("faulty")
    yield vfs
    vfs.unregister()


@pytest.fixture
def vfs_site(site: Any, vfs: FaultyVfs) -> Any:
    site.surroundings = replace(site.surroundings, vfs="faulty")
    return site


@pytest.mark.parametrize("after", range(12))
@pytest.mark.parametrize(
    ("error", "kind"), [(apsw.FullError, FailureKind.DISK_FULL), (apsw.IOError, FailureKind.UNAVAILABLE)]
)
def test_a_data_volume_that_fails_at_any_write_of_a_commit(
    vfs_site: Any, vfs: FaultyVfs, error: type[apsw.Error], kind: FailureKind, after: int
) -> None:
    """Whether SQLite spills early or fails in COMMIT, after the log has the record: refused means undone."""
    database = vfs_site.create()
    big(database, "a", 100)
    acknowledged = {"a"}
    before = vfs_site.segments()[0].read_bytes().rstrip(b"\0")
    vfs.fail(error, after=after)
    try:
        big(database, "b", 20_000)
        acknowledged.add("b")
    except Failure as failure:
        assert failure.kind is kind
        assert vfs_site.segments()[0].read_bytes().rstrip(b"\0") == before
    vfs.mend()
    assert set(entries(database)) == acknowledged
    big(database, "c", 20_000)
    acknowledged.add("c")
    assert set(entries(database)) == acknowledged
    database.close()
    vfs_site.remove_database()
    assert set(entries(vfs_site.open())) == acknowledged


def test_a_full_data_volume_recovers_by_itself(vfs_site: Any, vfs: FaultyVfs) -> None:
    database = vfs_site.create()
    vfs.fail(apsw.FullError)
    for _ in range(3):
        refused(database, "a", FailureKind.DISK_FULL)
    assert entries(database) == {}
    assert vfs_site.kinds() == [AlarmKind.DISK_FULL]
    vfs.mend()
    big(database, "a")
    assert set(entries(database)) == {"a"}


def test_neither_commit_nor_cut_stops_writes_and_the_record_is_played_forward(vfs_site: Any, vfs: FaultyVfs) -> None:
    database = vfs_site.create()
    big(database, "a", 100)
    vfs.fail(apsw.FullError)
    vfs_site.disk.fail("cut", errno.EIO, times=None)
    refused(database, "b", FailureKind.UNAVAILABLE)
    vfs.mend()
    vfs_site.disk.mend()
    refused(database, "c", FailureKind.UNAVAILABLE)
    assert AlarmKind.STOPPED in vfs_site.kinds()
    other = vfs_site.open()  # another process is not stopped, and finds the record
    assert set(entries(other)) == {"a", "b"}
    big(other, "d")
    database.close()
    assert set(entries(vfs_site.open())) == {"a", "b", "d"}


def test_a_checkpoint_that_fails_is_an_alarm_and_holds_nobody_up(vfs_site: Any, vfs: FaultyVfs) -> None:
    vfs_site.tuning = replace(vfs_site.tuning, checkpoint_pages=10**9)  # not before it is asked for
    database = vfs_site.create()
    for number in range(3):
        big(database, str(number))
    vfs.fail(apsw.FullError)
    database._checkpointer.note(10**9)
    deadline = time.monotonic() + 20
    while AlarmKind.CHECKPOINT_FAILED not in vfs_site.kinds():
        assert time.monotonic() < deadline
        time.sleep(0.005)
    vfs.mend()
    big(database, "after")
    assert len(entries(database)) == 4
