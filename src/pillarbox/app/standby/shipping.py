"""The active server's part: serves standbys, and tells the workers what they have acknowledged.

`ShippingService` is a job of the keeper. It hears of each commit by a datagram (and looks each second), sends the log
to every standby that is connected, makes fresh copies where a standby needs one, and keeps the board by which mode sync
releases answers. It meets its peer from time to time: where that one has taken over, this site becomes a standby and
the server is stopped at once. When it is told to stop it goes on until the standbys have all of the log, for a while.
"""

import asyncio
import os
import signal
import socket
from contextlib import ExitStack, suppress

from pillarbox import __version__
from pillarbox.app.build import database_names
from pillarbox.app.site import Site
from pillarbox.app.standby.board import BoardWriter, State, commits_path, decode_commit
from pillarbox.app.standby.gauges import Gauges
from pillarbox.app.standby.roles import meet_peer, own_hello, replaced_by, sources_of, step_back
from pillarbox.app.standby.session import Session
from pillarbox.app.standby.talk import Talk, parse_address
from pillarbox.app.standby.trust import Trust
from pillarbox.base import metrics
from pillarbox.base.clock import Clock, SystemClock
from pillarbox.base.log import Log
from pillarbox.base.metrics import Counters
from pillarbox.model.failure import Failure
from pillarbox.model.logged import AlarmKind
from pillarbox.recovery.standby.messages import Hello, Refused
from pillarbox.recovery.standby.shipper import Shipper

_TICK_SECONDS = 1.0
_MEET_SECONDS = 5.0
_LAST_SECONDS = 10.0


