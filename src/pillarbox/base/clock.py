"""Time, handed in as a value so that tests can set it.

`Clock` is the only source of time in Pillarbox. Wall time is in microseconds since 1970 UTC (an int: it sorts,
it stores, it never rounds); durations are in seconds (a float).
"""

import time
from typing import Protocol

MICROSECONDS = 1_000_000


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> int:
        """Wall time, microseconds since 1970-01-01 UTC."""

    def monotonic(self) -> float:
        """Seconds that only grow; for timeouts and durations."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> int:
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        return time.monotonic()


class FixedClock:
    """A clock that stands still until it is told to move; for tests."""

    def __init__(self, now: int = 1_700_000_000 * MICROSECONDS) -> None:
        self._now = now
        self._monotonic = 0.0

    def now(self) -> int:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Move both clocks forward by `seconds`."""
        self._now += int(seconds * MICROSECONDS)
        self._monotonic += seconds
