"""Point in time: while people work on their mail, backups are made and the log is archived; then the mailboxes are
brought back to fifty moments, by record and by time, and a model kept beside agrees message by message."""

import random
from pathlib import Path

import pytest

from pillarbox.model.recovery import Until
from pillarbox.recovery.manifest import DatabaseCopy
from pillarbox.recovery.names import Kind
from pillarbox.recovery.targets.directory import DirectoryTarget
from pillarbox.testing.mailhouse import MailHouse
from pillarbox.testing.targets import MemoryTarget

MOMENTS = 50

pytestmark = pytest.mark.crash


def days_of_work(house: MailHouse) -> DatabaseCopy:
    """A full backup, incremental ones, and the log of it all at the targets; the first copy."""
    house.work(60)
    first = first_copy(house)
    for day in range(4):
        for _ in range(4):
            house.work(25)
            assert all(not lag.alarm for lag in house.archive())
        if day % 2:
            assert house.backup(Kind.INCREMENTAL).complete
    house.work(40)
    house.archive()
    return first


def first_copy(house: MailHouse) -> DatabaseCopy:
    outcome = house.backup()
    assert outcome.complete
    made = outcome.results[0].manifest
    assert made is not None
    return made.databases[0]


def test_fifty_moments(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    house = MailHouse(tmp_path / "house", [DirectoryTarget(tmp_path / "target"), MemoryTarget()], 11)
    copy = days_of_work(house)
    chance = random.Random(5)
    end = house.engine.position
    for number in range(MOMENTS):
        live = house.live if number % 3 == 0 else None
        if number % 2:
            lsn = chance.randrange(copy.point.lsn, end + 1)
            result, state = house.restore(Until(lsn=lsn), live)
            assert result.lsn == lsn
            wrong = house.model.wrong_at_record(lsn, state)
        else:
            time = chance.randrange(copy.time, house.clock.now() + 1)
            result, state = house.restore(Until(time=time), live)
            wrong = house.model.wrong_at_time(time, state)
        assert not wrong, (number, wrong[:3])
        assert result.notes == ()
    house.check()
    house.close()


def test_moments_before_and_after_the_line_was_begun_anew(tmp_path: Path) -> None:
    """A restore to an earlier moment is put in place, people go on, and the same again: each moment on the line that
    counts can be had, and what was left behind can be had by its generation."""
    house = MailHouse(tmp_path / "house", [MemoryTarget("one"), MemoryTarget("two")], 12)
    house.work(40)
    point = first_copy(house).point
    chance = random.Random(6)
    for generation in range(2, 5):
        house.work(20)
        house.archive()
        kept, back_to = house.model.branch(), house.engine.position
        house.work(30)
        house.archive()
        left_behind, their_end = house.model, house.engine.position
        result, state = house.restore(Until(lsn=back_to), house.live)
        assert not kept.wrong_at_record(back_to, state)
        house.stop()
        house.put_in_place(anew=True)
        house.model = house.driver.model = kept
        house.start()
        house.check()
        assert house.engine.status().generation == generation
        house.work(30)
        house.archive()
        for _ in range(4):
            lsn = chance.randrange(point.lsn, house.engine.position + 1)
            _, state = house.restore(Until(lsn=lsn), chance.choice([None, house.live]))
            assert not house.model.wrong_at_record(lsn, state), (generation, lsn)
        for _ in range(2):
            lsn = chance.randrange(back_to, their_end + 1)
            _, state = house.restore(Until(lsn=lsn), generation=generation - 1)
            assert not left_behind.wrong_at_record(lsn, state), (generation, lsn)
        if generation == 3:
            house.backup(Kind.INCREMENTAL)
    result, state = house.restore()
    assert result.lsn == house.engine.position
    house.close()
