"""What a POP3 connection knows: who is there, their maildrop with its lock, and what was done so far.

`Client` is handed to every command. A command ends by one reply through `send`, or by raising `Failure` or `Refusal`,
which the handler turns into the reply.
"""

from collections.abc import Callable
from typing import NamedTuple

from pillarbox.base.clock import Clock
from pillarbox.base.metrics import Counters
from pillarbox.base.settings import Pop3
from pillarbox.model.directory import Person
from pillarbox.model.store import MailStore, Stores
from pillarbox.net.handler import Connection
from pillarbox.servers.login import Logins, SaslLogin
from pillarbox.servers.pop3.delay import LoginDelay
from pillarbox.servers.pop3.maildrop import Maildrop
from pillarbox.wire.pop3.replies import Err, Reply
from pillarbox.wire.pop3.session import Pop3Session


class Services(NamedTuple):
    """What all connections of a POP3 server share."""

    logins: Logins
    stores: Stores
    settings: Pop3
    hostname: str
    counters: Counters
    clock: Clock
    delay: LoginDelay


class Refusal(Exception):
    """A command is refused for a reason that only POP3 knows."""

    def __init__(self, reply: Err) -> None:
        super().__init__(reply.text)
        self.reply = reply


class Opened(NamedTuple):
    """An open maildrop: whose it is, where it lies, and how to give up its lock."""

    person: Person
    store: MailStore
    drop: Maildrop
    unlock: Callable[[], None]


class Client:
    """One connection's state; see the module."""

    __slots__ = ("_opened", "connection", "deleted", "exchange", "failed_logins", "octets", "retrieved", "services",
                 "session")  # fmt: skip

    def __init__(self, services: Services, connection: Connection, session: Pop3Session) -> None:
        self.services = services
        self.connection = connection
        self.session = session
        self.exchange: SaslLogin | None = None
        self.failed_logins = 0
        self.retrieved = 0
        """Messages sent whole, each time one was."""
        self.octets = 0
        """Their octets, and those of what TOP sent."""
        self.deleted = 0
        self._opened: Opened | None = None

    def send(self, reply: Reply) -> None:
        """Gives a reply to the peer."""
        self.connection.write(self.session.send(reply))

    def farewell(self, reply: Err) -> None:
        """Gives the last reply to the peer."""
        self.connection.write(self.session.farewell(reply))

    # The maildrop

    def opened(self, opened: Opened) -> None:
        """The maildrop is open and this client's alone, until `release`."""
        self._opened = opened
        drop = opened.drop
        self.connection.log("maildrop opened", name=opened.person.address, messages=drop.count, octets=drop.octets)

    @property
    def has_maildrop(self) -> bool:
        return self._opened is not None

    @property
    def store(self) -> MailStore:
        return self._open.store

    @property
    def drop(self) -> Maildrop:
        return self._open.drop

    @property
    def _open(self) -> Opened:
        assert self._opened is not None, "the wire session lets nobody here before login"
        return self._opened

    def release(self) -> None:
        """Gives up the maildrop; may be called again."""
        opened, self._opened = self._opened, None
        if opened is None:
            return
        opened.unlock()
        self.connection.log(
            "maildrop closed",
            name=opened.person.address,
            retrieved=self.retrieved,
            deleted=self.deleted,
            octets=self.octets,
        )
