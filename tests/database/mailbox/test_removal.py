"""Deletions that a crash interrupted are finished by the next purge."""

from typing import Any

from pillarbox.base.failure import FailureKind
from pillarbox.database.mailbox import accounts, mailboxes, removal
from pillarbox.database.mailbox.verify import verify
from pillarbox.testing.storecontract import ALICE, delivery, drop, inbox, letter, put, refused


async def _three_mailboxes(store: Any) -> Any:
    await inbox(store)
    box = await store.create_mailbox(ALICE, "Much")
    await put(store, box, *[letter(f"number {number}") for number in range(600)])
    await store.remove(box.id, [1, 2])
    await store.copy(box.id, [3], (await store.mailbox(ALICE, "INBOX")).id)
    return box


def test_a_mailbox_is_cleared_later(database: Any) -> None:
    async def test(store: Any, engine: Any) -> None:
        box = await _three_mailboxes(store)
        now = database.clock.now()
        await engine.write(lambda cursor: mailboxes.delete(cursor, ALICE, "Much", now))
        await engine.write(lambda cursor: removal.clear_mailbox(cursor, box.id, now))
        assert (await store.usage(ALICE)).messages == 1
        with engine.read() as cursor:
            assert list(verify(cursor)) == []
        await store.purge(0, 0)
        assert len(await store.deleted_items(ALICE)) == 599
        with engine.read() as cursor:
            assert list(cursor.execute("SELECT mailbox_id FROM mailbox_removal")) == []
            assert list(cursor.execute("SELECT uid FROM expunged WHERE mailbox_id = ?", (box.id,))) == []

    database.run(test)


def test_an_account_is_cleared_later_and_takes_no_mail_meanwhile(database: Any) -> None:
    async def test(store: Any, engine: Any) -> None:
        box = await _three_mailboxes(store)
        await engine.write(lambda cursor: accounts.delete_account(cursor, ALICE))
        await engine.write(lambda cursor: removal.clear_mailbox(cursor, box.id, 0))
        await refused(FailureKind.UNAVAILABLE, store.open_account(ALICE, 0, 0))
        [outcome] = await store.deliver(delivery(letter("late"), drop(ALICE)))
        assert outcome.kind is FailureKind.UNAVAILABLE
        await store.purge(0, 0)
        with engine.read() as cursor:
            for table in ("account", "mailbox", "placement", "email", "content", "chunk", "deleted_item", "expunged"):
                assert list(cursor.execute(f"SELECT count(*) FROM {table}")) == [(0,)], table

    database.run(test)
