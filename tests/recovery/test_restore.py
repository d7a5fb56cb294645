"""Databases brought back: from backups and log wherever they are whole, to any moment, in spite of interruptions."""

import random
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from pillarbox.base.clock import FixedClock
from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import LiveDatabase, Target, Until
from pillarbox.recovery.archive import Archiver
from pillarbox.recovery.backup import Order, run_backup
from pillarbox.recovery.catalog import Catalog
from pillarbox.recovery.codec import Codec
from pillarbox.recovery.names import Kind
from pillarbox.recovery.plan import Choice, RestorePlan, plan_restore
from pillarbox.recovery.restore import (
    Means,
    Restore,
    RestoreProgress,
    RestoreResult,
    SetDamaged,
    restore_all,
    restore_database,
)
from pillarbox.testing.memorylog import MemoryDatabase, MemoryRecovery
from pillarbox.testing.targets import FaultyTarget, MemoryTarget, on

PLAIN = Codec(0, ())
LATEST = Until()


class House:
    """A database, its targets, and restores of it."""

    def __init__(self, root: Path, targets: int = 2, codec: Codec = PLAIN) -> None:
        self.root = root
        self.clock = FixedClock()
        self.book = MemoryDatabase(root, self.clock)
        self.memories = [MemoryTarget(f"t{number}") for number in range(1, targets + 1)]
        self.targets: list[Target] = list(self.memories)
        self.codec = codec
        self.warned: list[str] = []
        self._archiver = Archiver(self.book, self.targets, codec, self.clock, 10.0)

    def put(self, count: int = 1) -> None:
        for _ in range(count):
            self.clock.advance(1)
            self.book.put(f"k{self.book.lsn % 17}", f"v{self.book.lsn}")

    def backup(self, *targets: Target) -> str:
        self.clock.advance(1)
        order = Order([self.book], b"site", Kind.FULL, self.codec, "host", "program", self.root, 2)
        outcome = run_backup(order, targets or self.targets, self.clock)
        self.clock.advance(1)
        made = outcome.results[0].manifest
        assert made is not None
        return made.set

    def archive(self) -> None:
        self.clock.advance(1)
        for _ in range(3):
            self._archiver.step()

    def catalogs(self) -> list[Catalog]:
        return [Catalog(target) for target in self.targets]

    def plan(self, until: Until = LATEST, live: LiveDatabase | None = None, **choice: object) -> RestorePlan:
        return plan_restore(self.catalogs(), Choice("book", until, **choice), live)  # type: ignore[arg-type]

    def means(self) -> Means:
        return Means(self.codec, self.clock, 2, lambda seconds: None, self.warned.append)

    def recovery(self, where: str = "r") -> MemoryRecovery:
        return MemoryRecovery(self.root / where)

    def restore(
        self, until: Until = LATEST, live: LiveDatabase | None = None, where: str = "r", **choice: object
    ) -> tuple[RestoreResult, dict[str, str]]:
        recovery = self.recovery(where)
        result = restore_database(
            self.catalogs(),
            Choice("book", until, **choice),  # type: ignore[arg-type]
            live,
            recovery,
            self.root / where / "state.json",
            self.means(),
        )
        return result, recovery.state

    def close(self) -> None:
        self._archiver.close()


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_to_the_end_of_the_archived_log(house: House) -> None:
    house.put(20)
    set = house.backup()
    house.put(40)
    house.archive()
    house.put(5)
    result, state = house.restore()
    assert state == house.book.state_at(60)
    assert (result.set, result.lsn, result.generation, result.records) == (set, 60, 1, 40)
    assert result.time == house.book.history[59].time
    assert result.findings == result.notes == ()
    assert result.read_octets > result.log_octets > 0


def test_with_the_live_log_nothing_is_lost(house: House) -> None:
    house.put(20)
    house.backup()
    house.put(10)
    house.archive()
    house.put(25)
    before = len(house.book.asked)
    result, state = house.restore(live=house.book)
    assert state == house.book.state_at(55)
    assert result.newest_generation == 1
    assert len(house.book.asked) > before, "the log volumes are nearer"


