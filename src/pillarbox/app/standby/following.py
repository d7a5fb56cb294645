"""`pillarbox standby`: a site that follows the active server, and can take its place.

`StandbyService` opens every database as a follower (nobody else may write them), connects to the active server again
and again, writes and acknowledges the log as it comes, and plays it into the databases in threads of a low priority.
SIGUSR1 (sent by `pillarbox promote`) makes it take over: `promoted` is true when `run` returns. How it is, once a
second, is in `DIR/run/standby.json` and in the metrics.
"""

import asyncio
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from pillarbox import __version__
from pillarbox.app.build import database_names
from pillarbox.app.site import Site
from pillarbox.app.standby.board import board_path
from pillarbox.app.standby.gauges import Gauges
from pillarbox.app.standby.roles import open_follower, status_path, take_over
from pillarbox.app.standby.standing import note_followed
from pillarbox.app.standby.talk import Talk, dial
from pillarbox.app.standby.trust import Trust
from pillarbox.base import metrics
from pillarbox.base.clock import MICROSECONDS, SystemClock
from pillarbox.base.failure import FailureKind
from pillarbox.base.log import Log
from pillarbox.base.metrics import Counters
from pillarbox.database.follower import Follower
from pillarbox.database.place import Surroundings
from pillarbox.model.failure import Failure
from pillarbox.model.logged import Alarm, AlarmKind
from pillarbox.recovery.jsonfile import append_line, write_whole
from pillarbox.recovery.standby.messages import CopyEnd, Message, Ship
from pillarbox.recovery.standby.receiver import Diverged, Receiver

_RETRY_SECONDS = 1.0
_APPLY_SECONDS = 0.5  # each round flushes the database file, on the disk that the log may share
_TICK_SECONDS = 1.0
_PRUNE_SECONDS = 600
_NICE = 10
_SWITCH_SECONDS = 0.0005
_REPORTS = 1000


