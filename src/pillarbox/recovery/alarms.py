"""What an operator must hear about drills, as values. Pure: whoever holds or schedules drills passes them on."""

from collections.abc import Iterator, Sequence
from datetime import tzinfo
from enum import Enum
from typing import NamedTuple

from pillarbox.base.clock import MICROSECONDS
from pillarbox.recovery.history import DrillRecord
from pillarbox.recovery.schedule import Schedule, last_due
from pillarbox.recovery.words import date, duration


class DrillAlarmKind(Enum):
    """The value is the name used in logs and metrics."""

    FAILED = "drill-failed"  # a database did not come back, or came back damaged
    DIFFERENT = "drill-different"  # what came back is not what the live database holds
    SLOW = "drill-slow"  # all came back, later than promised
    MISSED = "drill-missed"  # none was held though the schedule asked for one


class DrillAlarm(NamedTuple):
    """`text` is one sentence; `database` is empty where it is about all of them."""

    kind: DrillAlarmKind
    database: str
    text: str


def alarms_of(record: DrillRecord) -> Iterator[DrillAlarm]:
    """What is alarming about a drill."""
    for drill in record.databases:
        wrong = [*([drill.failure] if drill.failure else []), *drill.findings]
        if wrong:
            yield DrillAlarm(DrillAlarmKind.FAILED, drill.database, _first_of(f"drill of {drill.database}", wrong))
        if drill.differences:
            what = f"{drill.database} as restored differs from the live one at record {drill.lsn}"
            yield DrillAlarm(DrillAlarmKind.DIFFERENT, drill.database, _first_of(what, drill.differences))
    if record.restored and not record.kept:
        yield DrillAlarm(
            DrillAlarmKind.SLOW,
            "",
            f"the drill took {duration(record.seconds)} to bring everything back, "
            f"{duration(record.promised_hours * 3600)} are promised",
        )


def missed(
    schedule: Schedule | None,
    history: Sequence[DrillRecord],
    now: int,
    grace_seconds: float,
    since: int = 0,
    zone: tzinfo | None = None,
) -> DrillAlarm | None:
    """The alarm for a drill that was due, and of which the history knows nothing `grace_seconds` later.

    One held by hand since counts. What was due before `since` is not missed: then there was nothing to restore yet.
    """
    if schedule is None:
        return None
    due = last_due(now - int(grace_seconds * MICROSECONDS), schedule, zone)
    if due < since or any(record.when >= due for record in history):
        return None
    last = f"the last one was on {date(history[-1].when)}" if history else "there never was one"
    return DrillAlarm(DrillAlarmKind.MISSED, "", f"the drill due on {date(due)} was not held; {last}")


def _first_of(what: str, sentences: Sequence[str]) -> str:
    more = f" (and {len(sentences) - 1} more)" if len(sentences) > 1 else ""
    return f"{what}: {sentences[0]}{more}"
