"""The handler as the pump sees it: every event has a command, failures have codes, endings are said."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.base.settings import Imap
from pillarbox.model.change import MailboxChanges
from pillarbox.model.email import Flag
from pillarbox.model.failure import Failure
from pillarbox.model.ids import AccountId, MailboxId, ModSeq
from pillarbox.model.mailbox import Mailbox
from pillarbox.servers.imap.handler import COMMANDS
from pillarbox.testing.imaphouse import ImapHouse, ImapPeer, house
from pillarbox.testing.memorystore import MemoryStore
from pillarbox.testing.storecontract import letter, upload
from pillarbox.wire.imap.errors import code_for
from pillarbox.wire.imap.replies import ImapEvent
from pillarbox.wire.imap.state import Phase


def run_with(store: MemoryStore, spool: Path, scene: Callable[[ImapHouse], object]) -> None:
    async def run() -> None:
        async with house(store, spool) as one:
            await scene(one)  # type: ignore[misc]

    asyncio.run(run())


def test_every_event_has_its_command() -> None:
    assert set(COMMANDS) == set(get_args(ImapEvent))


class FailingStore(MemoryStore):
    """Fails with a kind of failure when asked for a mailbox or for changes."""

    kind: FailureKind | None = None

    async def mailbox(self, account: AccountId, path: str) -> Mailbox:
        if self.kind is not None:
            raise Failure(self.kind, "It cannot be done.", ValueError("the cause"))
        return await super().mailbox(account, path)

    async def changes(self, mailbox: MailboxId, since: ModSeq) -> MailboxChanges:
        if self.kind is not None:
            raise Failure(self.kind, "It cannot be done.")
        return await super().changes(mailbox, since)


@pytest.mark.parametrize("kind", list(FailureKind))
def test_a_failure_is_a_no_with_its_code(kind: FailureKind, tmp_path: Path) -> None:
    async def scene(one: ImapHouse) -> None:
        peer = await one.login()
        store.kind = kind
        assert await peer.command("a STATUS INBOX (MESSAGES)") == b"a NO [%b] It cannot be done.\r\n" % code_for(kind)
        assert ("refused", "ValueError('the cause')") in [
            (event, fields.get("cause")) for event, fields in peer.connection.logged
        ]
        store.kind = None
        assert b"b OK" in await peer.command("b STATUS INBOX (MESSAGES)")

    store = FailingStore()
    run_with(store, tmp_path, scene)


@pytest.mark.parametrize(
    ("ending", "line"),
    [
        (lambda peer: peer.handler.shutting_down(), b"* BYE [UNAVAILABLE] "),
        (lambda peer: peer.handler.timed_out(), b"* BYE "),
        (lambda peer: peer.handler.crashed(), b"* BYE [SERVERBUG] "),
    ],
)
def test_endings(ending: Callable[[ImapPeer], object], line: bytes, tmp_path: Path) -> None:
    async def scene(one: ImapHouse) -> None:
        for command in ("a NOOP", "a SELECT INBOX", "a IDLE"):
            peer = await one.login()
            await peer.command(command)
            await ending(peer)  # type: ignore[misc]
            assert peer.take().startswith(line)
            assert peer.session.closing

    run_with(MemoryStore(), tmp_path, scene)


def test_what_is_no_failure_goes_on_to_the_pump(tmp_path: Path) -> None:
    class Broken(MemoryStore):
        async def mailbox(self, account: AccountId, path: str) -> Mailbox:
            raise ZeroDivisionError

    async def scene(one: ImapHouse) -> None:
        peer = await one.login()
        with pytest.raises(ZeroDivisionError):
            await peer.command("a SELECT INBOX")

    run_with(Broken(), tmp_path, scene)


def test_an_idling_client_outlasts_a_store_that_cannot_answer(tmp_path: Path) -> None:
    async def scene(one: ImapHouse) -> None:
        peer = await one.login()
        await peer.command("a SELECT INBOX")
        await peer.command("b IDLE")
        store.kind = FailureKind.UNAVAILABLE
        await one.deliver(b"Subject: x\r\n\r\n")
        assert peer.take() == b""
        store.kind = None
        peer.connection.wake()
        await one.wake_all()
        assert peer.take() == b"* 1 EXISTS\r\n"

    store = FailingStore()
    run_with(store, tmp_path, scene)


def test_the_sweep_finds_what_no_notice_told(tmp_path: Path) -> None:
    class Silent(MemoryStore):
        def _tell(self, account: AccountId, touched: set[MailboxId], modseq: int) -> None:
            pass

    async def scene(one: ImapHouse) -> None:
        peer = await one.login()
        await peer.command("a SELECT INBOX")
        await peer.command("b IDLE")
        await one.deliver(b"Subject: x\r\n\r\n")
        assert peer.take() == b""
        await asyncio.sleep(0.05)  # the sweep's timer, which is the event loop's
        await one.wake_all()
        assert peer.take() == b"* 1 EXISTS\r\n"
        await peer.command("DONE")
        await one.deliver(b"Subject: y\r\n\r\n")
        one.clock.advance(2)
        assert b"* 2 EXISTS\r\n" in await peer.command("c UID FETCH 1 FLAGS")

    async def run() -> None:
        async with house(Silent(), tmp_path, sweep_seconds=0.01) as one:
            await scene(one)

    asyncio.run(run())


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    async def scene(one: ImapHouse) -> None:
        peer = await one.login()
        await peer.command("a SELECT INBOX")
        await peer.command("b IDLE")
        peer.close()
        await one.deliver(b"Subject: x\r\n\r\n")
        assert peer.connection.wakes == 0
        assert peer.take() == b""

    run_with(MemoryStore(), tmp_path, scene)


def test_settings_reach_the_session(tmp_path: Path) -> None:
    async def run() -> None:
        one = ImapHouse(MemoryStore(), tmp_path, Imap(message_size=10, errors=3, idle_timeout=77.0))
        await one.move_in()
        peer = await one.login()
        assert peer.session.timeout == 77.0
        assert peer.session.config.waits[Phase.APPENDING].timeout == 300
        assert b"a NO [TOOBIG]" in await peer.command("a APPEND INBOX {11}")
        for _ in range(5):
            answer = await peer.command("b NONSENSE")
        assert peer.closed
        assert answer == b"" or b"BYE" in answer

    asyncio.run(run())


@pytest.mark.parametrize("first", [1, 500, 501, 5000, None])
def test_the_first_unseen_message_is_found_wherever_it_is(first: int | None, tmp_path: Path) -> None:
    async def scene(one: ImapHouse) -> None:
        inbox = await one.store.mailbox((await one.person()).account, "INBOX")
        message = upload(letter("x"))
        seen = [message._replace(flags=int(Flag.SEEN if number != first else Flag.NONE)) for number in range(1, 5001)]
        await one.store.append(inbox.id, seen)
        answer = await (await one.login()).command("a SELECT INBOX")
        assert (b"[UNSEEN %d]" % (first or 0) in answer) is (first is not None)

    run_with(MemoryStore(), tmp_path, scene)