def test_to_a_record_and_to_a_moment(house: House) -> None:
    sets = []
    for _ in range(4):
        house.put(15)
        sets.append(house.backup())
    house.put(15)
    house.archive()
    for lsn in (15, 16, 30, 31, 44, 75):
        result, state = house.restore(Until(lsn=lsn), where=f"lsn{lsn}")
        assert (result.lsn, state) == (lsn, house.book.state_at(lsn))
        assert result.set == sets[min(lsn // 15, 4) - 1]
    for lsn in (20, 40, 60, 75):
        moment = house.book.history[lsn - 1].time
        result, state = house.restore(Until(time=moment), where=f"time{lsn}")
        assert (result.lsn, state) == (lsn, house.book.state_at(lsn))
    assert house.restore(Until(time=10**17), where="future")[0].lsn == 75
    with pytest.raises(Failure, match="ends with record 75; there is no record 76"):
        house.restore(Until(lsn=76))
    with pytest.raises(Failure, match="no backup of book that ends at or before"):
        house.restore(Until(lsn=14))
    with pytest.raises(Failure, match="no backup of book that ends at or before"):
        house.restore(Until(time=house.book.history[3].time))


def test_no_backup_at_all(house: House) -> None:
    house.put(3)
    house.archive()
    with pytest.raises(Failure, match="There is no backup of book at t1, t2") as caught:
        house.plan()
    assert caught.value.kind is FailureKind.NOT_FOUND


def test_only_what_is_needed_is_read(house: House) -> None:
    house.put(100)
    house.backup()
    house.put(40)
    house.archive()
    wanted = house.plan(Until(lsn=120))
    assert all(segment.segment <= 120 for segment in wanted.segments)
    assert wanted.last >= 120
    assert wanted.segments[0].segment <= 101
    assert len(house.plan().segments) > len(wanted.segments)
    assert house.plan(Until(lsn=100)).segments == ()


def test_each_object_comes_from_whoever_has_it_whole(house: House) -> None:
    house.put(20)
    house.backup()
    house.put(40)
    house.archive()
    one, two = house.memories
    for index, name in enumerate(sorted(one.objects)):
        if "/site" in name or "manifest" in name:
            continue
        if index % 3 == 0:
            one.flip(name)
        elif index % 3 == 1:
            two.flip(name)
        elif "-closed" not in name:
            del one.objects[name]
    result, state = house.restore()
    assert state == house.book.state_at(60)
    assert result.notes
    assert list(result.notes) == house.warned
    assert any("t1" in note and "damaged" in note for note in result.notes)


def test_a_set_at_one_target_and_the_log_at_another(house: House) -> None:
    house.put(20)
    house.backup(house.memories[0])
    house.put(20)
    house.archive()
    for name in [name for name in house.memories[0].objects if name.startswith("log/")]:
        del house.memories[0].objects[name]
    assert house.restore()[1] == house.book.state_at(40)


def test_a_target_that_is_down_is_a_note(house: House) -> None:
    house.put(20)
    house.backup()
    house.put(20)
    house.archive()
    house.targets[0] = FaultyTarget(house.memories[0], lambda *_: True)
    result, state = house.restore()
    assert state == house.book.state_at(40)
    assert any("t1" in note and "cut" in note for note in result.notes)
    house.targets[0] = FaultyTarget(house.memories[0], lambda number, what, name: what == "get" and number > 3)
    result, state = house.restore(where="again")
    assert state == house.book.state_at(40)


def test_a_target_that_comes_back_is_waited_for(tmp_path: Path) -> None:
    house = House(tmp_path, targets=1)
    house.put(20)
    house.backup()
    house.put(20)
    house.archive()
    house.targets[0] = FaultyTarget(house.memories[0], lambda number, what, name: what == "get" and number % 4 != 1)
    assert house.restore()[1] == house.book.state_at(40)


def test_a_set_that_is_damaged_everywhere_is_passed_over_loudly(house: House) -> None:
    house.put(20)
    older = house.backup()
    house.put(20)
    newer = house.backup()
    house.put(20)
    house.archive()
    for target in house.memories:
        target.flip(f"sets/{newer}/book/000000000000")
    with pytest.raises(SetDamaged, match=f"Backup {newer} cannot be used: .*t1.*; .*t2"):
        house.restore(set=newer)
    result, state = house.restore(where="other")
    assert (result.set, state) == (older, house.book.state_at(60))
    assert any(f"Backup {older} is used instead" in note for note in result.notes)
    for target in house.memories:
        del target.objects[f"sets/{older}/book/000000000000"]
    with pytest.raises(SetDamaged, match=older):
        house.restore(where="third")


def test_a_gap_is_named(house: House) -> None:
    house.put(20)
    house.backup()
    house.put(60)
    house.archive()
    closed = sorted(name for name in house.memories[0].objects if name.endswith("-closed"))
    for target in house.memories:
        del target.objects[closed[3]]
    with pytest.raises(Failure) as caught:
        house.plan()
    assert caught.value.kind is FailureKind.NOT_FOUND
    assert "The log of book has a gap: records " in caught.value.public
    assert "looked for at t1, t2" in caught.value.public
    first = int(closed[3].split("-")[1].split("/")[0], 16)
    assert f"ask for record {first - 1}" in caught.value.public
    assert house.restore(Until(lsn=first - 1))[1] == house.book.state_at(first - 1)
    assert house.restore(live=house.book, where="live")[1] == house.book.state_at(80), "the log volumes have it"


def test_a_gap_inside_a_growing_segment_is_named(house: House) -> None:
    house.backup()
    for _ in range(4):
        house.put(1)
        house.archive()
    for target in house.memories:
        del target.objects[sorted(name for name in target.objects if name.startswith("log/"))[2]]
    with pytest.raises(Failure, match="gap: record 3 is missing"):
        house.plan()


def test_the_live_log_is_damaged(house: House) -> None:
    house.put(20)
    house.backup()
    house.put(40)
    house.archive()
    house.book.damaged.update(sorted(house.book.segments)[3:5])
    result, state = house.restore(live=house.book)
    assert state == house.book.state_at(60)
    assert any("was had from elsewhere" in note for note in result.notes)
    house.book.unreachable = True
    result, state = house.restore(live=house.book, where="other")
    assert state == house.book.state_at(60)
    assert result.notes == ("the live log of book cannot be used: book is lost",)


def test_small_objects_that_became_one_meanwhile(house: House) -> None:
    house.put(20)
    house.backup()
    for _ in range(12):
        house.put(1)
        house.archive()
    plan = house.plan()
    house.put(10)
    house.archive()
    recovery = house.recovery()
    Restore(plan, recovery, house.root / "state.json", house.means()).run()
    assert recovery.state == house.book.state_at(32)


def test_a_database_made_anew_in_its_place(house: House) -> None:
    house.put(20)
    house.backup()
    house.put(20)
    house.archive()
    lost = house.book.state_at(40)
    house.book._uuid = bytes(16)
    house.book.segments.clear()
    house.book.history.clear()
    house.book._begin_segment(1)
    house.put(3)
    house.archive()
    result, state = house.restore(live=house.book)
    assert state == lost
    assert any("belongs to another database" in note for note in result.notes)


def test_over_generations(house: House) -> None:
    house.put(20)
    first = house.backup()
    house.put(30)
    left_behind = house.backup()
    house.put(10)
    house.archive()
    abandoned = house.book.state_at(60)
    house.book.go_back(40)
    house.put(5)
    house.archive()
    result, state = house.restore()
    assert (result.set, result.generation, result.lsn, result.newest_generation) == (first, 2, 45, 2)
    assert state == house.book.state_at(45)
    result, state = house.restore(generation=1, where="abandoned")
    assert (result.set, result.generation, result.lsn, result.newest_generation) == (left_behind, 1, 60, 2)
    assert state == abandoned
    for lsn in (39, 40, 41, 45):
        assert house.restore(Until(lsn=lsn), where=f"{lsn}")[1] == house.book.state_at(lsn)
    house.put(5)
    second = house.backup()
    house.put(10)
    house.archive()
    result, state = house.restore(where="later")
    assert (result.set, state) == (second, house.book.state_at(60))


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("phase", ["copying", "log", "playing", "checking"])
def test_broken_off_it_goes_on(house: House, phase: str) -> None:
    house.put(20)
    house.backup()
    house.put(40)
    house.archive()
    recovery = house.recovery()
    state = house.root / "state.json"

    def hear(progress: RestoreProgress) -> None:
        if progress.phase == phase:
            raise Interrupted

    with pytest.raises(Interrupted):
        Restore(house.plan(), recovery, state, house.means()).run(hear)
    heard: list[RestoreProgress] = []
    house.put(10)
    house.backup()  # a newer one does not lead it astray
    house.put(10)
    house.archive()
    result = restore_database(house.catalogs(), Choice("book"), None, recovery, state, house.means(), heard.append)
    assert recovery.state == house.book.state_at(80)
    assert result.set == house.plan(Until(lsn=40)).set
    assert result.records == 60
    if phase != "copying":
        assert heard[0].phase != "copying"
    assert heard[-1] == RestoreProgress("book", "checking", result.size, result.size)


def test_what_fails_in_the_middle_goes_on(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pillarbox.recovery.manifest.PIECE", 6)
    monkeypatch.setattr("pillarbox.recovery.backup.PIECE", 6)
    house.put(20)
    set = house.backup()
    house.put(40)
    house.archive()
    assert len(house.plan().copy.pieces) > 25
    recovery = house.recovery()
    state = house.root / "state.json"
    whole = list(house.targets)
    failures = 0
    for _ in range(40):
        faulty = [FaultyTarget(target, lambda number, *_: number > 6) for target in whole]
        house.targets = list(faulty)
        try:
            Restore(house.plan(), recovery, state, house.means()).run()
            break
        except Failure as failure:
            assert failure.kind is FailureKind.UNAVAILABLE
            failures += 1
    assert failures > 2
    counting = [FaultyTarget(target) for target in whole]
    house.targets = list(counting)
    result = Restore(house.plan(), recovery, state, house.means()).run()
    assert recovery.state == house.book.state_at(60)
    assert result.set == set
    assert [what for what, name in counting[0].log if what == "get" and "manifest" not in name] == []


def test_after_a_crash_of_the_machine_a_replay_is_begun_anew(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.put(20)
    house.backup()
    house.put(40)
    house.archive()
    recovery, state = house.recovery(), house.root / "state.json"

    def hear(progress: RestoreProgress) -> None:
        if progress.phase == "playing":
            raise Interrupted

    with pytest.raises(Interrupted):
        Restore(house.plan(), recovery, state, house.means()).run(hear)
    recovery.file.write_bytes(b"torn")
    monkeypatch.setattr("pillarbox.recovery.restore.boot_id", lambda: "another")
    Restore(house.plan(), recovery, state, house.means()).run()
    assert recovery.state == house.book.state_at(60)


def test_another_moment_is_another_restore(house: House) -> None:
    house.put(20)
    house.backup()
    house.put(40)
    house.archive()
    assert house.restore()[1] == house.book.state_at(60)
    assert house.restore(Until(lsn=30))[1] == house.book.state_at(30)
    house.put(5)
    house.archive()
    assert house.restore(Until(lsn=30))[1] == house.book.state_at(30)
    assert house.restore()[1] == house.book.state_at(65)


def test_encrypted_without_a_key(tmp_path: Path) -> None:
    import pyrage

    identity = pyrage.x25519.Identity.generate()
    public = [str(identity.to_public())]
    house = House(tmp_path, codec=Codec(3, public))
    house.put(20)
    house.backup()
    house.put(10)
    house.archive()
    with pytest.raises(Failure) as caught:
        house.restore()
    assert caught.value.kind is FailureKind.NOT_ALLOWED
    house.codec = Codec(3, public, [str(identity)])
    assert house.restore()[1] == house.book.state_at(30)


def test_what_is_wrong_is_found(house: House) -> None:
    house.book.put("wrong", "yes")
    house.backup()
    assert house.restore()[0].findings == ("there is something wrong",)


def test_too_little_room(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    house.put(20)
    house.backup()
    real = os.statvfs(house.root)
    monkeypatch.setattr("os.statvfs", lambda path: os.statvfs_result((*real[:4], 0, *real[5:])))
    with pytest.raises(Failure, match="more are needed") as caught:
        house.restore()
    assert caught.value.kind is FailureKind.DISK_FULL


def test_several_at_a_time(tmp_path: Path) -> None:
    houses = {}
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
        houses[name] = House(tmp_path / name)
        houses[name].put(10)
        if name != "two":
            houses[name].backup()
    restores: dict[str, Callable[[], RestoreResult]] = {
        name: lambda house=house: house.restore()[0]  # type: ignore[misc]
        for name, house in houses.items()
    }
    results = restore_all(restores, 2)
    assert list(results) == ["one", "two", "three"]
    assert isinstance(results["two"], Failure)
    for name in ("one", "three"):
        assert isinstance(results[name], RestoreResult)


@pytest.mark.parametrize("seed", range(12))
def test_any_history_comes_back_at_any_moment(seed: int, tmp_path: Path) -> None:
    """Random writes, backups, failing archives, pruning, going back, restarts: what is restored is what was."""
    chance = random.Random(seed)
    house = House(tmp_path)
    faults = [random.Random(seed + 100), random.Random(seed + 200)]  # each target has a thread of its own
    flaky = [
        FaultyTarget(target, lambda *_, dice=dice: dice.random() < 0.2)
        for target, dice in zip(house.memories, faults, strict=True)
    ]
    archiver = Archiver(house.book, flaky, PLAIN, house.clock, 10.0)
    house.put(3)
    house.backup()
    for _ in range(60):
        action = chance.random()
        if action < 0.7:
            house.put(chance.randrange(1, 8))
        elif action < 0.78:
            house.backup(*chance.sample(house.targets, chance.choice([1, 2])))
        elif action < 0.82:
            archiver.close()
            archiver = Archiver(house.book, flaky, PLAIN, house.clock, 10.0)
        elif action < 0.85 and house.book.lsn > 10:
            house.book.go_back(chance.randrange(max(3, house.book.lsn - 20), house.book.lsn))
        archiver.step()
        covered = [covered.chain for covered in archiver.coverage()]
        if chance.random() < 0.2 and all(covered):
            house.book.prune(*min(chain.last for chain in covered if chain))
    with closing(archiver):
        for target in flaky:
            target.broken = on("never")
        for _ in range(4):
            house.clock.advance(100)
            lags = archiver.step()
        assert [lag.records for lag in lags] == [0, 0]
    for number in range(6):
        lsn = chance.randrange(4, house.book.lsn + 1)  # the first backup is from after record 3
        live = chance.choice([None, house.book])
        result, state = house.restore(Until(lsn=lsn), live, where=f"lsn{number}")
        assert (result.lsn, state) == (lsn, house.book.state_at(lsn))
        moment = house.book.history[lsn - 1].time
        result, state = house.restore(Until(time=moment), live, where=f"time{number}")
        assert (result.lsn, state) == (lsn, house.book.state_at(lsn))
    result, state = house.restore(live=house.book)
    assert (result.generation, state) == (house.book.generation, house.book.state_at(house.book.lsn))
