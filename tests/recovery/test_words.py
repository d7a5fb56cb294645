"""Durations and sizes as people say them."""

import math

import pytest

from pillarbox.recovery.words import date, duration, minutes, moment, octets, rate


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 seconds"), (0.2, "less than a second"), (1, "1 second"), (99.4, "99 seconds"), (99.6, "2 minutes"),
        (37 * 60, "37 minutes"), (99.4 * 60, "99 minutes"), (5.2 * 3600, "5.2 hours"), (47 * 3600, "47 hours"),
        (75 * 3600, "3.1 days"), (math.inf, "never"),
    ],
)  # fmt: skip
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_minutes_are_bare_numbers() -> None:
    assert [minutes(seconds) for seconds in (0, 2, 24, 60, 597, 3840, 90_000, math.inf)] == [
        "0", "<0.1", "0.4", "1", "10", "64", "1,500", "never",
    ]  # fmt: skip


def test_sizes_and_rates() -> None:
    assert [octets(size) for size in (0, 999, 1000, 4_100_000, 20e9, 999.9e6, 5e15)] == [
        "0 B", "999 B", "1 kB", "4.1 MB", "20 GB", "1 GB", "5,000 TB",
    ]  # fmt: skip
    assert rate(120e6) == "120 MB/s"


def test_times() -> None:
    assert date(1_700_000_000_000_000) == "2023-11-14"
    assert moment(1_700_000_000_000_000) == "2023-11-14 22:13Z"
