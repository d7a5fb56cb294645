"""The committing side in a worker or command: the keeper hears of each commit, and in mode sync answers wait.

Policy when no standby has a record within `patience_seconds`, or none has been there for so long: "continue" answers
at once from then on, with an alarm; "stop" answers with a temporary failure. What was refused so is committed on this
server all the same, and will be on the standby as well once it is back: a client that sends the same letter again
delivers it twice, which is the price of never losing one. Only workers wait; a command's writes (`user add`, `import`)
are shipped like all others, but nobody waits for them.
"""

import asyncio
import os
import socket
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from pillarbox.app.site import Site
from pillarbox.app.standby.board import BoardReader, State, acks_directory, commits_path, encode_commit
from pillarbox.base.clock import Clock
from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.logged import Alarm, AlarmKind
from pillarbox.model.recovery import LogPoint
from pillarbox.model.standby import Release, Safeguard

_LOOK_SECONDS = 0.1


class Announcer:
    """Tells the keeper of commits; never waits, never raises."""

    def __init__(self, site: Site) -> None:
        self._path = str(commits_path(site))
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def tell(self, database: str, point: LogPoint) -> None:
        with suppress(OSError):  # no keeper, or a busy one: it looks for itself each second
            self._socket.sendto(encode_commit(database, point), self._path)

    def close(self) -> None:
        self._socket.close()


class TellingGuard:
    """Mode async: the keeper hears of commits, and nobody waits."""

    def __init__(self, database: str, announcer: Announcer) -> None:
        self._database = database
        self._announcer = announcer
        self._last = LogPoint(0, 0, 0, 0)

    def confirm(self, point: LogPoint, release: Release) -> None:
        if point != self._last:
            self._last = point
            self._announcer.tell(self._database, point)
        release(None)


class WaitingGuard:
    """Mode sync, for one database in one process. `confirm` comes from the writer thread, `look` from the loop."""

    def __init__(
        self,
        database: str,
        announcer: Announcer,
        board: BoardReader,
        patience: float,
        stops: bool,
        alarm: Callable[[Alarm], None],
        clock: Clock,
    ) -> None:
        self._database = database
        self._announcer = announcer
        self._board = board
        self._patience = patience
        self._stops = stops
        self._alarm = alarm
        self._clock = clock
        self._gate = threading.Lock()
        self._waiting: deque[tuple[LogPoint, float, Release]] = deque()
        self._last = LogPoint(0, 0, 0, 0)
        self._given_up: LogPoint | None = None

    def confirm(self, point: LogPoint, release: Release) -> None:
        with self._gate:
            if point != self._last:
                self._last = point
                self._announcer.tell(self._database, point)
            self._waiting.append((point, self._clock.monotonic() + self._patience, release))
            self._advance()

    def look(self) -> None:
        """The board may say something new, or somebody may have waited too long."""
        with self._gate:
            if self._waiting:
                self._advance()

    def close(self) -> None:
        """Nobody waits any more."""
        with self._gate:
            self._release_all(self._refusal())

    def _advance(self) -> None:
        acknowledged = self._board.acknowledged(self._database)
        waiting = self._waiting
        while waiting and waiting[0][0][:2] <= acknowledged:
            waiting.popleft()[2](None)
        if self._given_up is not None and acknowledged >= self._given_up[:2]:
            self._given_up = None
        if not waiting:
            return
        if self._board.state is State.GONE or self._given_up is not None:
            self._release_all(self._refusal())
        elif waiting[0][1] <= self._clock.monotonic():
            self._given_up = waiting[-1][0]
            self._say_so(waiting[0][0])
            self._release_all(self._refusal())

    def _release_all(self, failure: Failure | None) -> None:
        while self._waiting:
            self._waiting.popleft()[2](failure)

    def _refusal(self) -> Failure | None:
        if not self._stops:
            return None
        return Failure(FailureKind.UNAVAILABLE, "No standby server has this letter yet; try again later.")

    def _say_so(self, point: LogPoint) -> None:
        policy = "writes are refused" if self._stops else "going on without one"
        text = f"No standby had record {point.lsn} within {self._patience:g} seconds: {policy} until one has it."
        self._alarm(Alarm(self._database, AlarmKind.STANDBY_GONE, text))


class Guards:
    """All guards of one process."""

    def __init__(self, site: Site, name: str, waits: bool, alarm: Callable[[Alarm], None], clock: Clock) -> None:
        """`waits`: answers of this process wait in mode sync."""
        self._site = site
        self._alarm = alarm
        self._clock = clock
        self._announcer = Announcer(site)
        self._board = BoardReader(site) if waits and site.settings.standby.mode == "sync" else None
        self._waiting: list[WaitingGuard] = []
        self._path = acks_directory(site) / f"{name}.sock"
        self._inbox: socket.socket | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None

    def guard(self, database: str) -> Safeguard:
        """The guard of a database that is being opened."""
        if self._board is None:
            return TellingGuard(database, self._announcer)
        settings = self._site.settings.standby
        stops = settings.when_gone == "stop"
        made = WaitingGuard(
            database, self._announcer, self._board, settings.patience_seconds, stops, self._alarm, self._clock
        )
        self._waiting.append(made)  # one that was there before may still have somebody waiting
        return made

    def listen(self, loop: asyncio.AbstractEventLoop) -> None:
        """From now on acknowledgements are heard of at once."""
        if self._board is None:
            return
        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        self._path.unlink(missing_ok=True)
        self._inbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._inbox.setblocking(False)
        self._inbox.bind(str(self._path))
        self._loop = loop
        loop.add_reader(self._inbox.fileno(), self._heard)
        self._look_later()

    def _heard(self) -> None:
        assert self._inbox is not None
        with suppress(BlockingIOError):
            while self._inbox.recv(16):
                pass
        self._look()

    def _look(self) -> None:
        for guard in self._waiting:
            guard.look()

    def _look_later(self) -> None:
        assert self._loop is not None
        self._look()
        self._timer = self._loop.call_later(_LOOK_SECONDS, self._look_later)

    def close(self) -> None:
        """After the databases were closed."""
        for guard in self._waiting:
            guard.close()
        if self._timer is not None:
            self._timer.cancel()
        if self._inbox is not None:
            assert self._loop is not None
            self._loop.remove_reader(self._inbox.fileno())
            self._inbox.close()
            with suppress(OSError):
                os.unlink(self._path)
        self._announcer.close()
        if self._board is not None:
            self._board.close()


def make_guards(site: Site, name: str, waits: bool, alarm: Callable[[Alarm], None], clock: Clock) -> Guards | None:
    """None where standbys are not served: commits then cost nothing more."""
    return Guards(site, name, waits, alarm, clock) if site.settings.standby.listen else None
