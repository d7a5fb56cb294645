"""Connections that are cut, programs that are killed, disks that fill up: whatever was going on goes on afterwards and
completes; nothing half-made counts, nothing is lost."""

import errno
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.logged import AlarmKind
from pillarbox.recovery import backup, copying
from pillarbox.recovery.catalog import Catalog
from pillarbox.recovery.names import Kind
from pillarbox.recovery.verification import verify_set
from pillarbox.testing.mailhouse import MailHouse, no_wait
from pillarbox.testing.mailwork import Unanswered
from pillarbox.testing.targets import FaultyTarget, MemoryTarget

Broken = Callable[[int, str, str], bool]


class Killed(BaseException):
    """The program died: nobody may catch this."""


@pytest.fixture
def memories() -> list[MemoryTarget]:
    return [MemoryTarget("one"), MemoryTarget("two")]


@pytest.fixture
def house(tmp_path: Path, memories: list[MemoryTarget], monkeypatch: pytest.MonkeyPatch) -> Iterator[MailHouse]:
    """With small pieces, so that a backup has some."""
    monkeypatch.setattr(backup, "PIECE", 1 << 16)
    made = MailHouse(tmp_path, [FaultyTarget(memory) for memory in memories], 21)
    made.work(100)
    yield made
    made.close()


def faulty(house: MailHouse) -> list[FaultyTarget]:
    return [target for target in house.targets if isinstance(target, FaultyTarget)]


def set_broken(house: MailHouse, broken: Broken | None) -> None:
    for target in faulty(house):
        target.broken = broken or (lambda number, what, name: False)


def killed_at(house: MailHouse, calls: int) -> None:
    """So many more calls at all targets together, and then the program is dead."""
    left = iter(range(calls))

    def die(number: int, what: str, name: str) -> bool:
        if next(left, None) is None:
            raise Killed
        return False

    set_broken(house, die)


def cut_by_chance(chance: random.Random) -> Broken:
    """The connection is there for some calls, then gone for some."""
    left, gone = 5, False

    def broken(number: int, what: str, name: str) -> bool:
        nonlocal left, gone
        left -= 1
        if left <= 0:
            gone = not gone
            left = chance.randrange(1, 4 if gone else 12)
        return gone

    return broken


def all_is_well(house: MailHouse) -> None:
    """Every set that counts is whole; all of the log is archived; a restore gives what the model holds."""
    set_broken(house, None)
    house.clock.advance(120)
    house.archive()
    for lag in house.archive():
        assert (lag.records, lag.alarm, lag.lsn) == (0, "", house.engine.position)
    for target in house.targets:
        catalog = Catalog(target)
        assert catalog.damaged() == []
        for found in catalog.sets():
            assert verify_set(target, found, house.codec, pause=no_wait).findings == ()
    result, state = house.restore()
    assert result.lsn == house.engine.position and result.notes == ()
    assert not house.model.wrong_at_record(result.lsn, state)


def test_connections_cut_by_chance(house: MailHouse) -> None:
    chance = random.Random(1)
    complete = 0
    house.backup()
    for target in faulty(house):
        target.done_anyway = chance.random() < 0.5
    for number in range(25):
        for target in faulty(house):
            target.broken = cut_by_chance(chance)
        house.work(6)
        for lag in house.archive():
            assert lag.lsn + lag.records <= house.engine.position
            assert bool(lag.seconds) == bool(lag.records) or lag.alarm
        if number % 3 == 0:
            complete += house.backup(chance.choice(list(Kind))).complete
    assert complete > 0
    all_is_well(house)


def test_a_backup_killed_at_every_call(house: MailHouse, memories: list[MemoryTarget]) -> None:
    """And each time the targets may forget what was not flushed."""
    assert house.backup().complete
    begin = [dict(memory.objects) for memory in memories]
    calls = 0
    finished = False
    while not finished:
        for memory, objects in zip(memories, begin, strict=True):
            memory.objects, memory.durable = dict(objects), dict(objects)
        house.work(2)
        kind = Kind.FULL if calls % 2 else Kind.INCREMENTAL
        killed_at(house, calls)
        try:
            finished = house.backup(kind).complete
        except Killed:
            for memory in memories:
                if calls % 3 == 0:
                    memory.power_cut()
                catalog = Catalog(memory)
                assert len(catalog.sets()) <= 2 and catalog.damaged() == []
            set_broken(house, None)
            assert house.backup(kind).complete
        for memory in memories:
            (*_, newest) = Catalog(memory).sets()
            assert verify_set(memory, newest, house.codec, pause=no_wait).findings == ()
        calls += 1
    assert calls > 20
    house.archiver.close()
    house.archiver = house.new_archiver()
    all_is_well(house)


