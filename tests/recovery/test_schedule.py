"""Schedules: the next and the last moment, missed ones, and the days on which clocks are moved."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.recovery.names import Kind
from pillarbox.recovery.schedule import (
    EVERY_DAY,
    Schedule,
    kind_due,
    kind_for_day,
    last_due,
    missed,
    next_due,
    parse_days,
    parse_schedule,
)

BERLIN = ZoneInfo("Europe/Berlin")
NIGHTLY = Schedule(time(1, 30))
SUNDAY = frozenset({6})


def at(text: str) -> int:
    """Microseconds of an ISO time; Berlin's, if it says nothing else."""
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=BERLIN)
    return int(moment.timestamp()) * 1_000_000


def test_settings_are_read() -> None:
    assert parse_schedule("01:30") == NIGHTLY
    assert parse_schedule(" 4:05 ", ["sun", "Wednesday"]) == Schedule(time(4, 5), frozenset({6, 2}))
    assert parse_schedule("") is None
    assert parse_schedule("04:00", []) is None
    assert parse_days(["mon", "SAT"]) == {0, 5}


@pytest.mark.parametrize("text", ["1", "25:00", "01:60", "1:3", "one:30", "01:30:00", "-1:30", "²1:30"])
def test_a_wrong_time_is_said_so(text: str) -> None:
    with pytest.raises(Failure, match="is not a time of day") as caught:
        parse_schedule(text)
    assert caught.value.kind is FailureKind.INVALID


def test_a_wrong_day_is_said_so() -> None:
    with pytest.raises(Failure, match='"tomorrow" is not a day of the week'):
        parse_schedule("01:30", ["sun", "tomorrow"])


@pytest.mark.parametrize(
    ("now", "days", "due"),
    [
        ("2026-11-24 00:00", EVERY_DAY, "2026-11-24 01:30"),
        ("2026-11-24 01:29:59", EVERY_DAY, "2026-11-24 01:30"),
        ("2026-11-24 01:30", EVERY_DAY, "2026-11-25 01:30"),
        ("2026-11-24 12:00", SUNDAY, "2026-11-29 01:30"),
        ("2026-11-29 01:30", SUNDAY, "2026-12-06 01:30"),
        ("2026-12-31 23:59", EVERY_DAY, "2027-01-01 01:30"),
    ],
)
def test_the_next_moment(now: str, days: frozenset[int], due: str) -> None:
    assert next_due(at(now), Schedule(time(1, 30), days), BERLIN) == at(due)
    assert last_due(at(due), Schedule(time(1, 30), days), BERLIN) == at(due)


def test_when_clocks_go_forward_the_hour_that_is_not_there_comes_later() -> None:
    schedule = Schedule(time(2, 30))
    due = next_due(at("2027-03-28 01:00"), schedule, BERLIN)
    assert due == at("2027-03-28T03:30+02:00")
    assert next_due(due, schedule, BERLIN) == at("2027-03-29T02:30+02:00")


def test_when_clocks_go_back_the_hour_that_is_there_twice_comes_once() -> None:
    schedule = Schedule(time(2, 30))
    due = next_due(at("2026-10-25 01:00"), schedule, BERLIN)
    assert due == at("2026-10-25T02:30+02:00")
    assert next_due(due, schedule, BERLIN) == at("2026-10-26T02:30+01:00")
    assert last_due(at("2026-10-25T02:30+01:00"), schedule, BERLIN) == due


def test_a_day_has_23_to_25_hours_between_backups() -> None:
    now, gaps = at("2026-01-01 00:00"), set()
    for _ in range(365):
        following = next_due(now, NIGHTLY, BERLIN)
        gaps.add((following - now) // 3_600_000_000)
        now = following
    assert gaps == {1, 23, 24, 25}


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC)),
    st.sampled_from(["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia", "UTC"]),
    st.times(),
    st.sets(st.integers(0, 6), min_size=1),
)
@settings(max_examples=200, deadline=None)
def test_now_lies_between_the_last_and_the_next(moment: datetime, name: str, of_day: time, days: set[int]) -> None:
    now, zone = int(moment.timestamp()) * 1_000_000, ZoneInfo(name)
    schedule = Schedule(of_day.replace(second=0, microsecond=0, fold=0), frozenset(days))
    last, following = last_due(now, schedule, zone), next_due(now, schedule, zone)
    assert last <= now < following
    assert next_due(last, schedule, zone) == following
    assert last_due(following, schedule, zone) == following


def test_what_was_missed() -> None:
    now = at("2026-11-24 09:00")
    assert not missed(at("2026-11-24 01:30"), now, NIGHTLY, BERLIN)
    assert not missed(at("2026-11-24 08:00"), now, NIGHTLY, BERLIN)
    assert missed(at("2026-11-23 23:00"), now, NIGHTLY, BERLIN)
    assert missed(None, now, NIGHTLY, BERLIN)
    running = at("2026-11-24 02:00")
    assert not missed(at("2026-11-23 01:30"), running, NIGHTLY, BERLIN)
    assert missed(at("2026-11-23 01:30"), running, NIGHTLY, BERLIN, grace_seconds=60)


def test_the_kind_of_a_day() -> None:
    assert kind_for_day(date(2026, 11, 29), SUNDAY) is Kind.FULL
    assert kind_for_day(date(2026, 11, 28), SUNDAY) is Kind.INCREMENTAL


@pytest.mark.parametrize(
    ("last_full", "now", "kind"),
    [
        (None, "2026-11-24 01:30", Kind.FULL),
        ("2026-11-22 01:30", "2026-11-24 01:30", Kind.INCREMENTAL),
        ("2026-11-22 01:30", "2026-11-29 01:30", Kind.FULL),
        ("2026-11-15 01:30", "2026-11-24 01:30", Kind.FULL),
        ("2026-11-22 10:00", "2026-11-28 01:30", Kind.INCREMENTAL),
    ],
)
def test_a_full_one_that_was_missed_is_made_up_for(last_full: str | None, now: str, kind: Kind) -> None:
    last = None if last_full is None else at(last_full)
    assert kind_due(at(now), last, NIGHTLY, SUNDAY, BERLIN) is kind


def test_without_full_days_only_the_first_is_full() -> None:
    assert kind_due(at("2026-11-29 01:30"), at("2020-01-01 00:00"), NIGHTLY, frozenset(), BERLIN) is Kind.INCREMENTAL
    assert kind_due(at("2026-11-29 01:30"), None, NIGHTLY, frozenset(), BERLIN) is Kind.FULL


def test_this_machines_own_zone() -> None:
    now = at("2026-11-24 09:00")
    due = next_due(now, NIGHTLY)
    local = datetime.fromtimestamp(due / 1_000_000).time()
    assert local == time(1, 30) and 0 < due - now <= 25 * 3_600_000_000
