"""Which log may go from the log volumes. Pure decisions; the caller deletes.

Log stays on the log volumes until every target has it and a verified backup there contains it, until every standby has
it, and for a number of hours anyhow. When a log volume is fuller than the alarm says, the hours count no more: what may
go goes, and an operator hears of it, long before deliveries would stop. (At the targets: retention.py.)
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pillarbox.model.recovery import LogUsage
from pillarbox.recovery.archive import Coverage
from pillarbox.recovery.archived import Mark


class Prunable(NamedTuple):
    """All log up to record `upto` may go, as far as safety is concerned; None: nothing may.

    `because` says what holds the rest, in a sentence.
    """

    upto: Mark | None
    because: str


class Decision(NamedTuple):
    """Prune up to record `upto` (None: do not), and tell `alarm` if it is not empty."""

    upto: Mark | None
    alarm: str


def prunable(
    covered: Sequence[Coverage], verified: Mapping[str, Mark], standbys: Mapping[str, Mark] | None = None
) -> Prunable:
    """What is safe elsewhere.

    `covered`: what each target has (`Archiver.coverage`). `verified`: the last record in the newest verified backup at
    each target, by label. `standbys`: the last record that each standby has, by name; only those that the log waits
    for.
    """
    limits: list[tuple[Mark, str]] = []
    if not covered:
        return Prunable(None, "no target is set, so there is no backup that would replace the log")
    for target, chain in covered:
        point = verified.get(target)
        if chain is None:
            return Prunable(None, f"{target} has none of the log, or cannot be asked")
        if point is None:
            return Prunable(None, f"{target} has no verified backup")
        if chain.first[0] == point[0] and chain.first[1] > point[1] + 1:
            return Prunable(
                None,
                f"{target} has the log only from record {chain.first[1]} on, and the newest verified backup ends "
                f"with record {point[1]}: make a backup",
            )
        limits.append((point, f"the newest verified backup at {target} ends with record {point[1]}"))
        limits.append((chain.last, f"{target} has the log up to record {chain.last[1]}"))
    limits += [
        (mark, f"the standby {name} has the log up to record {mark[1]}") for name, mark in (standbys or {}).items()
    ]
    return Prunable(*min(limits, key=lambda limit: limit[0]))


def decide_pruning(safe: Prunable, aged: Mark | None, usage: Sequence[LogUsage], alarm_percent: int) -> Decision:
    """What to prune now.

    `aged`: the last record that is older than the hours that log is kept (`Archiver.aged`).
    """
    full = [volume for volume in usage if percent_full(volume) >= alarm_percent]
    if not full:
        return Decision(min(safe.upto, aged) if safe.upto and aged else None, "")
    worst = max(full, key=percent_full)
    alarm = f"Log volume {worst.path} is {percent_full(worst):.0f} % full ({worst.free >> 20} MiB are free). "
    if safe.upto is None:
        return Decision(None, f"{alarm}No log may be pruned: {safe.because}.")
    return Decision(safe.upto, f"{alarm}Log is pruned before its time, up to record {safe.upto[1]}: {safe.because}.")


def percent_full(volume: LogUsage) -> float:
    """How full a volume is, 0 to 100."""
    return 100.0 * (volume.size - volume.free) / volume.size if volume.size > 0 else 100.0
