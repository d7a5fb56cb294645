"""Two log volumes: one may fail, loudly; it is not trusted again before it was copied; both failing stops writes."""

import errno
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.logged import AlarmKind, VolumeState
from pillarbox.testing.ledger import entries, put


@pytest.fixture
def site(make_site: Callable[..., Any]) -> Any:
    return make_site(logs=2, segment_size=2000)


def fill(database: Any, first: int, last: int) -> None:
    for number in range(first, last + 1):
        database.write_sync(lambda cursor, n=number: put(cursor, f"k{n}", bytes(40)))


def keys(database: Any) -> list[int]:
    return sorted(int(key[1:]) for key in entries(database))


def states(database: Any) -> list[VolumeState]:
    return [volume.state for volume in database.status().log_volumes]


def contents(site: Any, number: int) -> dict[str, bytes]:
    """Segments without the room written ahead."""
    return {path.name: path.read_bytes().rstrip(b"\0") for path in site.segments(number)}


def rebuilt(site: Any, number: int) -> list[int]:
    """What the log on one volume alone gives."""
    site.close()
    site.remove_database()
    other = site.log(3 - number).parent
    other.rename(site.root / "away")
    try:
        return keys(site.open())
    finally:
        site.close()
        (site.root / "away").rename(other)


def test_both_volumes_hold_the_same_bytes(site: Any) -> None:
    fill(site.create(), 1, 40)
    assert contents(site, 1) == contents(site, 2)
    assert len(contents(site, 1)) > 2
    assert rebuilt(site, 2) == list(range(1, 41))
    assert AlarmKind.LOG_VOLUME_MISSING in site.kinds()


@pytest.mark.parametrize("operation", ["write", "flush"])
@pytest.mark.parametrize("number", [1, 2])
def test_one_failing_goes_on_loudly_and_is_copied_before_it_is_trusted(site: Any, operation: str, number: int) -> None:
    database = site.create()
    fill(database, 1, 3)
    site.disk.fail(operation, errno.EIO, path=f"log{number}/book/1-")
    fill(database, 4, 4)  # acknowledged all the same
    assert site.kinds() == [AlarmKind.LOG_VOLUME_FAILED]
    assert f"log{number}" in site.alarms[0].text
    expected = [VolumeState.IN_USE, VolumeState.IN_USE]
    expected[number - 1] = VolumeState.STALE
    assert states(database) == expected
    fill(database, 5, 30)
    good, bad = contents(site, 3 - number), contents(site, number)
    assert len(good) > len(bad)
    database.close()

    database = site.open()
    assert site.kinds()[-1] is AlarmKind.LOG_VOLUME_RESTORED
    assert states(database) == [VolumeState.IN_USE, VolumeState.IN_USE]
    fill(database, 31, 31)
    assert contents(site, 1) == contents(site, 2)
    assert rebuilt(site, number) == list(range(1, 32))


def test_a_failed_flush_is_never_tried_again_on_that_volume(site: Any) -> None:
    database = site.create()
    site.disk.fail("flush", errno.EIO, path="log2/book/1-")
    fill(database, 1, 1)
    site.disk.calls.clear()
    fill(database, 2, 5)
    assert not [call for call in site.disk.calls if "log2/book/1-" in str(call[1])]


@pytest.mark.parametrize("operation", ["write", "flush"])
def test_both_failing_refuses_writes_until_opened_again(site: Any, operation: str) -> None:
    database = site.create()
    fill(database, 1, 3)
    site.disk.fail(operation, errno.EIO, path="book/1-", times=2)
    for _ in range(2):
        with pytest.raises(Failure) as caught:
            fill(database, 4, 4)
        assert caught.value.kind is FailureKind.UNAVAILABLE
    assert AlarmKind.STOPPED in site.kinds()
    assert database.status().stopped
    assert keys(database) == [1, 2, 3]  # reads go on
    database.close()
    database = site.open()
    assert set(keys(database)) in ({1, 2, 3}, {1, 2, 3, 4})
    fill(database, 5, 5)
    assert database.status().stopped is None


def test_a_volume_that_missed_records_is_not_trusted_alone(site: Any) -> None:
    database = site.create()
    fill(database, 1, 3)
    site.disk.fail("flush", errno.EIO, path="log1/book/1-")
    fill(database, 4, 6)
    database.close()
    site.log(2).parent.rename(site.root / "away")
    with pytest.raises(Failure) as caught:
        site.open()
    assert caught.value.kind is FailureKind.UNAVAILABLE
    (site.root / "away").rename(site.log(2).parent)
    assert keys(site.open()) == [1, 2, 3, 4, 5, 6]


def test_a_dead_disk_that_cannot_be_told_is_found_out_by_the_database(site: Any) -> None:
    """The failed volume does not even take the note that it is stale; the database knows the epoch."""
    database = site.create()
    fill(database, 1, 3)
    site.disk.fail("write", errno.EIO, path="log1", times=None)
    site.disk.fail("open", errno.EIO, path="log1", times=None)
    fill(database, 4, 4)
    database.close()
    site.disk.mend()
    site.log(2).parent.rename(site.root / "away")
    with pytest.raises(Failure) as caught:
        site.open()
    assert caught.value.kind is FailureKind.UNAVAILABLE
    assert "missed records" in caught.value.public


