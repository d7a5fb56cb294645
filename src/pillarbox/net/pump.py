"""The one loop that drives every wire session: bytes in, events to the handler, replies out.

A `Pump` serves the connections of one listener. Each has a task of its own that runs a `_Conversation`: it takes
events from the session, one at a time and in order, and gives them to the handler; the contract is in `handler.py`
and `wire/session.py`.

- A peer that is silent, or does not read, for the timeout of the session's state is sent away (`timed_out`).
- An exception out of session or handler is our bug: logged with its traceback and the session id, `crashed`, closed.
- `closed` is called exactly once for each handler, whatever happened.
- A peer that resets its connection is not an error. One that shuts down only its sending side is answered in full.
- `stop`: every conversation at rest is told `shutting_down`, and again after each event where the handler chose to
  let its client finish something first; after `drain_seconds` what is left is cut. Work under way gets a moment to
  end even then.

Not here: accepting (`listen.py`), what is said (the handlers).
"""

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass
from socket import socket
from typing import Any

from pillarbox.base import metrics
from pillarbox.base.ids import Ids
from pillarbox.base.log import Log
from pillarbox.base.metrics import Counters
from pillarbox.net.channel import Channel
from pillarbox.net.handler import ConnectionClosed, Handler, Serve
from pillarbox.net.limits import Limits
from pillarbox.net.tls import ServerTls
from pillarbox.wire.session import CLOSED, NEED_DATA, ProtocolError, Session

_TURN = 64  # events handled before other connections get a turn; also, how many are counted at once
_MERCY = 5.0  # seconds that work under way gets after the drain time is over
_TOKEN = 10


@dataclass(frozen=True, slots=True)
class Service:
    """What a listener offers.

    `protocol` names it in logs and metrics. `refusal` is what a client above the limits is told (not on a port that
    begins with TLS). Without `tls`, no session may be `starting_tls`.
    """

    protocol: str
    serve: Serve
    limits: Limits
    refusal: bytes
    tls: ServerTls | None = None
    implicit_tls: bool = False
    handshake_seconds: float = 30.0


class Pump:
    """The connections of one listener; see the module's contract."""

    def __init__(self, service: Service, ids: Ids, log: Log, counters: Counters) -> None:
        self.service = service  # may be replaced; connections that are open keep the handler they have
        self.log = log
        self.counters = counters
        self.stopping = False
        self._ids = ids
        self._tasks: dict[Channel, asyncio.Task[None]] = {}

    @property
    def open(self) -> int:
        """Connections being served now, those in their TLS handshake included."""
        return len(self._tasks)

    def accept(self, sock: socket, peer: str) -> None:
        """Serves a connection; the socket is the pump's from now on. Call it on the event loop."""
        service, counters = self.service, self.counters
        if self.stopping or not service.limits.enter(peer):
            counters.count(metrics.CONNECTIONS_REFUSED, protocol=service.protocol)
            _refuse(sock, b"" if service.implicit_tls else service.refusal)
            return
        loop = asyncio.get_running_loop()
        channel = Channel(loop, self._ids.token(_TOKEN), peer, service.protocol, self.log)
        self._tasks[channel] = loop.create_task(self._serve(service, channel, sock))

    async def stop(self, drain_seconds: float) -> None:
        """Ends all conversations, politely for `drain_seconds`; returns when none is left."""
        self.stopping = True
        await asyncio.sleep(0)  # a task that has not begun yet would not clean up
        for channel, task in tuple(self._tasks.items()):
            if channel.connected:
                channel.notify()
            else:
                task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=drain_seconds)
        for channel in tuple(self._tasks):
            channel.abort()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks.values(), timeout=_MERCY)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _serve(self, service: Service, channel: Channel, sock: socket) -> None:
        """One connection from its first byte to its last; `service` counted it among its limits."""
        counters = self.counters
        protocol = service.protocol
        counters.count(metrics.CONNECTIONS, protocol=protocol)
        counters.adjust(metrics.CONNECTIONS_OPEN, 1, protocol=protocol)
        try:
            if await self._connect(channel, sock):
                await self._converse(channel)
        finally:
            del self._tasks[channel]
            service.limits.leave(channel.peer)
            counters.adjust(metrics.CONNECTIONS_OPEN, -1, protocol=protocol)
            counters.count(metrics.OCTETS_RECEIVED, channel.octets_received, protocol=protocol)
            counters.count(metrics.OCTETS_SENT, channel.octets_sent, protocol=protocol)

    async def _connect(self, channel: Channel, sock: socket) -> bool:
        """Takes the socket over, with the TLS handshake where the port begins with it; whether there is a peer.

        The loop closes the socket also where this fails; closing it here too could hit its number's next owner.
        """
        loop = asyncio.get_running_loop()
        service = self.service
        credentials = service.tls.current if service.implicit_tls and service.tls is not None else None
        try:
            if credentials is None:
                await loop.connect_accepted_socket(lambda: channel, sock)
                return True
            channel.private = True
            await loop.connect_accepted_socket(
                lambda: channel, sock, ssl=credentials.context, ssl_handshake_timeout=service.handshake_seconds
            )
            channel.secured(credentials)
        except (OSError, ConnectionClosed) as error:
            if credentials is not None:
                self.tls_failed(channel, error)
            return False
        return True

    def tls_failed(self, channel: Channel, error: BaseException) -> None:
        """A handshake that did not succeed: the peer's affair, worth a count."""
        self.counters.count(metrics.TLS_FAILURES, protocol=self.service.protocol)
        reason = (
            error.reason if isinstance(error, ssl.SSLError) and error.reason else str(error) or type(error).__name__
        )
        channel.log("TLS handshake failed", reason=reason)

    async def _converse(self, channel: Channel) -> None:
        try:
            session, handler = self.service.serve(channel)
        except Exception as error:
            self.crash(channel, error, "connecting")
            channel.abort()
            return
        conversation = _Conversation(self, channel, session, handler)
        try:
            await conversation.run()
        except asyncio.CancelledError:
            channel.abort()
            raise
        finally:
            try:
                handler.closed()
            except Exception as error:
                self.crash(channel, error, session.phrase)
        await channel.finish(linger=conversation.abrupt)

    def crash(self, channel: Channel, error: Exception, phrase: str) -> None:
        """Reports an error of our own."""
        protocol = self.service.protocol
        self.counters.count(metrics.CRASHES, protocol=protocol)
        self.log.error(
            "internal error",
            session=channel.session_id,
            peer=channel.peer,
            protocol=protocol,
            phrase=phrase,
            exc_info=error,
        )


