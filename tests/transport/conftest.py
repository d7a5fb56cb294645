"""A small site: two mailbox databases in memory, a directory in memory, and the intake over them."""

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest

from pillarbox.base.clock import FixedClock
from pillarbox.base.failure import FailureKind
from pillarbox.base.ids import SeededIds
from pillarbox.base.settings import Server, Settings, Smtp
from pillarbox.model.content import Body
from pillarbox.model.directory import Person
from pillarbox.model.email import Wanted
from pillarbox.model.failure import Failure
from pillarbox.model.transaction import Addressee, Delivery, DsnRequest, MailFrom, Origin
from pillarbox.testing.memorydirectory import MemoryDirectory
from pillarbox.testing.memorystore import MemoryStore
from pillarbox.transport.local import LocalIntake

LETTER = b"Message-ID: <1@example.org>\r\nSubject: hello\r\n\r\nHello.\r\n"
SETTINGS = Settings(server=Server(hostname="mail.example.test"), smtp=Smtp(message_size=100_000_000, received_limit=5))


class FailingStore(MemoryStore):
    """Refuses deliveries while `failure` is set."""

    failure: Failure | None = None
    deliveries = 0

    async def deliver(self, delivery: Delivery) -> list[Failure | None]:
        self.deliveries += 1
        if self.failure is not None:
            raise self.failure
        return await super().deliver(delivery)


class Town:
    """The site, spoken to in short sentences."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self.clock = FixedClock()
        self.directory = MemoryDirectory(clock=self.clock)
        self.stores = {"one": FailingStore(self.clock), "two": FailingStore(self.clock)}
        self.intake = self.new_intake()
        self.run_ = runner.run
        self.run(self.directory.add_domain("example.test", ""))

    def new_intake(self) -> LocalIntake:
        """As another process, or this one started again, would have it."""
        return LocalIntake(self.directory, self, SETTINGS, self.clock, SeededIds())

    def store(self, database: str) -> FailingStore:
        if database not in self.stores:
            raise Failure(FailureKind.UNAVAILABLE, "not open")
        return self.stores[database]

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.run_(work)

    def person(self, name: str, database: str = "one", octets: int = 0, messages: int = 0) -> Person:
        address = f"{name}@example.test"
        return self.run(self.directory.add_person(address, "secret", name, database, octets, messages))

    def group(self, name: str, *members: str) -> None:
        self.run(self.directory.add_group(f"{name}@example.test", ""))
        for member in members:
            self.run(self.directory.add_member(f"{name}@example.test", member))

    def rcpt(self, address: str, mail: MailFrom | None = None, sender: Person | None = None) -> Addressee:
        mail = mail or MailFrom("x@example.org")
        return self.run(self.intake.check_recipient(address, DsnRequest(), mail, origin(sender)))

    def send(self, *addresses: str, data: Any = LETTER, reverse_path: str = "x@example.org") -> list[Failure | None]:
        mail = MailFrom(reverse_path)
        addressees = tuple(self.rcpt(address, mail) for address in addresses)
        return self.run(self.intake.accept(mail, addressees, Body(data), origin()))

    def letters(self, person: Person, path: str = "INBOX") -> list[bytes]:
        """The messages in a mailbox, trace fields and all."""

        async def read() -> list[bytes]:
            store = self.stores[person.database]
            try:
                box = await store.mailbox(person.account, path)
            except Failure:
                return []
            uids, _ = await store.uids(box.id)
            found = []
            async for page in store.fetch(box.id, uids, Wanted.NOTHING):
                for message in page:
                    content = await store.content(box.id, message.uid)
                    assert content is not None
                    found.append(content.read(0, content.size))
            return found

        return self.run(read())


def origin(sender: Person | None = None, protocol: str = "ESMTPS") -> Origin:
    return Origin("192.0.2.1", "client.example.org", protocol, sender, "session1", "TLSv1.3 TLS_AES_256_GCM_SHA384")


@pytest.fixture
def town() -> Iterator[Town]:
    with asyncio.Runner() as runner:
        yield Town(runner)