def test_a_missing_volume_is_an_alarm_and_catches_up_when_it_is_back(site: Any) -> None:
    database = site.create()
    fill(database, 1, 3)
    database.close()
    site.log(1).parent.rename(site.root / "away")
    database = site.open()
    assert site.kinds() == [AlarmKind.LOG_VOLUME_MISSING]
    assert states(database) == [VolumeState.MISSING, VolumeState.IN_USE]
    fill(database, 4, 30)
    database.close()
    (site.root / "away").rename(site.log(1).parent)
    database = site.open()
    assert states(database) == [VolumeState.IN_USE, VolumeState.IN_USE]
    assert contents(site, 1) == contents(site, 2)
    assert rebuilt(site, 1) == list(range(1, 31))


def test_a_new_empty_volume_is_filled(make_site: Callable[..., Any]) -> None:
    site = make_site(logs=1, segment_size=3000)
    fill(site.create(), 1, 30)
    site.close()
    site = make_site(logs=2, segment_size=3000)
    database = site.open()
    fill(database, 31, 31)
    assert contents(site, 1) == contents(site, 2)
    assert rebuilt(site, 2) == list(range(1, 32))


def test_a_volume_taken_out_of_the_settings_is_forgotten_quietly(make_site: Callable[..., Any]) -> None:
    site = make_site(logs=2)
    fill(site.create(), 1, 3)
    site.close()
    alone = make_site(logs=1)
    fill(alone.open(), 4, 4)
    alone.close()
    assert alone.alarms == []
    database = site.open()  # and back: it missed a record
    assert site.kinds() == [AlarmKind.LOG_VOLUME_RESTORED]
    assert keys(database) == [1, 2, 3, 4]


def test_damage_on_one_volume_is_repaired_from_the_other(site: Any) -> None:
    database = site.create()
    fill(database, 1, 30)
    database.close()
    path = site.segments(1)[1]
    content = bytearray(path.read_bytes())
    content[700] ^= 4
    path.write_bytes(content)
    site.remove_database()
    database = site.open()
    assert keys(database) == list(range(1, 31))
    assert AlarmKind.LOG_VOLUME_FAILED in site.kinds()
    assert AlarmKind.LOG_VOLUME_RESTORED in site.kinds()
    assert contents(site, 1) == contents(site, 2)


def test_a_record_that_reached_only_one_volume_is_kept_on_both(site: Any) -> None:
    database = site.create()
    fill(database, 1, 3)
    old = [path.read_bytes() for path in (site.place.file, site.place.file.with_name("book.db-wal"))]
    before = site.segments(2)[0].read_bytes()
    fill(database, 4, 4)
    database.close()
    site.place.file.write_bytes(old[0])
    site.place.file.with_name("book.db-wal").write_bytes(old[1])
    site.segments(2)[0].write_bytes(before)
    database = site.open()
    assert keys(database) == [1, 2, 3, 4]
    assert AlarmKind.LOG_VOLUME_FAILED not in site.kinds()
    assert contents(site, 1) == contents(site, 2)


def test_a_full_volume_refuses_writes_and_keeps_both_alike(site: Any) -> None:
    database = site.create()
    fill(database, 1, 3)
    site.disk.room["log2"] = 0
    shutil.copytree(site.log(1), site.root / "before")
    with pytest.raises(Failure) as caught:
        database.write_sync(lambda cursor: put(cursor, "big", bytes(2 << 20)))
    assert caught.value.kind is FailureKind.DISK_FULL
    assert states(database) == [VolumeState.IN_USE, VolumeState.IN_USE]
    assert contents(site, 1) == contents(site, 2)
    site.disk.mend()
    database.write_sync(lambda cursor: put(cursor, "big", bytes(2 << 20)))
    assert contents(site, 1) == contents(site, 2)


def test_other_processes_learn_that_a_volume_failed_and_that_it_came_back(site: Any) -> None:
    """Three engines on the same files, as three worker processes have them."""
    first = site.create()
    second = site.open()
    fill(first, 1, 2)
    fill(second, 3, 4)
    site.disk.fail("flush", errno.EIO, path="log1/book/1-")
    fill(first, 5, 5)
    fill(second, 6, 30)
    assert states(second) == [VolumeState.STALE, VolumeState.IN_USE]
    third = site.open()  # copies the log
    assert states(third) == [VolumeState.IN_USE, VolumeState.IN_USE]
    fill(second, 31, 32)
    fill(first, 33, 34)
    fill(third, 35, 36)
    assert states(first) == states(second) == [VolumeState.IN_USE, VolumeState.IN_USE]
    assert contents(site, 1) == contents(site, 2)
    assert rebuilt(site, 1) == list(range(1, 37))


def test_a_volume_that_failed_and_came_back_unnoticed_is_written_where_it_is_now(site: Any) -> None:
    """The other process never saw it fail: what it has open is not the file that is in use now."""
    first = site.create()
    second = site.open()
    fill(second, 1, 1)
    site.disk.fail("flush", errno.EIO, path="log1/book/1-")
    fill(first, 2, 2)
    site.log(1).rename(site.root / "broken")
    site.open()
    fill(second, 3, 3)
    assert contents(site, 1) == contents(site, 2)
