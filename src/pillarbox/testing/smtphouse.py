"""An SMTP, submission or LMTP server in one process, without sockets: for dialogs, fuzzing and measurements.

`SmtpHouse` puts the server together over a `MemoryIntake`; `SmtpPeer` is one connection to it and does the pump's work:
feeds the session and hands events to the handler, all within `send`. An error of our own is not caught.
"""

from pathlib import Path

from pillarbox.base.clock import Clock, FixedClock
from pillarbox.base.ids import SeededIds
from pillarbox.base.metrics import Metric
from pillarbox.base.settings import Login, Smtp
from pillarbox.model.transaction import Intake
from pillarbox.servers.login import Logins
from pillarbox.servers.smtp.client import Services
from pillarbox.servers.smtp.handler import SmtpHandler
from pillarbox.servers.smtp.server import SmtpServer
from pillarbox.testing.connection import FakeConnection
from pillarbox.testing.memorydirectory import MemoryDirectory
from pillarbox.testing.memoryintake import MemoryIntake
from pillarbox.wire.session import CLOSED, ProtocolError, Signal, TlsInfo
from pillarbox.wire.smtp.session import SmtpSession
from pillarbox.wire.smtp.state import Role

PASSWORD = "pass"
TLS = TlsInfo("TLSv1.3", "TLS_AES_256_GCM_SHA384", b"\x01" * 32)


class Tally:
    """Counters that add up by name and label values: "recipients_rejected smtp not-found"."""

    def __init__(self) -> None:
        self.sums: dict[str, float] = {}

    def count(self, metric: Metric, n: float = 1, **labels: str) -> None:
        name = " ".join([metric.name, *(labels[label] for label in metric.labels)])
        self.sums[name] = self.sums.get(name, 0) + n

    adjust = count

    def observe(self, metric: Metric, value: float, **labels: str) -> None:
        self.count(metric, 1, **labels)


class SmtpPeer:
    """A client's end of a connection."""

    def __init__(self, session: SmtpSession, handler: SmtpHandler, connection: FakeConnection) -> None:
        self.session = session
        self.handler = handler
        self.connection = connection
        self.closed = False

    async def send(self, data: bytes) -> None:
        """Gives bytes to the server (b"": the client closes) and lets it work."""
        if self.closed:
            return
        self.session.receive_data(data)
        while not (self.closed or self.session.closing):
            event = self.session.next_event()
            if isinstance(event, ProtocolError):
                self.connection.write(event.answer)
            elif isinstance(event, Signal):
                if event is CLOSED:
                    self.close()
                break
            else:
                await self.handler.handle(event)
            if self.session.starting_tls:
                self.connection.tls = TLS
                self.session.tls_started(TLS)
        self.look()

    def look(self) -> None:
        """Closes where the session is over."""
        if self.session.closing:
            self.close()

    def close(self) -> None:
        """The connection ends."""
        if not self.closed:
            self.closed = True
            self.handler.closed()

    def take(self) -> bytes:
        return self.connection.take()

    async def command(self, text: str) -> bytes:
        """Sends one line and gives back everything that was answered."""
        await self.send(text.encode() + b"\r\n")
        return self.take()


class SmtpHouse:
    """The server and its people, alice and bob at example.test; `intake` says what it is told to say."""

    def __init__(
        self,
        role: Role,
        spool: Path,
        settings: Smtp | None = None,
        *,
        intake: Intake | None = None,
        clock: Clock | None = None,
        directory: MemoryDirectory | None = None,
        tls_offered: bool = True,
    ) -> None:
        self.directory = directory if directory is not None else MemoryDirectory()
        self.intake = MemoryIntake()
        self.counters = Tally()
        self.spool = spool
        self.slept: list[float] = []
        services = Services(
            hostname="mx.example.test",
            intake=intake if intake is not None else self.intake,
            logins=Logins(self.directory, Login(), b"secret", SeededIds(), self._sleep),
            settings=settings or Smtp(),
            spool=spool,
            tls_offered=tls_offered,
            counters=self.counters,
            clock=clock or FixedClock(),
        )
        self.server = SmtpServer(role, services)
        self.peers: list[SmtpPeer] = []

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def move_in(self) -> None:
        """Makes the people."""
        await self.directory.add_domain("example.test", "")
        for name in ("alice", "bob"):
            await self.directory.add_person(f"{name}@example.test", PASSWORD, name.title(), "mailboxes", 0, 0)

    async def connect(self, peer: str = "192.0.2.1", tls: TlsInfo | None = None) -> SmtpPeer:
        """A new connection, greeting included."""
        connection = FakeConnection(peer, tls)
        session, handler = self.server(connection)
        one = SmtpPeer(session, handler, connection)
        self.peers.append(one)
        await handler.connected()
        return one

    def close(self) -> None:
        for one in self.peers:
            one.close()