class ShippingService:
    """See the module."""

    def __init__(self, site: Site, log: Log, counters: Counters, clock: Clock | None = None) -> None:
        self._site = site
        self._log = log
        self._counters = counters
        self._clock = clock or SystemClock()
        self._gauges = Gauges(counters)
        self._trust = Trust(site)
        self._sessions: set[Session] = set()
        self._board: BoardWriter
        self._followed_at = 0.0
        self._gone = False
        self._stepped_back = False

    def troubles(self) -> list[str]:
        """What is wrong now, a sentence each."""
        if self._gone and self._site.settings.standby.mode == "sync":
            return ["no standby has the log: answers do not wait for one, or are refused, as the settings say"]
        return []

    async def run(self, stop: asyncio.Event) -> None:
        """Serves standbys until told to stop, and then until they have all."""
        loop = asyncio.get_running_loop()
        self._board = BoardWriter(self._site, database_names(self._site))
        self._followed_at = self._clock.monotonic()
        host, port = parse_address(self._site.settings.standby.listen)
        with ExitStack() as stack:
            stack.callback(self._board.close)
            inbox = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
            self._bind(inbox)
            loop.add_reader(inbox.fileno(), self._heard, inbox)
            stack.callback(loop.remove_reader, inbox.fileno())
            server = await asyncio.start_server(self._serve, host, port, ssl=self._trust.server, limit=1 << 20)
            stack.callback(server.close)
            ticking = asyncio.create_task(self._tick())
            meeting = asyncio.create_task(self._meet())
            stopping = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait((ticking, meeting, stopping), return_when=asyncio.FIRST_COMPLETED)
                if stop.is_set():
                    await self._finish()
            finally:
                for task in (ticking, meeting, stopping):
                    task.cancel()
                results = await asyncio.gather(ticking, meeting, stopping, return_exceptions=True)
            for session in list(self._sessions):
                session.close()
        for result in results:
            if isinstance(result, Exception):
                raise result

    def _bind(self, inbox: socket.socket) -> None:
        path = commits_path(self._site)
        path.unlink(missing_ok=True)
        inbox.setblocking(False)
        inbox.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        inbox.bind(str(path))

    def _heard(self, inbox: socket.socket) -> None:
        """Somebody committed."""
        for _ in range(100):
            try:
                name, point = decode_commit(inbox.recv(512))
            except BlockingIOError:
                break
            except ValueError:
                continue
            for session in self._sessions:
                session.note(name, point)
        for session in self._sessions:
            session.wake()

    # --- connections ----------------------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = Talk(reader, writer)
        try:
            if talk.knows(self._trust):
                await self._greet(talk)
            else:
                self._log.warning("standby refused", reason="its certificate is not among the peers")
        except (OSError, TimeoutError, Failure) as error:
            self._log.warning("standby connection ended", reason=str(error) or "it was silent")
        except asyncio.CancelledError:
            pass  # the keeper ends
        finally:
            talk.close()

    async def _greet(self, talk: Talk) -> None:
        hello = await talk.next()
        if not isinstance(hello, Hello):
            return
        if hello.role == "active":
            ours = await asyncio.to_thread(own_hello, self._site)
            talk.say(ours)
            await talk.drain()
            if reason := replaced_by(ours, hello):
                self._step_back(reason)
            return
        sources = await asyncio.to_thread(sources_of, self._site)
        shipper = Shipper(sources, self._site.settings.server.hostname, __version__, self._clock)
        talk.say(shipper.hello())
        try:
            shipper.receive(hello)
        except Failure as failure:
            talk.say(Refused(failure.public))
            raise
        session = Session(talk, shipper, self._acknowledged, self._counters, self._log, self._clock)
        self._sessions.add(session)
        self._log.info("standby connected", standby=shipper.peer)
        try:
            await session.run()
        finally:
            self._sessions.discard(session)
            self._log.info("standby disconnected", standby=shipper.peer)

    def _acknowledged(self, session: Session) -> None:
        """A standby has more: let those who wait for it know."""
        if not session.shipper.caught_up:
            return
        news = False
        for name, link in session.shipper.links.items():
            if link.acked is not None:
                news = self._board.acknowledge(name, link.acked.generation, link.acked.lsn) or news
        if self._board.state is not State.FOLLOWED:
            self._look_after()
        elif news:
            self._board.tell()

    # --- each second ----------------------------------------------------------------------------------------------

    async def _tick(self) -> None:
        while True:
            self._board.look_around()
            self._look_after()
            for session in list(self._sessions):
                session.wake()
            self._measure()
            await asyncio.sleep(_TICK_SECONDS)

    def _look_after(self) -> None:
        """Whether answers should wait for a standby, and whoever must know of a change does."""
        settings, now = self._site.settings.standby, self._clock.monotonic()
        if any(session.keeps_up(settings.patience_seconds) for session in self._sessions):
            self._followed_at = now
            if self._board.state is not State.FOLLOWED:
                self._board.set_state(State.FOLLOWED)
            if self._gone:
                self._gone = False
                self._alarm(AlarmKind.STANDBY_BACK, "A standby has all of the log again.")
        elif not self._gone and now - self._followed_at >= settings.patience_seconds:
            self._gone = True
            self._board.set_state(State.GONE)
            policy = "Writes are refused" if settings.when_gone == "stop" else "Answers do not wait for one"
            effect = f"{policy} until one is back." if settings.mode == "sync" else "Its log falls behind."
            self._alarm(AlarmKind.STANDBY_GONE, f"No standby has been there for a while. {effect}")

    def _measure(self) -> None:
        """The lag of the best standby."""
        self._gauges.set(metrics.STANDBYS, sum(session.shipper.caught_up for session in self._sessions))
        for name in database_names(self._site):
            with suppress(Failure, OSError):
                lags = [lag for session in self._sessions if (lag := session.shipper.lag(name)) is not None]
                self._gauges.set_lag(name, min(lags, default=None))

    def _alarm(self, kind: AlarmKind, text: str) -> None:
        self._log.error("alarm", kind=kind.value, text=text)
        self._counters.count(metrics.ALARMS, kind=kind.value)

    async def _meet(self) -> None:
        """Asks the peer, if there is one, whether it has taken over."""
        while self._site.settings.standby.server:
            if reason := await meet_peer(self._site):
                self._step_back(reason)
            await asyncio.sleep(_MEET_SECONDS)
        await asyncio.Event().wait()

    def _step_back(self, reason: str) -> None:
        """Another server has taken over: this one stops at once, without waiting for its clients."""
        if self._stepped_back:
            return
        self._stepped_back = True
        step_back(self._site, reason)
        self._alarm(AlarmKind.REPLACED, f"This server stops serving and follows: {reason}.")
        os.kill(os.getppid(), signal.SIGUSR1)

    async def _finish(self) -> None:
        """The workers have ended: let the standbys have what they wrote last."""
        if self._stepped_back:
            return
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _LAST_SECONDS
        while loop.time() < deadline:
            with suppress(Failure):
                if all(session.shipper.complete for session in self._sessions):
                    return
            for session in list(self._sessions):
                session.wake()
            await asyncio.sleep(0.02)
