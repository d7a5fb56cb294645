"""When backups and drills are due: pure arithmetic on local time.

A schedule is a time of day and days of the week. Its moments are local times: each comes once, also on the day when
clocks go back and it is there twice (the first counts) or go forward and it is not there (it comes as much later as
the clocks were moved). Times are microseconds since 1970 UTC; a zone of None is this machine's. Words in the settings
that mean nothing raise `Failure` INVALID.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from datetime import time as time_of_day
from typing import NamedTuple

from pillarbox.base.clock import MICROSECONDS
from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.recovery.names import Kind

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERY_DAY = frozenset(range(7))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_WEEK = 8
"""Days within which a schedule with any day at all comes round, whatever the clocks do."""


class Schedule(NamedTuple):
    """A time of day, and days of the week, 0 for Monday."""

    at: time_of_day
    days: frozenset[int] = EVERY_DAY


def parse_schedule(time: str, days: Sequence[str] | None = None) -> Schedule | None:
    """From the settings: "01:30" and ["sun"]; `days` None: every day. None for no schedule: an empty time, no day."""
    if not time.strip() or days == []:
        return None
    hour, colon, minute = time.strip().partition(":")
    if not (colon and hour.isascii() and hour.isdigit() and minute.isascii() and minute.isdigit() and len(minute) == 2):
        raise Failure(FailureKind.INVALID, f'"{time}" is not a time of day: "01:30" is one')
    try:
        at = time_of_day(int(hour), int(minute))
    except ValueError as error:
        raise Failure(FailureKind.INVALID, f'"{time}" is not a time of day: "01:30" is one', error) from error
    return Schedule(at, EVERY_DAY if days is None else parse_days(days))


def parse_days(days: Sequence[str]) -> frozenset[int]:
    """From ["sun", "Wednesday"] to {6, 2}."""
    found = set()
    for word in days:
        short = word.strip().lower()[:3]
        if short not in DAYS:
            raise Failure(FailureKind.INVALID, f'"{word}" is not a day of the week: {", ".join(DAYS)}')
        found.add(DAYS.index(short))
    return frozenset(found)


def next_due(now: int, schedule: Schedule, zone: tzinfo | None = None) -> int:
    """The first moment of the schedule after `now`."""
    today = _local(now, zone).date()
    for ahead in range(-1, _WEEK + 1):
        day = today + timedelta(days=ahead)
        if day.weekday() in schedule.days and (moment := _moment(day, schedule.at, zone)) > now:
            return moment
    raise ValueError("a schedule without days")


def last_due(now: int, schedule: Schedule, zone: tzinfo | None = None) -> int:
    """The last moment of the schedule at or before `now`."""
    today = _local(now, zone).date()
    for back in range(-1, _WEEK + 1):
        day = today - timedelta(days=back)
        if day.weekday() in schedule.days and (moment := _moment(day, schedule.at, zone)) <= now:
            return moment
    raise ValueError("a schedule without days")


def missed(
    last_success: int | None, now: int, schedule: Schedule, zone: tzinfo | None = None, grace_seconds: float = 3600.0
) -> bool:
    """Whether something was due, longer than `grace_seconds` ago, and nothing that succeeded was begun since.

    `last_success` is when the last one that succeeded was begun; None: none ever was, and that is missed too.
    """
    due = last_due(now - int(grace_seconds * MICROSECONDS), schedule, zone)
    return last_success is None or last_success < due


def kind_for_day(day: date, full_days: frozenset[int]) -> Kind:
    """What a backup of that day is to be."""
    return Kind.FULL if day.weekday() in full_days else Kind.INCREMENTAL


def kind_due(
    now: int, last_full: int | None, schedule: Schedule, full_days: frozenset[int], zone: tzinfo | None = None
) -> Kind:
    """What a backup that begins now is to be: full if a full one has been due since the last one began, so that one
    that was missed is made up for. Without any `full_days` only the first one is full."""
    if last_full is None:
        return Kind.FULL
    days = schedule.days & full_days
    if not days:
        return Kind.INCREMENTAL
    return Kind.FULL if last_full < last_due(now, schedule._replace(days=days), zone) else Kind.INCREMENTAL


def _local(moment: int, zone: tzinfo | None) -> datetime:
    return (_EPOCH + timedelta(microseconds=moment)).astimezone(zone)


def _moment(day: date, at: time_of_day, zone: tzinfo | None) -> int:
    # A naive time is taken for this machine's by astimezone; either way the first of two equal local times is meant.
    local = datetime.combine(day, at, zone)
    return (local.astimezone(UTC) - _EPOCH) // _MICROSECOND
