"""The keeper's job of archiving: the log of every database to every target each second.

How far each target is goes into `state/archive.json` and the metrics.
"""

import asyncio
import threading
from collections.abc import Sequence

from pillarbox.app.recovery.pausing import pause
from pillarbox.app.recovery.wiring import live_databases, make_codec, open_targets, state_directory
from pillarbox.app.site import Site
from pillarbox.base import metrics
from pillarbox.base.clock import Clock
from pillarbox.base.log import Log
from pillarbox.base.metrics import Counters
from pillarbox.database.live import LiveVolumes
from pillarbox.model.failure import Failure
from pillarbox.recovery.archive import Archiver, Lag
from pillarbox.recovery.state import ARCHIVE, LagState, write_lags


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
        while not ending.wait(self._site.settings.backup.archive_seconds):
            self._lags[name] = archiver.step()
        self._lags[name] = archiver.step()  # what came while the workers stopped
        archiver.close()

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


def _states(lags: Sequence[Lag], now: int) -> dict[str, LagState]:
    return {lag.target: LagState(lag.lsn, lag.seconds, lag.octets, lag.records, now) for lag in lags}


def archive_now(site: Site, clock: Clock, rounds: int = 100) -> list[str]:
    """Send all log that is committed to every target, now; what did not work, a sentence each."""
    problems: list[str] = []
    codec = make_codec(site)
    for database in live_databases(site):
        archiver = Archiver(database, open_targets(site), codec, clock, patience=60.0)
        try:
            for _ in range(rounds):
                lags = archiver.step()
                if all(lag.records == 0 for lag in lags) or any(lag.alarm for lag in lags):
                    break
            problems += [lag.alarm for lag in lags if lag.alarm]
        except Failure as failure:
            problems.append(failure.public)
        finally:
            archiver.close()
    return problems
