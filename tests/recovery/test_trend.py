"""The line through the last drills, and the day it crosses the promise."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.recovery.trend import DAY, Trend, crossing, fit


def test_a_line_is_found_exactly() -> None:
    trend = fit([(day * DAY, 100.0 + 3 * day) for day in range(5)])
    assert trend is not None
    assert trend.per_day == pytest.approx(3)
    assert trend.at(10 * DAY) == pytest.approx(130)


def test_outliers_are_evened_out() -> None:
    trend = fit([(0, 10.0), (DAY, 40.0), (2 * DAY, 10.0)])
    assert trend == Trend(DAY, 20.0, 0.0)


def test_only_the_last_points_count() -> None:
    points = [(day * DAY, 500.0 - 9 * day) for day in range(50)] + [(day * DAY, 7.0) for day in range(50, 60)]
    trend = fit(points, last=10)
    assert trend is not None and trend.per_day == pytest.approx(0)


def test_too_few_points_or_moments_are_no_trend() -> None:
    assert fit([]) is None
    assert fit([(0, 1.0), (DAY, 2.0)]) is None
    assert fit([(5, 1.0), (5, 2.0), (5, 3.0)]) is None


def test_the_day_of_the_crossing() -> None:
    trend = Trend(0, 100.0, 3.0)
    assert crossing(trend, 400.0, now=0) == 100 * DAY
    assert crossing(trend, 400.0, now=40 * DAY) == 100 * DAY
    assert crossing(trend, 400.0, now=101 * DAY) == 101 * DAY, "crossed already: now"


def test_a_line_that_falls_or_creeps_never_crosses() -> None:
    assert crossing(Trend(0, 100.0, 0.0), 400.0, now=0) is None
    assert crossing(Trend(0, 100.0, -1.0), 400.0, now=0) is None
    assert crossing(Trend(0, 100.0, 0.0001), 400.0, now=0) is None


@given(st.lists(st.tuples(st.integers(0, 10**15), st.floats(0, 1e6)), min_size=3, max_size=30), st.integers(0, 10**15))
@settings(max_examples=100, deadline=None)
def test_a_crossing_is_where_the_line_reaches_the_limit(points: list[tuple[int, float]], now: int) -> None:
    trend = fit(sorted(points))
    if trend is not None and (day := crossing(trend, 5e6, now)) is not None and day > now:
        assert trend.at(day) == pytest.approx(5e6, rel=1e-3)
