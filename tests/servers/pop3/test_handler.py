"""What goes wrong, what is logged and counted, and that the lock is free afterwards."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.base.metrics import Metric
from pillarbox.base.settings import Pop3
from pillarbox.model.content import Content
from pillarbox.model.email import Flag, FlagChange, Message, Wanted
from pillarbox.model.failure import Failure
from pillarbox.model.ids import MailboxId, Uid
from pillarbox.model.store import Flagged
from pillarbox.testing.memorystore import MemoryContent, MemoryStore
from pillarbox.testing.pop3house import PASSWORD, Pop3House, pop3_house

LETTER = b"Subject: hello\r\n\r\nHello.\r\n"
DISK_FULL = Failure(FailureKind.DISK_FULL, "There is no room on the log volume.")


class Damaged(MemoryContent):
    """Bytes that cannot be read from `good` on."""

    def __init__(self, data: bytes, good: int) -> None:
        super().__init__(data)
        self._good = good

    def read(self, start: int, length: int) -> bytes:
        if start + length > self._good:
            raise Failure(FailureKind.CORRUPT, "The message is damaged in the store.", ValueError("checksum"))
        return super().read(start, length)

    def pieces(self, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        for at in range(start, self.size, 65536):
            yield self.read(at, 65536)


class BadStore(MemoryStore):
    """A store in memory whose methods fail as they are told to: by `failing`, name to exception."""

    def __init__(self) -> None:
        super().__init__()
        self.failing: dict[str, Exception] = {}
        self.damaged_from: int | None = None

    def _check(self, name: str) -> None:
        if name in self.failing:
            raise self.failing[name]

    async def uids(self, mailbox: MailboxId):  # type: ignore[no-untyped-def]
        self._check("uids")
        return await super().uids(mailbox)

    async def fetch(self, mailbox: MailboxId, uids: Sequence[int], wanted: Wanted) -> AsyncIterator[list[Message]]:
        self._check("fetch")
        async for page in super().fetch(mailbox, uids, wanted):
            yield [message._replace(content=self._content(message.content)) for message in page]

    def _content(self, content: Content | None) -> Content | None:
        if content is None or self.damaged_from is None:
            return content
        return Damaged(content.read(0, content.size), self.damaged_from)

    async def remove(self, mailbox: MailboxId, uids: Sequence[int]) -> list[Uid]:
        self._check("remove")
        return await super().remove(mailbox, uids)

    async def set_flags(self, mailbox: MailboxId, uids: Sequence[int], change: FlagChange) -> Flagged:
        self._check("set_flags")
        return await super().set_flags(mailbox, uids, change)


class Sums:
    """Counters that add up by name and labels."""

    def __init__(self) -> None:
        self.sums: dict[tuple[str, ...], float] = {}

    def count(self, metric: Metric, n: float = 1, **labels: str) -> None:
        assert tuple(sorted(labels)) == tuple(sorted(metric.labels))
        assert labels.pop("protocol") == "pop3"
        key = metric.name, *labels.values()
        self.sums[key] = self.sums.get(key, 0) + n

    adjust = observe = count


class Bench:
    """A house with three letters in alice's inbox."""

    def __init__(self, one: Pop3House, store: BadStore, sums: Sums) -> None:
        self.house = one
        self.store = store
        self.sums = sums.sums

    async def flags(self) -> list[int]:
        pages = self.store.fetch((await self.house.inbox()).id, await self.house.uids(), Wanted.NOTHING)
        return [message.flags async for page in pages for message in page]

    async def lock_is_free(self) -> bool:
        try:
            self.store.acquire((await self.house.person()).account)()
        except Failure:
            return False
        return True


Run = Callable[[Callable[[Bench], Awaitable[None]]], None]


@pytest.fixture
def on(tmp_path: Path) -> Run:
    def run(test: Callable[[Bench], Awaitable[None]]) -> None:
        async def within() -> None:
            store, sums = BadStore(), Sums()
            async with pop3_house(store, tmp_path, Pop3(), sums) as one:
                for _ in range(3):
                    await one.deliver(LETTER)
                bench = Bench(one, store, sums)
                await test(bench)
                one.close()
                assert await bench.lock_is_free()

        asyncio.run(within())

    return run


