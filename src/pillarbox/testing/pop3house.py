"""A POP3 server in one process, without sockets: for dialogs and tests.

`Pop3House` puts the server together over any mail store; `Pop3Peer` is one connection to it and does the pump's work.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pillarbox.base.clock import FixedClock
from pillarbox.base.ids import SeededIds
from pillarbox.base.metrics import Counters, NoCounters
from pillarbox.base.settings import Login, Pop3
from pillarbox.mime.prepared import prepare
from pillarbox.model.content import Body
from pillarbox.model.directory import Person
from pillarbox.model.mailbox import Mailbox
from pillarbox.model.store import MailStore
from pillarbox.model.transaction import Delivery, Drop
from pillarbox.net.handler import ConnectionClosed
from pillarbox.servers.login import Logins
from pillarbox.servers.pop3.handler import Pop3Handler, make_pop3
from pillarbox.testing.connection import FakeConnection
from pillarbox.testing.imaphouse import PASSWORD, TLS, OneStore
from pillarbox.testing.memorydirectory import MemoryDirectory
from pillarbox.wire.pop3.session import Pop3Session
from pillarbox.wire.session import CLOSED, ProtocolError, Signal


class Pop3Peer:
    """A client's end of a connection."""

    def __init__(self, session: Pop3Session, handler: Pop3Handler, line: FakeConnection) -> None:
        self.session = session
        self.handler = handler
        self.connection = line
        self.closed = False

    async def send(self, data: bytes) -> None:
        """Gives bytes to the server (b"": the client closes) and lets it work until it waits."""
        if self.closed:
            return
        self.session.receive_data(data)
        try:
            await self._work()
        except ConnectionClosed:
            self.close()

    async def _work(self) -> None:
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

    def lines(self, event: str) -> list[dict[str, object]]:
        """The fields of the log lines with that event."""
        return [fields for logged, fields in self.connection.logged if logged == event]


class Pop3House:
    """The server, its people (alice and bob at example.test) and its connections."""

    def __init__(
        self, store: MailStore, directory: Path, settings: Pop3 | None = None, counters: Counters | None = None
    ) -> None:
        self.store = store
        self.clock = FixedClock()
        self.directory = MemoryDirectory()
        self.peers: list[Pop3Peer] = []
        self.serve = make_pop3(
            Logins(self.directory, Login(failure_delay=0.0), b"secret", SeededIds()),
            OneStore(store),
            settings or Pop3(),
            hostname="mail.example.test",
            tls_offered=True,
            counters=counters or NoCounters(),
            clock=self.clock,
            delays=directory / "logins",
        )

    async def move_in(self) -> None:
        """Makes the people and opens their accounts."""
        await self.directory.add_domain("example.test", "")
        for name in ("alice", "bob"):
            person = await self.directory.add_person(f"{name}@example.test", PASSWORD, name.title(), "mailboxes", 0, 0)
            await self.store.open_account(person.account, 0, 0)

    async def person(self, name: str = "alice") -> Person:
        found = await self.directory.person(f"{name}@example.test")
        assert found is not None
        return found

    async def inbox(self, name: str = "alice") -> Mailbox:
        return await self.store.mailbox((await self.person(name)).account, "INBOX")

    async def uids(self, name: str = "alice") -> list[int]:
        """What lies in somebody's inbox."""
        uids, _ = await self.store.uids((await self.inbox(name)).id)
        return list(uids)

    async def deliver(self, data: bytes, name: str = "alice", trace: bytes = b"") -> None:
        """A message comes in from outside."""
        drop = Drop((await self.person(name)).account, "INBOX", trace, 0, 0)
        outcomes = await self.store.deliver(Delivery(Body(data), prepare(data), (drop,), self.clock.now()))
        assert outcomes == [None], outcomes

    async def connect(self, peer: str = "127.0.0.1") -> Pop3Peer:
        """A new connection; the greeting waits to be read."""
        line = FakeConnection(peer=peer)
        session, handler = self.serve(line)
        assert isinstance(session, Pop3Session) and isinstance(handler, Pop3Handler)
        one = Pop3Peer(session, handler, line)
        self.peers.append(one)
        await handler.connected()
        return one

    async def login(self, name: str = "alice") -> Pop3Peer:
        """A connection that has logged in; nothing of that is left to read."""
        one = await self.connect()
        await one.command(f"USER {name}@example.test")
        answer = await one.command(f"PASS {PASSWORD}")
        assert answer.startswith(b"+OK"), answer
        return one

    def close(self) -> None:
        for one in self.peers:
            one.close()


@asynccontextmanager
async def pop3_house(
    store: MailStore, directory: Path, settings: Pop3 | None = None, counters: Counters | None = None
) -> AsyncIterator[Pop3House]:
    """A server with its people, closed at the end. `directory` is for what it keeps in files."""
    one = Pop3House(store, directory, settings, counters)
    await one.move_in()
    try:
        yield one
    finally:
        one.close()
