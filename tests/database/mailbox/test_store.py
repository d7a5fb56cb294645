"""What processes tell each other, and mail that goes on while much is being done."""

import asyncio
from typing import Any

import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.database.mailbox import naming
from pillarbox.database.mailbox.store import MailboxStore
from pillarbox.model.change import Change
from pillarbox.model.email import Flag, FlagChange, FlagMode
from pillarbox.model.ids import MailboxId, ModSeq
from pillarbox.testing.storecontract import ALICE, BOB, content, delivery, drop, inbox, letter, put, read, refused


def test_commits_of_this_process_go_out_and_those_of_others_come_in(database: Any) -> None:
    async def test(store: Any, engine: Any) -> None:
        sent: list[Change] = []
        other = MailboxStore(engine, database.clock, database.locks, sent.extend)
        heard: list[Change] = []
        other.watch(BOB, heard.append)
        await store.deliver(delivery(letter("one"), drop(ALICE), drop(BOB)))
        assert {change.account for change in sent} == {ALICE, BOB}
        assert {change.account for change in heard} == {BOB}
        heard.clear()
        change = Change(BOB, MailboxId(5), ModSeq(9))
        other.inject([change, change._replace(account=ALICE)])
        assert heard == [change]
        other.close()
        sent.clear()
        await store.deliver(delivery(letter("two"), drop(BOB)))
        assert sent == []

    database.run(test)


def test_an_account_has_a_bounded_number_of_mailboxes(database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(store: Any, engine: Any) -> None:
        await inbox(store)
        monkeypatch.setattr(naming, "MOST_MAILBOXES", 8)
        await refused(FailureKind.TOO_MANY, store.create_mailbox(ALICE, "a/b/c"))
        await store.create_mailbox(ALICE, "a/b")

    database.run(test)


def test_copying_some_that_are_there_already(database: Any) -> None:
    async def test(store: Any, engine: Any) -> None:
        box = await inbox(store)
        other = await store.mailbox(ALICE, "Archive")
        await put(store, box, letter("one"), letter("two"), letter("three"))
        await store.copy(box.id, [2], other.id)
        await store.copy(box.id, [1, 2, 3], other.id)
        await store.move(box.id, [1, 2], other.id)
        assert [await content(store, other.id, uid) for uid in range(1, 7)] == [
            letter(subject) for subject in ("two", "one", "two", "three", "one", "two")
        ]
        assert len({message.email for message in await read(store, other.id)}) == 6

    database.run(test)


def test_two_open_stores_see_each_other(database: Any) -> None:
    async def test(store: Any, engine: Any) -> None:
        box = await inbox(store)
        async with database.open() as (other, _):
            for number in range(10):
                await put((store, other)[number % 2], box, letter(f"number {number}"))
                assert (await (other, store)[number % 2].uids(box.id))[0] == list(range(1, number + 2))

    database.run(test)


def test_a_large_flag_change_lets_deliveries_through(database: Any) -> None:
    async def test(store: Any, engine: Any) -> None:
        box = await inbox(store)
        await put(store, box, *[letter(f"number {number}") for number in range(2000)])
        change = FlagChange(FlagMode.ADD, Flag.SEEN)
        flagging = asyncio.create_task(store.set_flags(box.id, range(1, 2001), change))
        await asyncio.sleep(0)
        await store.deliver(delivery(letter("urgent"), drop(BOB)))
        assert not flagging.done()
        result = await flagging
        assert len(result.states) == 2000
        assert (await store.mailbox(ALICE, "INBOX")).unseen == 0

    database.run(test)
