"""Volumes that are lost: nothing that was acknowledged is, or exactly what the archive said it lagged behind."""

import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pillarbox.model.logged import AlarmKind, VolumeState
from pillarbox.recovery.manifest import DatabaseCopy
from pillarbox.recovery.names import Kind
from pillarbox.testing.mailhouse import MailHouse
from pillarbox.testing.targets import FaultyTarget, MemoryTarget


@pytest.fixture
def target() -> FaultyTarget:
    return FaultyTarget(MemoryTarget())


@pytest.fixture
def house(tmp_path: Path, target: FaultyTarget) -> Iterator[MailHouse]:
    made = MailHouse(tmp_path, [target], 3)
    made.work(80)
    made.backup()
    made.work(60)
    made.archive()
    made.work(30)
    yield made
    made.close()


def copy_in(house: MailHouse, kind: Kind = Kind.FULL) -> DatabaseCopy:
    made = house.backup(kind).results[0].manifest
    assert made is not None
    return made.databases[0]


def test_the_data_volume(house: MailHouse) -> None:
    """Back from the backup and the live log; the database goes on in its own line."""
    last = house.engine.position
    house.stop()
    shutil.rmtree(house.place.data)
    result, state = house.restore(live=house.live)
    assert result.lsn == last and not house.model.wrong_at_record(last, state)
    house.put_in_place()
    house.start()
    house.check()
    assert house.engine.status().generation == 1
    house.work(40)
    house.check()
    assert house.findings() == []
    assert all(not lag.alarm for lag in house.archive())


def test_one_of_two_log_volumes_while_people_work(house: MailHouse) -> None:
    house.disk.fail("write", errno.EIO, path="log1", times=None)
    house.disk.fail("open", errno.EIO, path="log1", times=None)
    house.work(40)
    house.check()
    assert AlarmKind.LOG_VOLUME_FAILED in [alarm.kind for alarm in house.alarms]
    assert all(not lag.alarm and lag.records == 0 for lag in house.archive())
    house.stop()
    shutil.rmtree(house.place.log_volumes[0])
    house.disk.mend()
    house.start()
    house.check()
    house.work(20)
    house.stop()
    house.place.log_volumes[0].mkdir()
    house.start()
    assert [volume.state for volume in house.engine.status().log_volumes] == [VolumeState.IN_USE] * 2
    assert AlarmKind.LOG_VOLUME_RESTORED in [alarm.kind for alarm in house.alarms]
    house.check()
    assert house.findings() == []


@pytest.mark.parametrize("lost", [0, 1])
def test_one_of_two_log_volumes_deleted_under_open_files(house: MailHouse, lost: int) -> None:
    shutil.rmtree(house.place.log_volumes[lost])
    house.work(120)  # into new segments
    house.check()
    assert AlarmKind.LOG_VOLUME_FAILED in [alarm.kind for alarm in house.alarms]
    assert all(not lag.alarm and lag.records == 0 for lag in house.archive())
    house.stop()
    house.place.file.unlink()
    _, state = house.restore(live=house.live)
    assert not house.model.wrong_at_record(house.model.moments[-1].lsn, state)
    house.put_in_place()
    house.start()
    house.check()
    assert house.findings() == []


@pytest.mark.parametrize("lost", [0, 1])
def test_one_of_two_log_volumes_and_the_data_volume(house: MailHouse, lost: int) -> None:
    last = house.engine.position
    house.stop()
    shutil.rmtree(house.place.data)
    shutil.rmtree(house.place.log_volumes[lost])
    result, state = house.restore(live=house.live)
    assert result.lsn == last and not house.model.wrong_at_record(last, state)
    house.put_in_place()
    house.start()
    house.check()
    house.work(20)
    assert house.findings() == []


@pytest.mark.parametrize("cut_off", [False, True])
def test_everything_but_the_target(house: MailHouse, target: FaultyTarget, cut_off: bool) -> None:
    """What the archive said it lagged behind is lost, not a record more; then work goes on in a new generation."""
    if cut_off:
        target.broken = lambda number, what, name: True
        house.work(25)
    (lag,) = house.archive()
    assert (lag.records > 0) == cut_off == bool(lag.alarm)
    last = house.engine.position
    house.stop()
    for volume in (house.place.data, *house.place.log_volumes):
        shutil.rmtree(volume)
    target.broken = lambda number, what, name: False
    result, state = house.restore()
    assert result.lsn == lag.lsn == last - lag.records
    assert not house.model.wrong_at_record(result.lsn, state)
    house.put_in_place()
    house.start()
    assert house.engine.status().generation == 2
    assert house.state_of(house.place.file) == state
    if not cut_off:
        house.check()
        house.work(30)
        house.clock.advance(120)
        assert all(not lag.alarm and lag.records == 0 for lag in house.archive())
        result, state = house.restore()
        assert result.lsn == house.engine.position and not house.model.wrong_at_record(result.lsn, state)


def test_the_log_that_was_pruned_is_not_needed(house: MailHouse) -> None:
    """Log goes from the volumes and the database file is lost: the backup and the archive hold what it held."""
    copy = copy_in(house, Kind.INCREMENTAL)
    house.work(60)
    house.archive()
    house.work(5)
    assert house.live.prune(copy.point.generation, copy.point.lsn) > 0
    last = house.engine.position
    house.stop()
    house.place.file.unlink()
    result, state = house.restore(live=house.live)
    assert result.lsn == last and not house.model.wrong_at_record(last, state)
    result, state = house.restore()
    assert not house.model.wrong_at_record(result.lsn, state)
    house.restore(live=house.live)
    house.put_in_place()
    house.start()
    house.check()