def test_the_archiver_killed_at_random(house: MailHouse, memories: list[MemoryTarget]) -> None:
    chance = random.Random(2)
    house.backup()
    deaths = 0
    for _ in range(40):
        house.work(5)
        killed_at(house, chance.randrange(12))
        try:
            house.archive()
        except Killed:
            deaths += 1
            if chance.random() < 0.3:
                chance.choice(memories).power_cut()
            house.archiver.close()
            house.archiver = house.new_archiver()
        set_broken(house, None)
        result, state = house.restore(live=house.live)
        assert result.lsn == house.engine.position and not house.model.wrong_at_record(result.lsn, state)
    assert deaths > 10
    all_is_well(house)


def test_a_restore_killed_at_every_step(house: MailHouse) -> None:
    """Some are killed a second time when they go on."""
    house.backup()
    house.work(80)
    house.archive()
    last = house.engine.position
    chance = random.Random(3)
    steps = 0
    finished = False
    while not finished:
        begun_anew(house)
        killed_at(house, steps)
        try:
            house.resume()
            finished = True
        except Killed:
            killed_at(house, chance.randrange(steps + 1))
            with suppress(Killed):
                house.resume()
            set_broken(house, None)
            result = house.resume()
            assert (result.lsn, result.findings) == (last, ())
            assert not house.model.wrong_at_record(last, house.state_of(house.recovery().file))
        steps += 1
    assert steps > 10


def begun_anew(house: MailHouse) -> None:
    for path in sorted((house.root / "scratch").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


def test_full_log_volumes(house: MailHouse) -> None:
    """Temporary errors; what was refused is not there; room again, and it goes on by itself."""
    house.backup()
    refused = 0
    for part in ("log1", "log2", "log"):
        house.disk.fail("write", errno.ENOSPC, path=f"/{part}", after=20, times=None)
        try:
            house.work(200)
        except Unanswered as unanswered:
            assert unanswered.failure.kind is FailureKind.DISK_FULL
            refused += 1
            house.check()
            with pytest.raises(Unanswered):
                house.work(50)
            house.disk.mend()
            house.settle(unanswered)
        house.work(10)
        house.check()
    assert refused == 3
    assert [alarm.kind for alarm in house.alarms].count(AlarmKind.DISK_FULL) == 3
    assert house.findings() == []
    all_is_well(house)


def test_full_targets(house: MailHouse) -> None:
    house.backup()
    house.work(40)
    for target in faulty(house):
        target.kind = FailureKind.DISK_FULL
    faulty(house)[0].broken = lambda number, what, name: what == "put"
    full, fine = house.archive()
    assert full.records > 0 and full.alarm and (fine.records, fine.alarm) == (0, "")
    outcome = house.backup()
    assert [result.failure and result.failure.kind for result in outcome.results] == [FailureKind.DISK_FULL, None]
    result, state = house.restore()
    assert result.lsn == house.engine.position and not house.model.wrong_at_record(result.lsn, state)
    set_broken(house, None)
    assert house.backup().complete
    all_is_well(house)


def test_a_full_scratch_disk(house: MailHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """The restore says so, and goes on when there is room."""
    house.backup()
    house.work(40)
    house.archive()
    left = 3

    def full(file: int, data: bytes, offset: int) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        whole(file, data, offset)

    whole = copying.write_at
    monkeypatch.setattr(copying, "write_at", full)
    with pytest.raises(Failure) as caught:
        house.resume()
    assert caught.value.kind is FailureKind.DISK_FULL
    monkeypatch.undo()
    result = house.resume()
    assert (result.lsn, result.findings) == (house.engine.position, ())
    assert not house.model.wrong_at_record(result.lsn, house.state_of(house.recovery().file))
