"""A drill restores, compares and throws away every database, writes down what it found, and says what is alarming."""

import threading
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pillarbox.base.clock import MICROSECONDS, FixedClock
from pillarbox.base.failure import FailureKind
from pillarbox.base.ids import SeededIds
from pillarbox.model.failure import Failure
from pillarbox.recovery.alarms import DrillAlarm, DrillAlarmKind, alarms_of, missed
from pillarbox.recovery.drill import DrillPlan, Rehearsal, Restored, Step, run_drill
from pillarbox.recovery.history import DrillRecord, History, Trigger
from pillarbox.recovery.restore import RestoreResult
from pillarbox.recovery.schedule import parse_schedule

_BACK = RestoreResult(
    "any", "20261124T013000Z-full", 1000, 700, 300, 7, 5.0, 1.0, 3.0, 1.0, 0, 42, 5, 0, (), ("the log volume was read",)
)


class House:
    """Databases to rehearse with, on a clock that only they move."""

    def __init__(self, history: Path) -> None:
        self.clock = FixedClock()
        self.history = History(history)
        self.discarded: list[str] = []
        self.steps: list[tuple[str, Step]] = []

    def rehearsal(
        self, name: str, back: RestoreResult | Exception = _BACK, differences: tuple[str, ...] | Exception = ()
    ) -> Rehearsal:
        def restore() -> Restored:
            if isinstance(back, Exception):
                raise back
            self.clock.advance(10)
            return back

        def compare(restored: Restored) -> Iterable[str]:
            assert restored is back
            self.clock.advance(2)
            if isinstance(differences, Exception):
                raise differences
            yield from differences

        return Rehearsal(name, restore, compare, lambda: self.discarded.append(name))

    def drill(self, *rehearsals: Rehearsal, hours: float = 1.0, workers: int = 1) -> DrillRecord:
        plan = DrillPlan(Trigger.HAND, workers, hours)
        return run_drill(
            rehearsals, plan, self.history, self.clock, SeededIds(), lambda name, step: self.steps.append((name, step))
        )


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "drills.jsonl")


def test_a_drill_is_timed_and_written_down(house: House) -> None:
    begin = house.clock.now()
    record = house.drill(house.rehearsal("mailboxes"), house.rehearsal("directory"))
    assert house.history.records() == [record]
    assert record.when == begin
    assert record.seconds == 20.0, "comparing is no part of a recovery"
    assert record.total_seconds == 24.0
    assert record.ok and record.kept
    first = record.databases[0]
    assert (first.database, first.lsn, first.records, first.seconds) == ("mailboxes", 42, 7, 10.0)
    assert first.compare_seconds == 2.0
    assert first.notes == ("the log volume was read",)
    assert list(alarms_of(record)) == []


def test_all_are_restored_before_the_first_is_compared(house: House) -> None:
    house.drill(house.rehearsal("a"), house.rehearsal("b"))
    assert house.steps == [
        ("a", Step.RESTORING), ("b", Step.RESTORING),
        ("a", Step.COMPARING), ("a", Step.DONE), ("b", Step.COMPARING), ("b", Step.DONE),
    ]  # fmt: skip
    assert house.discarded == ["a", "b"]


def test_as_many_are_restored_at_a_time_as_there_are_workers(house: House) -> None:
    together = threading.Barrier(2, timeout=20)

    def rehearsal(name: str) -> Rehearsal:
        plain = house.rehearsal(name)
        return plain._replace(restore=lambda: (together.wait(), plain.restore())[1])

    record = house.drill(rehearsal("a"), rehearsal("b"), workers=8)
    assert record.ok
    assert record.workers == 2


def test_one_that_fails_does_not_hold_up_the_others(house: House) -> None:
    gone = Failure(FailureKind.NOT_FOUND, "there is no backup of mailboxes")
    record = house.drill(house.rehearsal("mailboxes", gone), house.rehearsal("directory", ZeroDivisionError("oops")))
    assert [drill.failure for drill in record.databases] == [
        "could not be restored: there is no backup of mailboxes",
        "could not be restored: ZeroDivisionError: oops",
    ]
    assert house.discarded == ["mailboxes", "directory"]
    assert not record.ok and not record.restored and not record.kept
    assert [alarm.kind for alarm in alarms_of(record)] == [DrillAlarmKind.FAILED] * 2


def test_a_comparison_that_fails_is_a_failed_drill(house: House) -> None:
    record = house.drill(house.rehearsal("a", differences=OSError("no such file")))
    assert record.databases[0].failure == "could not be compared: OSError: no such file"
    assert record.databases[0].size == 1000
    assert not record.ok


def test_a_scratch_copy_that_stays_is_noted(house: House) -> None:
    def stay() -> None:
        raise Failure(FailureKind.UNAVAILABLE, "the disk is read-only")

    record = house.drill(house.rehearsal("a")._replace(discard=stay))
    assert record.ok
    assert record.databases[0].notes[-1] == "the scratch copy could not be removed: the disk is read-only"


def test_findings_and_differences_are_alarming(house: House) -> None:
    damaged = _BACK._replace(findings=("page 7 is damaged", "page 8 is damaged"))
    record = house.drill(
        house.rehearsal("a", damaged), house.rehearsal("b", differences=("table message: 1 rows are missing",))
    )
    failed, different = alarms_of(record)
    assert failed.kind is DrillAlarmKind.FAILED
    assert failed.text == "drill of a: page 7 is damaged (and 1 more)"
    assert different.kind is DrillAlarmKind.DIFFERENT
    assert different.text == "b as restored differs from the live one at record 42: table message: 1 rows are missing"


def test_slower_than_promised_is_alarming(house: House) -> None:
    record = house.drill(house.rehearsal("a"), hours=9 / 3600)
    (alarm,) = alarms_of(record)
    assert alarm.kind is DrillAlarmKind.SLOW
    assert alarm.text == "the drill took 10 seconds to bring everything back, 9 seconds are promised"


def test_a_drill_of_nothing_is_a_mistake(house: House) -> None:
    with pytest.raises(ValueError, match="at least one"):
        house.drill()


def test_a_missed_drill_is_noticed_once_it_should_be_over(house: House) -> None:
    record = house.drill(house.rehearsal("a"))  # on a Tuesday, 2023-11-14
    schedule = parse_schedule("04:00", ["sun"])
    due = record.when + (datetime(2023, 11, 19, 4, tzinfo=UTC) - datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)) // (
        timedelta(microseconds=1)
    )
    hour = 3600 * MICROSECONDS

    def alarm(*history: DrillRecord, now: int, since: int = 0) -> DrillAlarm | None:
        return missed(schedule, history, now, 3600, since, UTC)

    assert missed(None, [], due, 3600) is None
    assert alarm(record, now=due + hour - 1) is None
    found = alarm(record, now=due + hour)
    assert found is not None and found.kind is DrillAlarmKind.MISSED
    assert found.text == "the drill due on 2023-11-19 was not held; the last one was on 2023-11-14"
    assert alarm(record, record._replace(when=due + 5), now=due + hour) is None
    assert alarm(now=due + hour, since=due + 1) is None
    never = alarm(now=due + hour)
    assert never is not None and "there never was one" in never.text