class _Conversation:
    """One connection while it is being served."""

    __slots__ = (
        "_channel",
        "_events",
        "_handler",
        "_heard",
        "_loop",
        "_pump",
        "_session",
        "_silent_until",
        "_told",
        "abrupt",
    )

    def __init__(self, pump: Pump, channel: Channel, session: Session[Any, Any], handler: Handler[Any]) -> None:
        self._pump = pump
        self._channel = channel
        self._session = session
        self._handler = handler
        self._loop = asyncio.get_running_loop()
        self._heard = -1  # octets received when `_silent_until` was set
        self._silent_until = 0.0
        self._told = False  # `shutting_down` was called since the last event
        self._events = 0  # handled and not counted yet
        self.abrupt = False  # the peer may not expect the end and still be sending

    async def run(self) -> None:
        """Greets, and talks until one of both sides has had enough. Raises nothing but CancelledError."""
        try:
            await self._handler.connected()
            self._channel.attach(self._session)
            await self._talk()
        except ConnectionClosed:
            pass
        except Exception as error:
            await self._crashed(error)
        finally:
            self._count()

    async def _talk(self) -> None:
        channel, session, handle = self._channel, self._session, self._handler.handle
        turn = 0
        while not (session.closing or channel.lost):
            event = session.next_event()
            if event is NEED_DATA:
                if channel.fault is not None:
                    raise channel.fault
                turn = 0
                await self._rest()
                continue
            if event is CLOSED:
                return
            if isinstance(event, ProtocolError):
                self._protocol_error(event)
            else:
                await handle(event)
            self._events += 1
            self._told = False
            if session.starting_tls:
                await self._start_tls()
            elif channel.write_paused:
                await channel.drain()
            turn += 1
            if turn == _TURN:
                turn = 0
                await asyncio.sleep(0)

    async def _rest(self) -> None:
        """Nothing is left to handle: see to what has come up meanwhile, or wait."""
        channel = self._channel
        channel.all_taken()
        if self._events >= _TURN:
            self._count()
        if channel.woken:
            channel.woken = False
            await self._handler.woken()
        elif self._pump.stopping and not self._told:
            self._told = self.abrupt = True
            await self._handler.shutting_down()
        elif channel.write_paused:
            await channel.drain()
        else:
            channel.flush()
            if self._heard != channel.octets_received:
                self._heard = channel.octets_received
                self._silent_until = self._loop.time() + self._session.timeout
            await channel.wait(self._silent_until)
            if channel.expired:
                await self._timed_out()

    async def _timed_out(self) -> None:
        self._pump.counters.count(metrics.TIMEOUTS, protocol=self._pump.service.protocol)
        self._channel.log("timed out", phrase=self._session.phrase)
        self.abrupt = True
        await self._handler.timed_out()
        raise ConnectionClosed

    def _protocol_error(self, error: ProtocolError) -> None:
        self._channel.write(error.answer)
        self.abrupt = True
        self._pump.counters.count(metrics.PROTOCOL_ERRORS, protocol=self._pump.service.protocol)
        self._channel.log("protocol error", reason=error.reason)

    async def _start_tls(self) -> None:
        tls = self._pump.service.tls
        assert tls is not None, "a session began TLS on a service without a certificate"
        try:
            info = await self._channel.start_tls(tls.current, self._pump.service.handshake_seconds)
        except OSError as error:
            self._pump.tls_failed(self._channel, error)
            self._channel.abort()
            raise ConnectionClosed from error
        self._session.tls_started(info)
        self._channel.attach(self._session)

    async def _crashed(self, error: Exception) -> None:
        pump, channel = self._pump, self._channel
        pump.crash(channel, error, self._session.phrase)
        self.abrupt = True
        if channel.lost:
            return
        with suppress(ConnectionClosed):
            try:
                await self._handler.crashed()
            except Exception as second:
                pump.crash(channel, second, "after an internal error")

    def _count(self) -> None:
        if self._events:
            self._pump.counters.count(metrics.COMMANDS, self._events, protocol=self._pump.service.protocol)
            self._events = 0


def _refuse(sock: socket, refusal: bytes) -> None:
    with suppress(OSError):
        sock.setblocking(False)
        sock.send(refusal)
    sock.close()
