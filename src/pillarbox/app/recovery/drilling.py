"""Drills on a site: by command, and as the keeper's job on a schedule.

Every database is restored from the newest backup and the archived log (or the live log where none is archived) into
the scratch directory, each in a process of its own, and compared with the living one. Raises `Failure`.
"""

import asyncio
import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from pillarbox.app.recovery.pausing import pause
from pillarbox.app.recovery.prospects import drill_alarms, drill_history
from pillarbox.app.recovery.restoring import Request, discard, recovering, restore_many
from pillarbox.app.recovery.wiring import live_database, live_databases, open_targets, read_identities, state_directory
from pillarbox.app.site import Site
from pillarbox.base import metrics
from pillarbox.base.clock import MICROSECONDS, Clock
from pillarbox.base.failure import FailureKind
from pillarbox.base.ids import SystemIds
from pillarbox.base.log import Log
from pillarbox.base.metrics import Counters
from pillarbox.database.comparing import compare_with_live
from pillarbox.model.failure import Failure
from pillarbox.recovery.drill import DrillPlan, Rehearsal, Restored, Told, run_drill
from pillarbox.recovery.exclusive import exclusively
from pillarbox.recovery.history import DrillRecord, Trigger
from pillarbox.recovery.restore import RestoreProgress, RestoreResult
from pillarbox.recovery.schedule import last_due, parse_schedule

_LOOK_SECONDS = 20.0
_LATE = 3600 * MICROSECONDS
LOCK = "drill.lock"


def hold_drill(
    site: Site,
    trigger: Trigger,
    clock: Clock,
    identities: Sequence[Path] = (),
    told: Told = lambda database, step: None,
    hear: Callable[[RestoreProgress], None] = lambda progress: None,
    workers: int = 0,
) -> DrillRecord:
    """Hold a drill now, and write down how it went.

    Raises IN_USE where one is being held, INVALID without a target, NOT_ALLOWED without the key that is needed.
    """
    settings = site.settings
    if not identities and settings.drill.identity:
        identities = [site.path / settings.drill.identity]
    open_targets(site)
    read_identities(identities)
    if settings.backup.recipients and not identities:
        raise Failure(
            FailureKind.NOT_ALLOWED,
            "backups are encrypted: give the private key with --identity, or name its file in [drill] identity",
        )
    with exclusively(state_directory(site) / LOCK, "another drill"):
        rehearsals = [_rehearsal(site, each.name, tuple(identities), hear) for each in live_databases(site)]
        plan = DrillPlan(trigger, workers or os.cpu_count() or 1, settings.promise.hours)
        return run_drill(rehearsals, plan, drill_history(site), clock, SystemIds(), told)


def _rehearsal(
    site: Site, name: str, identities: tuple[Path, ...], hear: Callable[[RestoreProgress], None]
) -> Rehearsal:
    scratch = site.path / site.settings.drill.scratch / name
    archived = site.settings.backup.archive_seconds > 0
    request = Request(site.path, name, scratch, identities=identities, live=not archived)
    return Rehearsal(
        name, partial(_restore, request, hear), partial(_compare, site, request), partial(discard, request)
    )


def _restore(request: Request, hear: Callable[[RestoreProgress], None]) -> RestoreResult:
    discard(request)  # what an interrupted drill left would make this one look faster than it is
    result = restore_many([request], 1, hear, lambda text: None)[request.database]
    if isinstance(result, Failure):
        raise result
    return result


def _compare(site: Site, request: Request, restored: Restored) -> Iterable[str]:
    return compare_with_live(recovering(request), live_database(site, request.database))


class DrillJob:
    """The drills of the schedule; `app.keeper.Job`. Alarms are raised for one that fails, is missed or too slow."""

    def __init__(self, site: Site, log: Log, counters: Counters, clock: Clock) -> None:
        self._site = site
        self._log = log
        self._counters = counters
        self._clock = clock
        self._schedule = parse_schedule(site.settings.drill.time, site.settings.drill.days)
        self._alarms: list[str] = []
        self._tried = 0

    async def run(self, stop: asyncio.Event) -> None:
        """See `Job`."""
        while not stop.is_set():
            if self._schedule is not None and self._due():
                await asyncio.to_thread(self._hold)
            self._look()
            await pause(stop, _LOOK_SECONDS)

    def troubles(self) -> list[str]:
        """See `Job`."""
        return list(self._alarms)

    def _due(self) -> bool:
        assert self._schedule is not None
        now = self._clock.now()
        due = last_due(now, self._schedule)
        if now - due > _LATE or due <= self._tried:
            return False  # missed: `drill_alarms` says so; nobody wants it at noon instead
        return all(record.when < due for record in drill_history(self._site).records())

    def _hold(self) -> None:
        self._tried = self._clock.now()
        self._log.info("drill begins")
        try:
            record = hold_drill(self._site, Trigger.SCHEDULE, self._clock)
        except Failure as failure:
            self._log.error("alarm", kind="drill-failed", text=failure.public)
            self._counters.count(metrics.ALARMS, kind="drill-failed")
            return
        self._counters.count(metrics.DRILLS, outcome="ok" if record.ok else "failed")
        self._log.info("drill over", ok=record.ok, seconds=round(record.seconds, 1))

    def _look(self) -> None:
        """Each alarm once, when it comes up."""
        alarms = drill_alarms(self._site, drill_history(self._site).records(), self._clock.now())
        for alarm in alarms:
            if alarm.text not in self._alarms:
                self._log.error("alarm", kind=alarm.kind.value, text=alarm.text)
                self._counters.count(metrics.ALARMS, kind=alarm.kind.value)
        self._alarms = [alarm.text for alarm in alarms]
