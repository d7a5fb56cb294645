"""Rates come from the newest drills that measured enough, and are assumed, slow and said to be so, where none did."""

import pytest

from pillarbox.recovery.history import DatabaseDrill, DrillRecord, Trigger
from pillarbox.recovery.rates import ASSUMED, CHECKING, COPYING, PLAYING, database_rates, measure

MB = 1_000_000
BIG = DatabaseDrill("m", "s", 0, 9, 1000 * MB, 0, 400 * MB, 80_000, 10.0, 0.0, 4.0, 5.0)


def drill(when: int, *databases: DatabaseDrill) -> DrillRecord:
    return DrillRecord(str(when), when, Trigger.HAND, 1.0, 1.0, 1, 4.0, databases)


def test_without_drills_everything_is_assumed() -> None:
    assert measure([]) == ASSUMED
    assert set(ASSUMED.assumed) == {COPYING, PLAYING, CHECKING}


def test_the_newest_drill_counts() -> None:
    slow = BIG._replace(copy_seconds=100.0, play_seconds=100.0, check_seconds=100.0)
    rates = measure([drill(1, slow), drill(2, BIG)])
    assert (rates.copy, rates.play, rates.records, rates.check) == (100e6, 100e6, 20_000, 200e6)
    assert rates.measured_at == 2
    assert rates.assumed == ()


def test_fetching_the_log_is_part_of_playing_it() -> None:
    assert measure([drill(1, BIG._replace(fetch_seconds=4.0))]).play == 50e6


def test_small_drills_are_taken_together() -> None:
    small = DatabaseDrill("m", "s", 0, 9, 2 * MB, 0, 2 * MB, 400, 0.1, 0.0, 0.2, 0.05)
    rates = measure([drill(1, small._replace(copy_seconds=0.3)), drill(2, small)])
    assert rates.copy == pytest.approx(4 * MB / 0.4)


def test_too_little_to_measure_by_is_assumed() -> None:
    no_log = BIG._replace(log_octets=500, records=1, play_seconds=0.01)
    rates = measure([drill(7, no_log)])
    assert rates.assumed == (PLAYING,)
    assert rates.play == ASSUMED.play
    assert rates.copy == 100e6
    assert rates.measured_at == 7
    tiny = DatabaseDrill("m", "s", 0, 9, 500, 0, 500, 1, 0.01, 0.0, 0.01, 0.01)
    assert measure([drill(7, tiny)]) == ASSUMED


def test_a_database_that_did_not_come_back_measures_nothing() -> None:
    rates = measure([drill(1, BIG), drill(2, BIG._replace(copy_seconds=1.0, failure="no backup"))])
    assert rates.copy == 100e6
    assert rates.measured_at == 1


def test_the_rates_of_one_database() -> None:
    assert database_rates(BIG) == (100e6, 100e6, 200e6, 20_000)
    assert database_rates(DatabaseDrill("m")) == (0.0, 0.0, 0.0, 0.0)
