"""The keeper's job of archiving: the log of every database to every target each second.

How far each target is goes into `state/archive.json` and the metrics.
"""

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path

from pillarbox.app.recovery.pausing import pause
from pillarbox.app.recovery.wiring import live_databases, make_codec, open_targets, state_directory
from pillarbox.app.site import Site
from pillarbox.base import metrics
from pillarbox.base.clock import Clock
from pillarbox.base.log import Log
from pillarbox.base.metrics import Counters
from pillarbox.database.live import LiveVolumes
from pillarbox.recovery.archive import Archiver, Lag
from pillarbox.recovery.state import ARCHIVE, BACKUPS, LagState, read_backups, write_lags


class ArchiveJob:
    """See the module; `app.keeper.Job`."""

    def __init__(self, site: Site, log: Log, counters: Counters, clock: Clock) -> None:
        self._site = site
        self._log = log
        self._counters = counters
        self._clock = clock
        codec = make_codec(site)
        # A connection of its own for each database's archiver: they run side by side.
        self._archivers = {
            database.name: (database, Archiver(database, open_targets(site), codec, clock))
            for database in live_databases(site)
        }
        self._lags: dict[str, tuple[Lag, ...]] = {}
        self._said: set[str] = set()
        self._backups = state_directory(site) / BACKUPS

    async def run(self, stop: asyncio.Event) -> None:
        """See `Job`."""
        ending = threading.Event()
        threads = [asyncio.create_task(asyncio.to_thread(self._archive, name, ending)) for name in self._archivers]
        writing = asyncio.create_task(self._write(stop))
        await stop.wait()
        ending.set()
        await asyncio.gather(*threads, writing)

    def troubles(self) -> list[str]:
        """See `Job`."""
        return sorted({lag.alarm for lags in self._lags.values() for lag in lags if lag.alarm})

    def _archive(self, name: str, ending: threading.Event) -> None:
        _, archiver = self._archivers[name]
        known = -1
        while not ending.wait(self._site.settings.backup.archive_seconds):
            if (made := _changed_at(self._backups)) != known:
                known = made
                self._note_backups(name, archiver)
            self._lags[name] = archiver.step()
        self._lags[name] = archiver.step()  # what came while the workers stopped
        archiver.close()

    def _note_backups(self, name: str, archiver: Archiver) -> None:
        """Log that was missed before the newest backup of every target is not needed any more."""
        newest: dict[str, tuple[int, int]] = {}
        for done in read_backups(self._backups.parent):
            if name in done.databases:
                newest[done.target] = (done.databases[name].generation, done.databases[name].lsn)
        if newest and all(coverage.target in newest for coverage in archiver.coverage()):
            archiver.note_backup(min(newest.values()))

    async def _write(self, stop: asyncio.Event) -> None:
        gauges: dict[tuple[str, str], float] = {}
        while not stop.is_set():
            await pause(stop, max(self._site.settings.backup.archive_seconds, 0.2))
            now = self._clock.now()
            lags = {name: _states(lags, now) for name, lags in self._lags.items()}
            await asyncio.to_thread(write_lags, state_directory(self._site) / ARCHIVE, lags)
            for name, places in lags.items():
                for target, lag in places.items():
                    before = gauges.get((name, target), 0.0)
                    self._counters.adjust(metrics.ARCHIVE_LAG, lag.seconds - before, database=name, target=target)
                    gauges[name, target] = lag.seconds
            self._say()

    def _say(self) -> None:
        """Each alarm once, when it comes up."""
        now = set(self.troubles())
        for text in sorted(now - self._said):
            self._log.error("alarm", kind="archive", text=text)
            self._counters.count(metrics.ALARMS, kind="archive")
        for text in sorted(self._said - now):
            self._log.info("alarm over", kind="archive", text=text)
        self._said = now

    @property
    def archivers(self) -> Sequence[tuple[LiveVolumes, Archiver]]:
        """All of them, for pruning."""
        return list(self._archivers.values())


def _changed_at(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _states(lags: Sequence[Lag], now: int) -> dict[str, LagState]:
    return {lag.target: LagState(lag.lsn, lag.seconds, lag.octets, lag.records, now) for lag in lags}
