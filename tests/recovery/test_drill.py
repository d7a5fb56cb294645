"""A drill restores, compares and throws away every database, writes down what it found, and says what is alarming."""

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pytest

from pillarbox.base.clock import MICROSECONDS, FixedClock
from pillarbox.base.failure import FailureKind
from pillarbox.base.ids import SeededIds
from pillarbox.model.failure import Failure
from pillarbox.recovery.alarms import DrillAlarmKind, alarms_of, missed
from pillarbox.recovery.drill import DrillPlan, Rehearsal, Restored, Step, run_drill
from pillarbox.recovery.history import DrillRecord, History, Trigger


class Back(NamedTuple):
    """A restore's result."""

    set: str = "20261124T013000Z-full"
    size: int = 1000
    read_octets: int = 700
    log_octets: int = 300
    records: int = 7
    copy_seconds: float = 6.0
    play_seconds: float = 3.0
    check_seconds: float = 1.0
    generation: int = 0
    lsn: int = 42
    findings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ("the log volume was read",)


_BACK = Back()


class House:
    """Databases to rehearse with, on a clock that only they move."""

    def __init__(self, history: Path) -> None:
        self.clock = FixedClock()
        self.history = History(history)
        self.discarded: list[str] = []
        self.steps: list[tuple[str, Step]] = []

    def rehearsal(
        self, name: str, back: Back | Exception = _BACK, differences: tuple[str, ...] | Exception = ()
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
    damaged = Back(findings=("page 7 is damaged", "page 8 is damaged"))
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
    record = house.drill(house.rehearsal("a"))
    due = record.when + 7 * 86400 * MICROSECONDS
    hour = 3600 * MICROSECONDS
    assert missed(None, [], due, 3600) is None
    assert missed(due, [record], due + hour - 1, 3600) is None
    alarm = missed(due, [record], due + hour, 3600)
    assert alarm and alarm.kind is DrillAlarmKind.MISSED
    assert alarm.text == "the drill due on 2023-11-21 was not held; the last one was on 2023-11-14"
    assert missed(due, [record, record._replace(when=due + 5)], due + hour, 3600) is None
    assert "never was one" in (missed(due, [], due + hour, 3600) or alarm).text
