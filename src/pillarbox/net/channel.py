"""One connection's socket: what came in, what goes out, when it is time to give up. The lower half of the pump.

`Channel` is what asyncio calls back and what a handler sees as its `Connection`. One task drives it (`pump.py`); it
alone calls `wait`, `drain`, `start_tls` and `finish`.

- In: bytes go to the session as they arrive. More than `READ_AHEAD` that the session has not been emptied of stops
  the reading, so memory per connection is bounded; `all_taken` starts it again.
- Out: writes are collected and leave together on the next turn of the loop at the latest.
- Time: one timer for each connection, put off lazily: a command costs no timer.
- `lost` is true once the connection is gone; `drain` then raises `ConnectionClosed`.
"""

import asyncio
from contextlib import suppress
from typing import Any, cast

from pillarbox.base.log import Log
from pillarbox.net.handler import ConnectionClosed
from pillarbox.net.tls import Credentials, tls_info
from pillarbox.wire.session import Session, TlsInfo

READ_AHEAD = 256 * 1024
WRITE_TOGETHER = 64 * 1024
_LINGER = 2.0  # seconds a peer that was sent away gets to read why
_FLUSH = 30.0  # seconds the last bytes have to leave


class Channel(asyncio.Protocol):
    """See the module's contract."""

    __slots__ = (
        "_deadline",
        "_flush_planned",
        "_held",
        "_log",
        "_loop",
        "_out",
        "_out_size",
        "_protocol",
        "_read_paused",
        "_session",
        "_timer",
        "_timer_at",
        "_transport",
        "_unread",
        "_waiter",
        "_write_paused",
        "eof",
        "expired",
        "fault",
        "lost",
        "octets_received",
        "octets_sent",
        "peer",
        "private",
        "session_id",
        "tls",
        "woken",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, session_id: str, peer: str, protocol: str, log: Log) -> None:
        self._loop = loop
        self._log = log
        self._protocol = protocol
        self.session_id = session_id
        self.peer = peer
        self.tls: TlsInfo | None = None
        self.private = False  # TLS is up or coming up: then there is no half-closed connection
        self._transport: asyncio.Transport | None = None
        self._session: Session[Any, Any] | None = None
        self._held: list[bytes] | None = []  # bytes that came while there is no session to take them
        self._out: list[bytes] = []
        self._out_size = 0
        self._flush_planned = False
        self._unread = 0
        self._read_paused = False
        self._write_paused = False
        self._waiter: asyncio.Future[None] | None = None
        self._deadline: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self.octets_received = 0
        self.octets_sent = 0
        self.lost = False
        self.eof = False
        self.expired = False  # the last `wait` ended because its time was over
        self.woken = False
        self.fault: Exception | None = None  # what the session raised while it took bytes

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but ancestry

    def data_received(self, data: bytes) -> None:
        size = len(data)
        self.octets_received += size
        self._unread += size
        if self._unread > READ_AHEAD and not self._read_paused and self._transport is not None:
            self._read_paused = True
            self._transport.pause_reading()
        self._feed(data)

    def eof_received(self) -> bool:
        """Answers whether the connection stays open for what is still to be sent."""
        self.eof = True
        self._feed(b"")
        return not self.private

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._notify()

    def pause_writing(self) -> None:
        self._write_paused = True

    def resume_writing(self) -> None:
        self._write_paused = False
        self._notify()

    # What a handler sees.

    def write(self, data: bytes) -> None:
        self._out.append(data)
        self._out_size += len(data)
        if self._out_size >= WRITE_TOGETHER:
            self.flush()
        elif not self._flush_planned:
            self._flush_planned = True
            self._loop.call_soon(self._planned_flush)

    async def drain(self) -> None:
        self.flush()
        deadline = 0.0
        while not self.lost and self._write_paused:
            if not deadline:
                patience = self._session.timeout if self._session is not None else _FLUSH
                deadline = self._loop.time() + patience
            await self.wait(deadline)
            if self.expired and self._write_paused:
                self.abort()
                raise ConnectionClosed
        # A write that failed closes the transport at once, but `connection_lost` only comes with the loop's next turn.
        if self.lost or (self._transport is not None and self._transport.is_closing()):
            raise ConnectionClosed

    def wake(self) -> None:
        self.woken = True
        self._notify()

    def log(self, event: str, **fields: object) -> None:
        self._log.info(event, session=self.session_id, peer=self.peer, protocol=self._protocol, **fields)

    # What the pump calls.

    @property
    def connected(self) -> bool:
        """Whether the socket is taken over, and private where the port begins with TLS."""
        return self._transport is not None

    @property
    def write_paused(self) -> bool:
        """Whether more is queued than should be; `drain` waits for it to go."""
        return self._write_paused

    def attach(self, session: Session[Any, Any]) -> None:
        """From now on bytes go to `session`, those that came before first."""
        self._session = session
        held, self._held = self._held, None
        for data in held or ():
            self._feed(data)

    def all_taken(self) -> None:
        """The session has nothing more to give: it may be fed again."""
        self._unread = 0
        if self._read_paused and not self.lost and self._transport is not None:
            self._read_paused = False
            self._transport.resume_reading()

    def flush(self) -> None:
        """Hands everything written to the socket."""
        out = self._out
        if out:
            self._out = []
            self.octets_sent += self._out_size
            self._out_size = 0
            if self._transport is not None and not self._transport.is_closing():
                self._transport.write(out[0] if len(out) == 1 else b"".join(out))

    async def wait(self, deadline: float) -> None:
        """Until something happens (bytes, end of file, a wake, room to write, the end), or it is `deadline` by the
        loop's time: then `expired` is true."""
        loop = self._loop
        self.expired = False
        self._deadline = deadline
        timer = self._timer
        if timer is None or deadline < self._timer_at:
            if timer is not None:
                timer.cancel()
            self._timer_at = deadline
            self._timer = loop.call_at(deadline, self._time_is_over)
        self._waiter = waiter = loop.create_future()
        try:
            await waiter
        finally:
            self._deadline = None

    def notify(self) -> None:
        """Ends `wait` for a reason only the pump knows."""
        self._notify()

    async def start_tls(self, credentials: Credentials, handshake_seconds: float) -> TlsInfo:
        """Makes the connection private; bytes that come meanwhile wait for `attach`.

        Raises OSError where the handshake fails, ConnectionClosed where the peer is gone.
        """
        transport = self._transport
        assert transport is not None
        if not self._read_paused:
            transport.pause_reading()
        await self.drain()
        self._held = []
        self._read_paused = False
        self.private = True
        try:
            self._transport = await self._loop.start_tls(
                transport, self, credentials.context, server_side=True, ssl_handshake_timeout=handshake_seconds
            )
        except BaseException:
            # The transport no longer knows us, so nobody else will say that it is gone.
            transport.abort()
            self.connection_lost(None)
            raise
        return self.secured(credentials)

    def secured(self, credentials: Credentials) -> TlsInfo:
        """Notes what the handshake agreed on. Raises ConnectionClosed."""
        if self._transport is None or self.lost:
            raise ConnectionClosed
        self.tls = tls_info(self._transport.get_extra_info("ssl_object"), credentials)
        return self.tls

    def abort(self) -> None:
        """Cuts the connection."""
        if self._transport is not None and not self.lost:
            self._transport.abort()

    async def finish(self, linger: bool) -> None:
        """Sends what is queued and closes; returns when the connection is gone.

        With `linger` the peer gets a moment to read the last reply: closing while it still sends would reset the
        connection, and the reply would be lost with it.
        """
        transport = self._transport
        self._session = None
        self._held = None
        self.flush()
        if transport is None:
            return
        if linger and not self.eof and not self.private and not transport.is_closing():
            with suppress(OSError):  # reset by the peer, and not noticed yet
                transport.write_eof()
            self.all_taken()
            deadline = self._loop.time() + _LINGER
            self.expired = False
            while not self.lost and not self.eof and not self.expired:
                await self.wait(deadline)
                self.all_taken()
        transport.close()
        deadline = self._loop.time() + _FLUSH
        while not self.lost:
            await self.wait(deadline)
            if self.expired:
                transport.abort()
                return

    def _feed(self, data: bytes) -> None:
        if self._held is not None:
            self._held.append(data)
            return
        if self._session is not None:
            try:
                self._session.receive_data(data)
            except Exception as error:
                self.fault = error
        self._notify()

    def _notify(self) -> None:
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)

    def _planned_flush(self) -> None:
        self._flush_planned = False
        self.flush()

    def _time_is_over(self) -> None:
        self._timer = None
        deadline = self._deadline
        if deadline is None:
            return
        if self._loop.time() >= deadline - 0.002:
            self.expired = True
            self._notify()
        else:
            self._timer_at = deadline
            self._timer = self._loop.call_at(deadline, self._time_is_over)