def test_a_session_is_logged_and_counted(on: Run) -> None:
    async def test(bench: Bench) -> None:
        one = await bench.house.login()
        for command in ("RETR 1", "RETR 1", "TOP 2 0", "DELE 1", "DELE 2"):
            assert (await one.command(command)).startswith(b"+OK")
        await one.command("QUIT")
        assert one.lines("maildrop opened") == [
            {"name": "alice@example.test", "messages": 3, "octets": 3 * len(LETTER)}
        ]
        assert one.lines("maildrop closed") == [
            {"name": "alice@example.test", "retrieved": 2, "deleted": 2, "octets": 2 * len(LETTER) + 18}
        ]
        assert bench.sums == {("logins", "ok"): 1, ("messages_retrieved",): 2, ("messages_deleted",): 2}

    on(test)


def test_passwords_are_not_logged(on: Run) -> None:
    async def test(bench: Bench) -> None:
        one = await bench.house.connect()
        for password in ("wrong secret", PASSWORD):
            await one.command("USER alice@example.test")
            await one.command(f"PASS {password}")
        assert "secret" not in repr(one.connection.logged)
        assert bench.sums[("logins", "failed")] == bench.sums[("logins", "ok")] == 1

    on(test)


def test_a_failure_at_quit_deletes_nothing(on: Run) -> None:
    async def test(bench: Bench) -> None:
        one = await bench.house.login()
        await one.command("RETR 1")
        await one.command("DELE 1")
        bench.store.failing["remove"] = DISK_FULL
        answer = await one.command("QUIT")
        assert answer == b"-ERR [SYS/TEMP] Not everything was deleted: There is no room on the log volume.\r\n"
        assert one.closed
        assert await bench.house.uids() == [1, 2, 3]
        assert await bench.flags() == [0, 0, 0]
        assert one.lines("maildrop closed")[0]["deleted"] == 0
        assert ("messages_deleted",) not in bench.sums

    on(test)


def test_a_vanished_client_changes_nothing(on: Run) -> None:
    async def test(bench: Bench) -> None:
        one = await bench.house.login()
        await one.command("RETR 1")
        await one.command("DELE 2")
        await one.send(b"")
        assert one.closed
        assert await bench.house.uids() == [1, 2, 3]
        assert await bench.flags() == [0, 0, 0]

    on(test)


def test_a_client_that_is_gone_when_its_quit_is_read_changes_nothing(on: Run) -> None:
    async def test(bench: Bench) -> None:
        one = await bench.house.login()
        await one.command("DELE 2")
        one.connection.gone = True
        await one.command("QUIT")
        assert one.closed
        assert await bench.house.uids() == [1, 2, 3]

    on(test)


def test_what_was_retrieved_is_seen_after_quit(on: Run) -> None:
    async def test(bench: Bench) -> None:
        one = await bench.house.login()
        for command in ("RETR 1", "RETR 2", "TOP 3 10", "DELE 1", "QUIT"):
            await one.command(command)
        assert await bench.house.uids() == [2, 3]
        assert await bench.flags() == [Flag.SEEN, 0]

    on(test)


