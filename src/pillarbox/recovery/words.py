"""Durations, sizes, rates and dates as recovery tells them to people: short, and no more exact than they are."""

import math
from datetime import UTC, datetime

from pillarbox.base.clock import MICROSECONDS


def duration(seconds: float) -> str:
    """ "37 minutes", "1 minute", "12 seconds", "5.2 hours", "3.1 days"; "never" for infinity."""
    if math.isinf(seconds):
        return "never"
    if seconds < 1:
        return "0 seconds" if seconds <= 0 else "less than a second"
    if seconds < 99.5:
        return _counted(round(seconds), "second")
    if seconds < 99.5 * 60:
        return _counted(round(seconds / 60), "minute")
    if seconds < 48 * 3600:
        return f"{_short(seconds / 3600)} hours"
    return f"{_short(seconds / 86400)} days"


def minutes(seconds: float) -> str:
    """The bare number of minutes, with one decimal below ten: "37", "0.4", "<0.1"; "never" for infinity."""
    if math.isinf(seconds):
        return "never"
    value = seconds / 60
    if 0 < value < 0.05:
        return "<0.1"
    return f"{value:.1f}".removesuffix(".0") if value < 9.95 else f"{value:,.0f}"


def octets(size: float) -> str:
    """ "812 B", "4.1 MB", "20 GB": decimal units, as disks are sold."""
    if size < 1000:
        return f"{size:.0f} B"
    for unit in ("kB", "MB", "GB", "TB"):
        size /= 1000
        if size < 999.5 or unit == "TB":
            return f"{_short(size)} {unit}"
    raise AssertionError


def rate(octets_per_second: float) -> str:
    """ "120 MB/s"."""
    return f"{octets(octets_per_second)}/s"


def date(time: int) -> str:
    """A day, UTC, from microseconds."""
    return f"{datetime.fromtimestamp(time // MICROSECONDS, UTC):%Y-%m-%d}"


def moment(time: int) -> str:
    """A moment to the minute, UTC, from microseconds."""
    return f"{datetime.fromtimestamp(time // MICROSECONDS, UTC):%Y-%m-%d %H:%M}Z"


def _counted(number: int, unit: str) -> str:
    return f"{number:,} {unit}{'' if number == 1 else 's'}"


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0") if value < 9.95 else f"{value:,.0f}"
