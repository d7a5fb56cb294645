"""An IMAP server in one process, without sockets: for dialogs, stress and measurements.

`ImapHouse` puts the server together over any mail store; `ImapPeer` is one connection to it, and does the pump's work:
feeds the session, hands events to the handler, wakes whoever asked for it. Everything happens within `send`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pillarbox.base.clock import FixedClock
from pillarbox.base.ids import SeededIds
from pillarbox.base.settings import Imap, Login
from pillarbox.mime.prepared import prepare
from pillarbox.model.content import Body
from pillarbox.model.directory import Person
from pillarbox.model.store import MailStore
from pillarbox.model.transaction import Delivery, Drop
from pillarbox.servers.imap.handler import ImapHandler, ImapServer
from pillarbox.servers.imap.state import Services
from pillarbox.servers.login import Logins
from pillarbox.testing.connection import FakeConnection
from pillarbox.testing.memorydirectory import MemoryDirectory
from pillarbox.wire.imap.session import ImapSession
from pillarbox.wire.session import CLOSED, ProtocolError, Signal, TlsInfo

PASSWORD = "pass"
_TURNS = 3
TLS = TlsInfo("TLSv1.3", "TLS_AES_256_GCM_SHA384", b"\x01" * 32)


class OneStore:
    """A `Stores` with a single store behind every name."""

    def __init__(self, store: MailStore) -> None:
        self._store = store

    def store(self, database: str) -> MailStore:
        return self._store


class ImapPeer:
    """A client's end of a connection."""

    def __init__(self, house: "ImapHouse", session: ImapSession, handler: ImapHandler, line: FakeConnection) -> None:
        self.session = session
        self.handler = handler
        self.connection = line
        self.closed = False
        self._house = house
        self._busy = asyncio.Lock()  # one event at a time, and no waking meanwhile

    async def send(self, data: bytes) -> None:
        """Gives bytes to the server (b"": the client closes) and lets it, and all who are woken, work."""
        async with self._busy:
            if not self.closed:
                self.session.receive_data(data)
                await self._work()
        await self._house.wake_all()

    async def _work(self) -> None:
        while not self.closed:
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
        if self.session.closing:
            self.close()

    async def wake(self) -> None:
        """Does the pump's part of `Connection.wake`."""
        if not self.connection.wakes:
            return
        async with self._busy:
            self.connection.wakes = 0
            if not self.closed:
                await self.handler.woken()
            if self.session.closing:
                self.close()

    def close(self) -> None:
        """The connection ends."""
        if not self.closed:
            self.closed = True
            self.handler.closed()
            self._house.peers.remove(self)

    def take(self) -> bytes:
        return self.connection.take()

    async def command(self, text: str) -> bytes:
        """Sends one line and gives back everything that was answered."""
        await self.send(text.encode() + b"\r\n")
        return self.take()


class ImapHouse:
    """The server, its people (alice and bob at example.test) and its connections."""

    def __init__(
        self,
        store: MailStore,
        spool: Path,
        settings: Imap | None = None,
        sweep_seconds: float = 60.0,
        clock: FixedClock | None = None,
    ) -> None:
        self.store = store
        self.clock = clock or FixedClock()
        self.directory = MemoryDirectory()
        logins = Logins(self.directory, Login(failure_delay=0.0), b"secret", SeededIds())
        self.services = Services(
            logins,
            OneStore(store),
            settings or Imap(),
            self.clock,
            spool,
            64 * 1024,
            tls_available=True,
            sweep_seconds=sweep_seconds,
        )
        self._server = ImapServer(self.services, tls_from_start=False)
        self.peers: list[ImapPeer] = []

    async def move_in(self, octet_limit: int = 0, message_limit: int = 0) -> None:
        """Makes the people and opens their accounts."""
        await self.directory.add_domain("example.test", "")
        for name in ("alice", "bob"):
            person = await self.directory.add_person(
                f"{name}@example.test", PASSWORD, name.title(), "mailboxes", octet_limit, message_limit
            )
            await self.store.open_account(person.account, octet_limit, message_limit)

    async def person(self, name: str = "alice") -> Person:
        found = await self.directory.person(f"{name}@example.test")
        assert found is not None
        return found

    async def connect(self, peer: str = "127.0.0.1") -> ImapPeer:
        """A new connection, greeting included."""
        line = FakeConnection(peer=peer)
        session, handler = self._server(line)
        one = ImapPeer(self, session, handler, line)
        self.peers.append(one)
        await handler.connected()
        return one

    async def login(self, name: str = "alice") -> ImapPeer:
        """A connection that has logged in; nothing of that is left to read."""
        one = await self.connect()
        answer = await one.command(f"login LOGIN {name}@example.test {PASSWORD}")
        assert b"login OK" in answer, answer
        return one

    async def deliver(self, data: bytes, name: str = "alice", mailbox: str = "INBOX", trace: bytes = b"") -> None:
        """A message comes in from outside."""
        person = await self.person(name)
        drop = Drop(person.account, mailbox, trace, person.octet_limit, person.message_limit)
        delivery = Delivery(Body(data), prepare(data), (drop,), self.clock.now())
        outcomes = await self.store.deliver(delivery)
        assert outcomes == [None], outcomes
        await self.wake_all()

    async def wake_all(self) -> None:
        """Lets everyone work who was woken; notices of a real store come with the event loop's next turns."""
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        for one in list(self.peers):
            await one.wake()

    def close(self) -> None:
        for one in list(self.peers):
            one.close()


@asynccontextmanager
async def house(
    store: MailStore,
    spool: Path,
    octet_limit: int = 0,
    message_limit: int = 0,
    sweep_seconds: float = 60.0,
    clock: FixedClock | None = None,
) -> AsyncIterator[ImapHouse]:
    """A server with its people, closed at the end; `clock` is the store's, if time is to pass there too."""
    one = ImapHouse(store, spool, sweep_seconds=sweep_seconds, clock=clock)
    await one.move_in(octet_limit, message_limit)
    try:
        yield one
    finally:
        one.close()
