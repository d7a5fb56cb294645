"""What log may go is decided from what is safe elsewhere, how old it is, and how full the volumes are."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.model.recovery import LogUsage
from pillarbox.recovery.archive import Coverage
from pillarbox.recovery.archived import Chain, Mark
from pillarbox.recovery.pruning import (
    Decision,
    Prunable,
    decide_pruning,
    percent_full,
    prunable,
)


def covered(target: str, last: int, first: int = 1, generation: int = 1) -> Coverage:
    return Coverage(target, Chain((generation, first), (generation, last)))


def usage(percent: int) -> LogUsage:
    return LogUsage(Path("/log"), percent << 20, (100 - percent) << 20, 100 << 20)


def test_a_verified_backup_must_cover_it_and_every_target_must_have_it() -> None:
    both = [covered("one", 90), covered("two", 70)]
    assert prunable(both, {"one": (1, 50), "two": (1, 60)}) == (
        (1, 50),
        "the newest verified backup at one ends with record 50",
    )
    assert prunable(both, {"one": (1, 80), "two": (1, 80)}) == ((1, 70), "two has the log up to record 70")
    assert prunable(both, {"one": (1, 80)}) == (None, "two has no verified backup")
    assert prunable([both[0], Coverage("two", None)], {"one": (1, 80), "two": (1, 80)}).upto is None
    assert prunable([], {}).upto is None


def test_a_standby_may_still_need_it() -> None:
    safe = prunable([covered("one", 90)], {"one": (1, 80)}, {"there": (1, 33)})
    assert safe == ((1, 33), "the standby there has the log up to record 33")


def test_a_hole_behind_the_backup_keeps_the_log() -> None:
    safe = prunable([covered("one", 90, first=60)], {"one": (1, 50)})
    assert safe.upto is None and "make a backup" in safe.because
    assert prunable([covered("one", 90, first=51)], {"one": (1, 50)}).upto == (1, 50)
    assert prunable([covered("one", 90, first=60, generation=2)], {"one": (1, 70)}).upto == (1, 70)


def test_log_stays_for_its_hours_unless_the_volume_fills_up() -> None:
    safe = Prunable((1, 50), "x ends there")
    assert decide_pruning(safe, (1, 20), [usage(10)], 70) == Decision((1, 20), "")
    assert decide_pruning(safe, (1, 80), [usage(10)], 70) == Decision((1, 50), "")
    assert decide_pruning(safe, None, [usage(10)], 70) == Decision(None, "")
    upto, alarm = decide_pruning(safe, (1, 20), [usage(10), usage(71)], 70)
    assert upto == (1, 50)
    assert alarm == (
        "Log volume /log is 71 % full (29 MiB are free). Log is pruned before its time, up to record 50: x ends there."
    )
    upto, alarm = decide_pruning(Prunable(None, "t has no verified backup"), (1, 20), [usage(90)], 70)
    assert upto is None
    assert alarm.endswith("No log may be pruned: t has no verified backup.")
    assert percent_full(usage(0)) == 0.0


marks = st.tuples(st.integers(1, 3), st.integers(0, 40))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(marks, st.one_of(st.none(), marks), st.booleans()), max_size=4),
    st.lists(marks, max_size=2),
    st.one_of(st.none(), marks),
    st.integers(0, 100),
)
def test_whatever_is_pruned_is_elsewhere(
    places: list[tuple[Mark, Mark | None, bool]], standbys: list[Mark], aged: Mark | None, percent: int
) -> None:
    """Nothing goes that any target, backup or standby lacks."""
    coverage = [
        Coverage(f"t{number}", Chain((1, 1), last) if has else None) for number, (last, _, has) in enumerate(places)
    ]
    verified = {f"t{number}": point for number, (_, point, _) in enumerate(places) if point is not None}
    safe = prunable(coverage, verified, {f"s{number}": mark for number, mark in enumerate(standbys)})
    upto, _ = decide_pruning(safe, aged, [usage(percent)], 70)
    if upto is not None:
        assert places
        for last, point, has in places:
            assert has and point is not None
            assert upto <= last and upto <= point
        assert all(upto <= mark for mark in standbys)
        assert percent >= 70 or (aged is not None and upto <= aged)
