"""A toy protocol for tests and measurements of the pump: lines in, lines out, a verb for everything a pump must do.

ECHO text, BULK octets (streamed), WAIT seconds, STLS, TLS (what was agreed), BAD (a protocol error), BOOM (our bug),
QUIT.
"""

import asyncio
from typing import NamedTuple

from pillarbox.net.handler import Connection
from pillarbox.wire.lines import LineBuffer, LineFault
from pillarbox.wire.session import CLOSED, NEED_DATA, ProtocolError, Signal, TlsInfo

_PIECE = b"x" * 65536


class Said(NamedTuple):
    """A command: its verb and the rest of the line."""

    verb: str
    text: bytes


class Say(NamedTuple):
    """A reply."""

    text: bytes
    closes: bool = False
    starts_tls: bool = False


class ToySession:
    """The state machine; see the module's contract."""

    __slots__ = ("_eof", "_lines", "closing", "phrase", "starting_tls", "timeout", "tls")

    def __init__(self, timeout: float = 30.0, tls: TlsInfo | None = None) -> None:
        self._lines = LineBuffer()
        self._eof = False
        self.timeout = timeout
        self.phrase = "talking"
        self.closing = False
        self.starting_tls = False
        self.tls = tls

    def receive_data(self, data: bytes) -> None:
        if not data:
            self._eof = True
        else:
            self._lines.receive(data)

    def next_event(self) -> Said | ProtocolError | Signal:
        line = self._lines.read_line(1000)
        if line is NEED_DATA:
            return CLOSED if self._eof else NEED_DATA
        if isinstance(line, LineFault | Signal) or line == b"BAD":
            return ProtocolError(b"what?\r\n", "bad word")
        verb, _, text = line.partition(b" ")
        return Said(verb.decode("latin-1"), text)

    def send(self, reply: Say) -> bytes:
        self.closing = self.closing or reply.closes
        if reply.starts_tls:
            self.starting_tls = True
            self._lines.clear()
        return reply.text + b"\r\n"

    def tls_started(self, tls: TlsInfo) -> None:
        self.starting_tls = False
        self.tls = tls


class ToyHandler:
    """Does what it is told, and remembers what happened to it in `history`."""

    __slots__ = ("_busy", "connection", "history", "session")

    def __init__(self, connection: Connection, session: ToySession) -> None:
        self.connection = connection
        self.session = session
        self.history: list[str] = []
        self._busy = False

    async def connected(self) -> None:
        self.say(b"hello")

    def say(self, text: bytes, *, closes: bool = False) -> None:
        """Sends one line."""
        self.connection.write(self.session.send(Say(text, closes)))

    async def handle(self, event: Said) -> None:
        assert not self._busy, "one event at a time"
        self._busy = True
        verb, text = event
        if verb == "ECHO":
            self.say(text)
        elif verb == "BULK":
            await self._bulk(int(text))
        elif verb == "WAIT":
            await asyncio.sleep(float(text))
            self.history.append("waited")
            self.say(b"waited")
        elif verb == "STLS":
            self.connection.write(self.session.send(Say(b"go", starts_tls=True)))
        elif verb == "BOOM":
            raise ZeroDivisionError("boom")
        elif verb == "TLS":
            self.say(repr(self.session.tls).encode())
        elif verb == "QUIT":
            self.say(b"bye", closes=True)
        self._busy = False

    async def _bulk(self, octets: int) -> None:
        for start in range(0, octets, len(_PIECE)):
            self.connection.write(_PIECE[: octets - start])
            await self.connection.drain()
        self.say(b"")

    async def woken(self) -> None:
        self.history.append("woken")
        self.say(b"news")

    async def shutting_down(self) -> None:
        self.history.append("shutting down")
        self.say(b"closing down", closes=True)

    async def timed_out(self) -> None:
        self.history.append("timed out")
        self.say(b"too slow", closes=True)

    async def crashed(self) -> None:
        self.history.append("crashed")
        self.say(b"our fault", closes=True)

    def closed(self) -> None:
        self.history.append("closed")
