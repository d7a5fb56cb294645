"""The keeper's job of making backups: each night one, read back at once, and what is out of date removed.

A backup that was missed (the server was down, a target was not there) is an alarm and is made up for at once; one that
failed is tried again after a while. Once a minute the log volumes are pruned (see `recovery/pruning.py`).
"""

import asyncio

from pillarbox.app.recovery.archiving import ArchiveJob
from pillarbox.app.recovery.backups import due_kind, make_backup, verify_backup
from pillarbox.app.recovery.pausing import pause
from pillarbox.app.recovery.wiring import live_databases, open_targets, state_directory
from pillarbox.app.site import Site
from pillarbox.base import metrics
from pillarbox.base.clock import MICROSECONDS, Clock
from pillarbox.base.failure import FailureKind
from pillarbox.base.log import Log
from pillarbox.base.metrics import Counters
from pillarbox.database.live import LiveVolumes
from pillarbox.model.failure import Failure
from pillarbox.recovery.archive import Coverage
from pillarbox.recovery.backup import Outcome
from pillarbox.recovery.pruning import decide_pruning, prunable
from pillarbox.recovery.retention import apply_retention, rules_of
from pillarbox.recovery.schedule import Schedule, last_due, missed, parse_schedule
from pillarbox.recovery.state import STANDBY, read_backups, read_lags

_LOOK_SECONDS = 20.0
_PRUNE_SECONDS = 60.0
_AGAIN_SECONDS = 900.0
_MISSED_SECONDS = 2 * 3600.0


class BackupJob:
    """See the module; `app.keeper.Job`."""

    def __init__(self, site: Site, log: Log, counters: Counters, clock: Clock) -> None:
        self._site = site
        self._log = log
        self._counters = counters
        self._clock = clock
        self._schedule = parse_schedule(site.settings.backup.time)
        self._not_before = 0
        self._trouble = ""
        self._warned: Schedule | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """See `Job`."""
        while self._schedule is not None and not stop.is_set():
            if self._due(self._schedule):
                await asyncio.to_thread(self._make)
            await pause(stop, _LOOK_SECONDS)

    def troubles(self) -> list[str]:
        """See `Job`."""
        return [self._trouble] if self._trouble else []

    def _due(self, schedule: Schedule) -> bool:
        now = self._clock.now()
        made = [done.started for done in read_backups(state_directory(self._site)) if done.verified]
        last = max(made, default=None)
        if missed(last, now, schedule, grace_seconds=_MISSED_SECONDS) and self._warned is None and made:
            self._warned = schedule
            self._alarm("the backup that was due was not made in time")
        return now >= self._not_before and (last is None or last < last_due(now, schedule))

    def _make(self) -> None:
        try:
            kind = due_kind(self._site, self._clock.now())
            self._log.info("backup begins", kind=kind.value)
            outcome = make_backup(self._site, kind, self._clock, lambda progress: None)
            problems = [*_problems(outcome), *self._check(outcome)]
        except Failure as failure:
            problems = [failure.public]
            if failure.kind is FailureKind.IN_USE:  # somebody makes one by hand: look again soon
                return
        if problems:
            self._counters.count(metrics.BACKUPS, outcome="failed")
            self._not_before = self._clock.now() + int(_AGAIN_SECONDS * MICROSECONDS)
            self._alarm("; ".join(problems))
        else:
            self._counters.count(metrics.BACKUPS, outcome="ok")
            self._trouble, self._warned = "", None
            self._log.info("backup done", seconds=round(outcome.seconds, 1), octets=outcome.octets)

    def _check(self, outcome: Outcome) -> list[str]:
        """Read it back, then remove what is out of date."""
        problems = []
        for target in open_targets(self._site):
            for result in outcome.results:
                if result.label == target.label and result.manifest is not None:
                    checked = verify_backup(self._site, target, result.manifest, [])
                    problems += [f"{target.label}: {finding}" for finding in checked.findings]
            if not problems:
                apply_retention(target, rules_of(self._site.settings.backup), self._clock.now())
        return problems

    def _alarm(self, text: str) -> None:
        self._trouble = f"backup: {text}"
        self._log.error("alarm", kind="backup", text=text)
        self._counters.count(metrics.ALARMS, kind="backup")


class PruneJob:
    """Removes log from the log volumes that is safe elsewhere."""

    def __init__(self, site: Site, log: Log, counters: Counters, clock: Clock, archive: ArchiveJob | None) -> None:
        self._site = site
        self._log = log
        self._counters = counters
        self._clock = clock
        self._archive = archive
        self._alarms: dict[str, str] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """See `Job`."""
        while not stop.is_set():
            await pause(stop, _PRUNE_SECONDS)
            if not stop.is_set():
                await asyncio.to_thread(self.prune)

    def troubles(self) -> list[str]:
        """See `Job`."""
        return sorted(self._alarms.values())

    def prune(self) -> None:
        """One round over all databases."""
        for database in live_databases(self._site):
            try:
                self._tell(database.name, self._prune(database))
            except Failure as failure:
                self._tell(database.name, f"the log of {database.name} cannot be pruned: {failure.public}")

    def _prune(self, database: LiveVolumes) -> str:
        name, settings = database.name, self._site.settings.backup
        covered: list[Coverage] = []
        aged = None
        for mine, archiver in self._archive.archivers if self._archive else []:
            if mine.name == name:
                covered = archiver.coverage()
                aged = archiver.aged(self._clock.now() - int(settings.log_hours * 3600 * MICROSECONDS))
        verified: dict[str, tuple[int, int]] = {}
        for done in read_backups(state_directory(self._site)):
            saved = done.databases.get(name)
            if done.verified and saved is not None:
                verified[done.target] = (saved.generation, saved.lsn)
        generation = database.position().generation
        standbys = {
            peer: (generation, lag.lsn)
            for peer, lag in read_lags(state_directory(self._site) / STANDBY).get(name, {}).items()
        }
        decision = decide_pruning(
            prunable(covered, verified, standbys), aged, database.usage(), settings.log_alarm_percent
        )
        if decision.upto is not None:
            freed = database.prune(*decision.upto)
            if freed:
                self._counters.count(metrics.LOG_PRUNED, freed, database=name)
                self._log.info("log pruned", database=name, upto=decision.upto[1], octets=freed)
        return decision.alarm

    def _tell(self, name: str, alarm: str) -> None:
        """Each alarm once, until it is over."""
        if alarm and name not in self._alarms:
            self._log.error("alarm", kind="log-volume", database=name, text=alarm)
            self._counters.count(metrics.ALARMS, kind="log-volume")
        if alarm:
            self._alarms[name] = alarm
        else:
            self._alarms.pop(name, None)


def _problems(outcome: Outcome) -> list[str]:
    problems = [f"{result.label}: {result.failure.public}" for result in outcome.results if result.failure]
    return problems + [f"database {name}: {failure.public}" for name, failure in outcome.missing]
