"""Moments as people give them: `2026-11-24 10:42:17` in local time, or with a zone, or `10:42` of today."""

from datetime import datetime, time

from pillarbox.base.clock import MICROSECONDS
from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure


def parse_moment(text: str, now: datetime) -> int:
    """Microseconds since 1970 UTC; a text without fractions means the end of that second. Raises Failure INVALID.

    `now` is the present with its zone, for the day and the zone that the text leaves out.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        try:
            moment = datetime.combine(now.date(), time.fromisoformat(text.strip()))
        except ValueError:
            raise Failure(
                FailureKind.INVALID, f'{text!r} is not a time; write "2026-11-24 10:42:17", or "10:42" for today'
            ) from None
    if moment.tzinfo is None:
        # A date of its own decides whether summer time held; `now` only names the machine's zone.
        moment = moment.astimezone()
    whole = int(moment.timestamp()) * MICROSECONDS
    return whole + (moment.microsecond or MICROSECONDS - 1)


def show_moment(microseconds: int) -> str:
    """Local time, to the second."""
    return datetime.fromtimestamp(microseconds / MICROSECONDS).astimezone().isoformat(" ", "seconds")
