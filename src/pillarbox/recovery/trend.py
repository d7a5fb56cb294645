"""Where drills are heading: a straight line through the last durations, and the day it crosses the promise. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from pillarbox.base.clock import MICROSECONDS

DAY = 86400 * MICROSECONDS
LAST = 20
FEWEST = 3
_FARTHEST_DAYS = 365 * 30  # beyond that, a straight line says nothing


class Trend(NamedTuple):
    """The line: `seconds` at the time `middle`, growing by `per_day`."""

    middle: int
    seconds: float
    per_day: float

    def at(self, time: int) -> float:
        """Seconds at a time (microseconds)."""
        return self.seconds + self.per_day * (time - self.middle) / DAY


def fit(points: Sequence[tuple[int, float]], last: int = LAST) -> Trend | None:
    """The line of least squares through the last `last` points (time, seconds), which are in order of time.

    None where there are fewer than three, or all are of one moment: then there is no trend yet.
    """
    points = points[-last:]
    if len(points) < FEWEST:
        return None
    middle = sum(time for time, _ in points) // len(points)
    mean = sum(value for _, value in points) / len(points)
    spread = sum(((time - middle) / DAY) ** 2 for time, _ in points)
    if not spread:
        return None
    slope = sum((time - middle) / DAY * (value - mean) for time, value in points) / spread
    return Trend(middle, mean, slope)


def crossing(trend: Trend, limit: float, now: int) -> int | None:
    """When the line reaches `limit` seconds: `now` where it has already; None where it never does, or only in more
    than thirty years."""
    if trend.at(now) >= limit:
        return now
    if trend.per_day <= 0:
        return None
    days = (limit - trend.at(now)) / trend.per_day
    return now + int(days * DAY) if days <= _FARTHEST_DAYS else None