def test_the_lock_is_free_before_the_goodbye_is_written(on: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(bench: Bench) -> None:
        account = (await bench.house.person()).account
        one = await bench.house.login()
        written = []

        def write(data: bytes) -> None:
            bench.store.acquire(account)()
            written.append(data)

        monkeypatch.setattr(one.connection, "write", write)
        await one.command("QUIT")
        assert written == [b"+OK Goodbye\r\n"]

    on(test)


def test_flags_that_cannot_be_set_do_not_frighten_the_client(on: Run) -> None:
    async def test(bench: Bench) -> None:
        one = await bench.house.login()
        await one.command("RETR 1")
        await one.command("DELE 2")
        bench.store.failing["set_flags"] = DISK_FULL
        assert await one.command("QUIT") == b"+OK Goodbye\r\n"
        assert await bench.house.uids() == [1, 3]
        assert len(one.lines("messages not flagged as seen")) == 1

    on(test)


@pytest.mark.parametrize("method", ["uids", "fetch"])
def test_a_maildrop_that_cannot_be_read_is_not_held(on: Run, method: str) -> None:
    async def test(bench: Bench) -> None:
        bench.store.failing[method] = Failure(FailureKind.UNAVAILABLE, "Not now.", OSError("disk"))
        one = await bench.house.connect()
        await one.command("USER alice@example.test")
        assert await one.command(f"PASS {PASSWORD}") == b"-ERR [SYS/TEMP] Not now.\r\n"
        assert await bench.lock_is_free()
        assert (await one.command("STAT")).startswith(b"-ERR")
        assert one.lines("refused")[0]["cause"] == "OSError('disk')"
        bench.store.failing.clear()
        await one.command("USER alice@example.test")
        assert (await one.command(f"PASS {PASSWORD}")).startswith(b"+OK 3")

    on(test)


def test_our_bug_frees_the_lock(on: Run) -> None:
    async def test(bench: Bench) -> None:
        one = await bench.house.login()
        bench.store.failing["fetch"] = ZeroDivisionError()
        with pytest.raises(ZeroDivisionError):
            await one.command("RETR 1")
        await one.handler.crashed()
        assert one.take().startswith(b"-ERR [SYS/TEMP] Internal error")
        one.close()

    on(test)


def test_a_damaged_message_is_refused(on: Run) -> None:
    async def test(bench: Bench) -> None:
        one = await bench.house.login()
        bench.store.damaged_from = 0
        for command in ("RETR 1", "TOP 1 0"):
            assert await one.command(command) == b"-ERR [SYS/TEMP] The message is damaged in the store.\r\n"
        assert (await one.command("STAT")).startswith(b"+OK 3")

    on(test)


def test_damage_that_shows_late_cuts_the_connection_within_the_message(on: Run) -> None:
    async def test(bench: Bench) -> None:
        await bench.house.deliver(b"Subject: long\r\n\r\n" + b"0123456789\r\n" * 30_000)
        one = await bench.house.login()
        bench.store.damaged_from = 200_000
        answer = await one.command("RETR 4")
        assert answer.startswith(b"+OK 360017 octets\r\nSubject: long\r\n")
        assert len(answer) < 200_000
        assert b"\r\n.\r\n" not in answer
        assert b"-ERR" not in answer
        assert one.closed
        assert one.lines("message broken off")[0]["cause"] == "ValueError('checksum')"
        assert one.lines("maildrop closed")[0]["retrieved"] == 0

    on(test)


def test_messages_are_sent_piece_by_piece_as_the_client_takes_them(on: Run) -> None:
    async def test(bench: Bench) -> None:
        letter = b"Subject: long\r\n\r\n" + b".\r\n" * 400_000
        await bench.house.deliver(letter)
        one = await bench.house.login()
        answer = await one.command("RETR 4")
        assert answer == b"+OK 1200017 octets\r\nSubject: long\r\n\r\n" + b"..\r\n" * 400_000 + b".\r\n"
        assert one.connection.drains >= 5
        one.connection.gone = True
        await one.command("RETR 4")
        assert one.closed
        assert len(one.take()) < 200_000

    on(test)


def test_a_database_that_is_not_open(on: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(bench: Bench) -> None:
        def store(name: str) -> None:
            raise Failure(FailureKind.UNAVAILABLE, "This mailbox's database is not open; try again later.")

        one = await bench.house.connect()
        monkeypatch.setattr(one.handler.client.services.stores, "store", store)
        await one.command("USER alice@example.test")
        assert (await one.command(f"PASS {PASSWORD}")).startswith(b"-ERR [SYS/TEMP] This mailbox's database")

    on(test)