class StandbyService:
    """See the module."""

    def __init__(self, site: Site, log: Log, counters: Counters) -> None:
        self._site = site
        self._log = log
        self._counters = counters
        self._gauges = Gauges(counters)
        self._clock = SystemClock()
        self._trust = Trust(site)
        self._surroundings = Surroundings(clock=self._clock, alarm=self._alarm)
        self._followers: dict[str, Follower] = {}
        self._receiver: Receiver | None = None
        self._trouble = "not connected yet"
        self._failures: dict[str, str] = {}
        self.promoted = False

    def troubles(self) -> list[str]:
        """What is wrong now, a sentence each."""
        troubles = [self._trouble] if self._trouble else []
        troubles += [f"database {name} does not follow: {text}" for name, text in self._failures.items()]
        if self._receiver is not None:
            troubles += [f"database {name} is not in [storage] databases here" for name in self._receiver.unknown]
        return troubles

    async def run(self, stop: asyncio.Event, promote: asyncio.Event) -> None:
        """Follows until `stop`, or takes over when `promote` is set. Raises Failure where it cannot begin, or where it
        cannot take over (it is a standby still)."""
        if not self._site.settings.standby.server:
            raise Failure(FailureKind.INVALID, "[standby] server names no active server to follow")
        sys.setswitchinterval(_SWITCH_SECONDS)  # the log's thread must not wait for those that apply
        board_path(self._site).unlink(missing_ok=True)  # what it says is of the time when this site was active
        names = database_names(self._site)
        with ThreadPoolExecutor(len(names), "apply", _lower_priority) as pool:
            try:
                for name in names:
                    self._followers[name] = await asyncio.to_thread(open_follower, self._site, name, self._surroundings)
                await self._follow(pool, stop, promote)
                if promote.is_set() and not stop.is_set():
                    await asyncio.to_thread(take_over, self._site, self._followers, None, False, self._surroundings)
                    self.promoted = True
            finally:
                for follower in self._followers.values():
                    follower.close()

    async def _follow(self, pool: ThreadPoolExecutor, stop: asyncio.Event, promote: asyncio.Event) -> None:
        tasks = [asyncio.create_task(self._connect()), asyncio.create_task(self._tick())]
        applying = [asyncio.create_task(self._apply(each, pool)) for each in self._followers.values()]
        ends = [asyncio.create_task(event.wait()) for event in (stop, promote)]
        try:
            done, _ = await asyncio.wait((*tasks, *applying, *ends), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (*tasks, *applying, *ends):
                task.cancel()
            await asyncio.gather(*tasks, *applying, *ends, return_exceptions=True)
        for task in done:
            if task.exception() is not None:
                task.result()

    # --- the connection -------------------------------------------------------------------------------------------

    async def _connect(self) -> None:
        while True:
            try:
                talk = await dial(self._site.settings.standby.server, self._trust)
            except Failure as failure:
                self._note_trouble(failure.public)
            else:
                try:
                    await self._listen(talk)
                except (Failure, OSError, TimeoutError) as error:
                    self._note_trouble(f"the connection ended: {error or 'the active server is silent'}")
                finally:
                    talk.close()
            await asyncio.sleep(_RETRY_SECONDS)

    async def _listen(self, talk: Talk) -> None:
        receiver = self._receiver = Receiver(self._followers, self._site.settings.server.hostname, __version__)
        talk.say(receiver.hello())
        message: Message | None
        while (message := await talk.next()) is not None:
            while message is not None:
                for answer in receiver.receive(message):
                    talk.say(answer)
                self._note(receiver, message)
                message = talk.at_hand()
            await talk.drain()
        self._note_trouble("the active server ended the connection")

    def _note(self, receiver: Receiver, message: Message) -> None:
        if isinstance(message, Ship):
            octets = len(message.shipment.octets)
            self._counters.count(metrics.STANDBY_OCTETS, octets, database=message.database)
            return
        if isinstance(message, CopyEnd):
            self._counters.count(metrics.STANDBY_COPIES, database=message.database)
            self._log.info("fresh copy in place", database=message.database)
        if self._trouble and receiver.peer:
            self._trouble = ""
            note_followed(self._site, receiver.uuids)
            self._log.info("following", active=receiver.peer)
        while receiver.diverged:
            self._report(receiver.diverged.pop())

    def _note_trouble(self, text: str) -> None:
        if text != self._trouble:
            self._log.warning("not following", reason=text)
        self._trouble = text

    def _report(self, found: Diverged) -> None:
        """Records here that do not count any more: how many, and where they are kept."""
        where = ", ".join(f"{volume / found.database}.diverged-*" for volume in self._site.log_volumes)
        if found.lost is None:
            text = f"{found.database} here was of another history than the active server's; it is kept in {where}."
        else:
            text = (
                f"{found.lost} records of {found.database} were never shipped before another server took over with "
                f"generation {found.generation} after record {found.after}; they are kept in {where}."
            )
        self._alarm(Alarm(found.database, AlarmKind.REPLACED, text))
        row = {"time": self._clock.now(), **found._asdict()}
        append_line(self._site.state / "diverged.jsonl", row, _REPORTS)

    # --- the databases --------------------------------------------------------------------------------------------

    async def _apply(self, follower: Follower, pool: ThreadPoolExecutor) -> None:
        loop, lag = asyncio.get_running_loop(), self._site.settings.standby.lag_seconds
        while True:
            until = self._clock.now() - int(lag * MICROSECONDS) if lag else None
            try:
                count = await _finished(loop.run_in_executor(pool, follower.apply, until))
                self._failures.pop(follower.name, None)
            except Failure as failure:
                count = 0
                if self._failures.get(follower.name) != failure.public:
                    self._log.error("applying failed", database=follower.name, reason=failure.public)
                self._failures[follower.name] = failure.public
                await asyncio.sleep(_RETRY_SECONDS)
            await asyncio.sleep(0 if count > 1000 else _APPLY_SECONDS)

    async def _tick(self) -> None:
        number = 0
        keep = int(self._site.settings.backup.log_hours * 3600 * MICROSECONDS)
        while True:
            for name in self._followers:
                self._gauges.set_lag(name, self._receiver.lag(name) if self._receiver is not None else None)
            with suppress(Failure):
                write_whole(status_path(self._site), self.status())
            if number % _PRUNE_SECONDS == 0:
                for follower in self._followers.values():
                    await asyncio.to_thread(follower.prune, self._clock.now() - keep)
            number += 1
            await asyncio.sleep(_TICK_SECONDS)

    def status(self) -> dict[str, object]:
        """How it is, for programs."""
        receiver = self._receiver
        databases = {}
        for name, follower in self._followers.items():
            end, applied, lag = follower.end(), follower.applied(), receiver.lag(name) if receiver else None
            databases[name] = {
                "generation": end.generation,
                "log": end.lsn,
                "applied": applied.lsn,
                "copied_octets": receiver.copied().get(name) if receiver else None,
                "lag_records": lag.records if lag else None,
                "lag_seconds": round(lag.seconds, 3) if lag else None,
            }
        return {
            "time": self._clock.now(),
            "process": os.getpid(),
            "active": receiver.peer if receiver and not self._trouble else "",
            "troubles": self.troubles(),
            "databases": databases,
        }

    def _alarm(self, alarm: Alarm) -> None:
        self._log.error("alarm", database=alarm.database, kind=alarm.kind.value, text=alarm.text)
        self._counters.count(metrics.ALARMS, kind=alarm.kind.value)


async def _finished(future: "asyncio.Future[int]") -> int:
    """The result; a cancelled caller waits for it too, since the thread goes on all the same."""
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        await asyncio.wait((future,))
        raise


def _lower_priority() -> None:
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
