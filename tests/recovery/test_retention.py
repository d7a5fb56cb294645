"""Retention: which sets stay, as a pure function with its promises, and the removal, broken off anywhere."""

import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.base.clock import FixedClock
from pillarbox.base.failure import FailureKind
from pillarbox.base.settings import Backup
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import Span, Target
from pillarbox.recovery.backup import run_backup
from pillarbox.recovery.catalog import Catalog, archived_spans
from pillarbox.recovery.manifest import PIECE
from pillarbox.recovery.names import Kind, manifest_name, piece_name, set_id, span_name
from pillarbox.recovery.retention import Dated, Rules, apply_retention, plan_retention, rules_of
from pillarbox.recovery.verification import verify_set
from pillarbox.testing.backuphouse import PLAIN, database, no_wait, order, restored
from pillarbox.testing.targets import FaultyTarget, MemoryTarget, after

DAY = 24 * 3600 * 1_000_000
START = int(datetime(2026, 1, 1, 1, 30, tzinfo=UTC).timestamp()) * 1_000_000
UUID = "0123456789abcdef" * 2


def nightly(days: int, first: int = START) -> list[Dated]:
    """A backup a night; those of Sundays are full."""
    found = []
    for number in range(days):
        time = first + number * DAY
        sunday = datetime.fromtimestamp(time // 1_000_000, UTC).weekday() == 6
        kind = Kind.FULL if sunday else Kind.INCREMENTAL
        found.append(Dated(set_id(time, kind), time, kind, True))
    return found


def dates(ids: tuple[str, ...]) -> list[str]:
    return [f"{id[4:6]}-{id[6:8]}" for id in ids]


def test_a_year_of_nights() -> None:
    sets = nightly(365)
    plan = plan_retention(sets, Rules(7, 5, 12, 0, 0), sets[-1].time, UTC)
    assert dates(plan.keep) == [
        "01-31", "02-28", "03-31", "04-30", "05-31", "06-30", "07-31", "08-31", "09-30", "10-31", "11-30",
        "12-06", "12-13", "12-20", "12-25", "12-26", "12-27", "12-28", "12-29", "12-30", "12-31",
    ]  # fmt: skip
    assert dates(plan.playable) == ["12-25", "12-26", "12-27", "12-28", "12-29", "12-30", "12-31"]


def test_the_rules_in_the_settings() -> None:
    assert rules_of(Backup()) == Rules(7, 5, 12, 0, 0)


def test_a_pause_does_not_use_up_the_days() -> None:
    old, new = nightly(10), nightly(2, START + 300 * DAY)
    plan = plan_retention([*old, *new], Rules(3, 0, 0, 0, 0), new[-1].time, UTC)
    assert {found.set for found in new} < set(plan.keep)
    assert old[-1].set in plan.keep


def test_the_last_of_a_day_is_that_of_the_local_day() -> None:
    sets = [Dated(set_id(time, Kind.FULL), time, Kind.FULL, True) for time in (START, START + DAY // 2, START + DAY)]
    rules, now = Rules(9, 0, 0, 0, 0), sets[-1].time
    first, noon, second = (found.set for found in sets)
    assert plan_retention(sets, rules, now, UTC).keep == (noon, second)
    assert plan_retention(sets, rules, now, timezone(timedelta(hours=-6))).keep == (first, second)


def test_an_incomplete_set_pushes_nothing_out() -> None:
    good, bad = nightly(3), [found._replace(complete=False) for found in nightly(3, START + 5 * DAY)]
    plan = plan_retention([*good, *bad], Rules(1, 0, 0, 0, 0), bad[-1].time, UTC)
    assert good[-1].set in plan.keep
    assert {found.set for found in bad} <= set(plan.keep)
    better = nightly(1, START + 9 * DAY)
    plan = plan_retention([*good, *bad, *better], Rules(1, 0, 0, 0, 0), better[-1].time, UTC)
    assert not {found.set for found in bad} & set(plan.keep)


SETS = st.lists(
    st.tuples(st.integers(0, 800 * 24), st.sampled_from(Kind), st.booleans()),
    max_size=40,
    unique_by=lambda item: item[0],
).map(
    lambda items: [
        Dated(set_id(START + hour * DAY // 24, kind), START + hour * DAY // 24, kind, complete)
        for hour, kind, complete in items
    ]
)
RULES = st.builds(Rules, *[st.integers(0, 12)] * 4, st.integers(0, 400))


@given(SETS, RULES, st.integers(0, 900))
@settings(max_examples=300, deadline=None)
def test_what_retention_promises(sets: list[Dated], rules: Rules, days: int) -> None:
    now = START + days * DAY
    plan = plan_retention(sets, rules, now, UTC)
    keep = set(plan.keep)
    assert sorted(plan.keep + plan.remove) == sorted(found.set for found in sets)
    assert set(plan.playable) <= keep
    for found in sets:
        if found.time > now - rules.days * DAY:
            assert found.set in keep
    complete = [found for found in sets if found.complete]
    for some in (complete, [found for found in complete if found.kind is Kind.FULL]):
        if some:
            assert max(some, key=lambda found: found.time).set in keep
    if complete and not rules.days and now >= max(found.time for found in sets):
        newest = max(found.time for found in complete)
        counted = [found for found in sets if found.set in keep and found.time <= newest]
        assert len(counted) <= sum(rules[:4]) + 2
    # Removing is final: what was removed would not have been kept in any later run either.
    again = plan_retention([found for found in sets if found.set in keep], rules, now, UTC)
    assert set(again.keep) == keep


@given(SETS, RULES)
@settings(max_examples=100, deadline=None)
def test_more_rules_keep_more(sets: list[Dated], rules: Rules) -> None:
    now = START + 900 * DAY
    keep = set(plan_retention(sets, rules, now, UTC).keep)
    more = rules._replace(daily=rules.daily + 1, yearly=rules.yearly + 1, days=rules.days + 30)
    assert keep <= set(plan_retention(sets, more, now, UTC).keep)


class House:
    """A target with a full backup and incremental ones after it, one a day."""

    def __init__(self, path: Path, target: Target, days: int = 5) -> None:
        self.clock = FixedClock(START)
        self.target = target
        self.source = database(path / "a")
        self.contents: dict[str, bytes] = {}
        for day in range(days):
            kind = Kind.INCREMENTAL if day else Kind.FULL
            result = run_backup(order([self.source], path / "state", kind), [target], self.clock, pause=no_wait)
            manifest = result.results[0].manifest
            assert manifest is not None
            self.contents[manifest.set] = self.source.path.read_bytes()
            self.source.write((day % 4) * PIECE, os.urandom(500))
            self.clock.advance(24 * 3600)


def test_what_is_kept_can_still_be_restored(tmp_path: Path) -> None:
    target = MemoryTarget()
    house = House(tmp_path, target)
    seen: list[tuple[int, int]] = []
    removed = apply_retention(target, Rules(2, 0, 0, 0, 0), house.clock.now(), UTC, lambda *done: seen.append(done))
    sets = Catalog(target).sets()
    # The newest two, and the only full one.
    assert [found.set[:8] for found in sets] == ["20260101", "20260104", "20260105"]
    for found in sets:
        assert restored(target, found) == house.contents[found.set]
    assert len(removed.sets) == 2 and removed.octets > 0
    assert seen[-1] == (removed.objects, removed.objects)
    assert target.durable == target.objects


def test_a_removed_sets_pieces_stay_while_a_kept_set_needs_them(tmp_path: Path) -> None:
    target = MemoryTarget()
    house = House(tmp_path, target, 3)
    run_backup(order([house.source], tmp_path / "state"), [target], house.clock)
    target.delete(manifest_name("20260101T013000Z-full"))
    apply_retention(target, Rules(3, 0, 0, 0, 0), house.clock.now() + 9 * DAY, UTC)
    for found in Catalog(target).sets():
        assert verify_set(target, found, PLAIN).findings == ()
    assert "sets/20260101T013000Z-full/mailboxes/000000c00000" in target.objects
    apply_retention(target, Rules(1, 0, 0, 0, 0), house.clock.now() + 9 * DAY, UTC)
    assert {name.split("/")[1] for name in target.objects} == {"20260104T013000Z-full"}


@pytest.mark.parametrize("calls", range(0, 30, 2))
def test_broken_off_anywhere_it_leaves_only_whole_sets(tmp_path: Path, calls: int) -> None:
    inner = MemoryTarget()
    house = House(tmp_path, inner)
    rules = Rules(2, 0, 0, 0, 0)
    try:
        apply_retention(FaultyTarget(inner, after(calls)), rules, house.clock.now(), UTC)
    except Failure as failure:
        assert failure.kind is FailureKind.UNAVAILABLE
    for found in Catalog(inner).sets():
        assert restored(inner, found) == house.contents[found.set]
    apply_retention(inner, rules, house.clock.now() + 3 * DAY, UTC)
    needed = Catalog(inner).pieces_in_use() | {manifest_name(found.set) for found in Catalog(inner).sets()}
    assert set(inner.objects) == needed


def test_debris_goes_when_it_is_two_days_old(tmp_path: Path) -> None:
    target = MemoryTarget()
    house = House(tmp_path, target, 1)
    now = house.clock.now()
    old, young = set_id(now - 3 * DAY, Kind.FULL), set_id(now - DAY, Kind.FULL)
    for set in (old, young):
        target.put(piece_name(set, "mailboxes", 0, ".zst"), b"x")
    target.put("sets/README", b"somebody else's")
    target.put(f"sets/{old}/notes.txt", b"left in an unfinished set")
    removed = apply_retention(target, Rules(7, 0, 0, 0, 0), now, UTC)
    assert removed.objects == 2 and removed.sets == ()
    assert "sets/README" in target.objects
    assert piece_name(young, "mailboxes", 0, ".zst") in target.objects


def test_with_a_damaged_manifest_nothing_is_removed(tmp_path: Path) -> None:
    target = MemoryTarget()
    house = House(tmp_path, target)
    target.flip(manifest_name("20260103T013000Z-incr"))
    before = dict(target.objects)
    with pytest.raises(Failure, match="nothing was removed at memory: sets/20260103T013000Z-incr") as caught:
        apply_retention(target, Rules(1, 0, 0, 0, 0), house.clock.now(), UTC)
    assert caught.value.kind is FailureKind.CORRUPT
    assert target.objects == before


def log(target: Target, generation: int, segment: int, last: int, closed: bool = True, uuid: str = UUID) -> str:
    span = Span(generation, segment, 0, 1000, segment, last, START + last, closed)
    name = span_name("mailboxes", uuid, span, "")
    target.put(name, b"x" * 10)
    return name


def test_log_goes_by_segments_once_no_playable_set_needs_it(tmp_path: Path) -> None:
    target = MemoryTarget()
    clock = FixedClock(START)
    source = database(tmp_path / "a", 1)
    for lsn in (100, 200):
        source.lsn = lsn
        run_backup(order([source], tmp_path / "state"), [target], clock)
        clock.advance(24 * 3600)
    before = log(target, 1, 1, 90)
    across = log(target, 1, 91, 150)
    behind = log(target, 1, 151, 300, closed=False)
    rules = Rules(2, 0, 0, 0, 0)
    assert apply_retention(target, rules, clock.now(), UTC).log_objects == 1
    assert [span.object for span in archived_spans(target)] == [across, behind]
    assert before not in target.objects
    apply_retention(target, rules._replace(daily=1), clock.now(), UTC)
    assert [span.object for span in archived_spans(target)] == [behind]


def test_the_newest_log_and_that_of_databases_without_a_backup_stays(tmp_path: Path) -> None:
    target = MemoryTarget()
    source = database(tmp_path / "a", 1)
    source.lsn = 500
    run_backup(order([source], tmp_path / "state"), [target], FixedClock(START + 200))
    log(target, 1, 1, 90)
    newest = log(target, 1, 91, 300)
    gone = log(target, 1, 1, 90, uuid="a" * 32)
    young = log(target, 1, 1, 400, uuid="b" * 32)
    apply_retention(target, Rules(1, 0, 0, 0, 0), START + DAY, UTC)
    assert [span.object for span in archived_spans(target)] == [newest, young]
    assert gone not in target.objects


def test_log_of_older_generations_goes_with_the_sets_that_begin_there(tmp_path: Path) -> None:
    target = MemoryTarget()
    clock = FixedClock(START)

    source = database(tmp_path / "a", 1)
    source.lsn = 100
    run_backup(order([source], tmp_path / "state"), [target], clock)
    clock.advance(24 * 3600)
    source.lsn, source.generation = 60, 2
    run_backup(order([source], tmp_path / "state"), [target], clock)
    old = log(target, 1, 1, 120)
    new = log(target, 2, 51, 80, closed=False)
    apply_retention(target, Rules(2, 0, 0, 0, 0), clock.now(), UTC)
    assert [span.object for span in archived_spans(target)] == [old, new]
    apply_retention(target, Rules(1, 0, 0, 0, 0), clock.now(), UTC)
    assert [span.object for span in archived_spans(target)] == [new]
