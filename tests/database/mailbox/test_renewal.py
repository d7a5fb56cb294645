"""Mailboxes get new UIDVALIDITYs; a database that was brought back to a moment is only read."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.database.mailbox.renewal import renew_uid_validity
from pillarbox.database.mailbox.schema import MailboxSchema
from pillarbox.database.mailbox.store import MailboxStore
from pillarbox.database.readonly import ReadOnlyDatabase
from pillarbox.model.failure import Failure
from pillarbox.testing.ledger import Ledger
from pillarbox.testing.storecontract import ALICE, content, inbox, letter, put, refused


def test_every_mailbox_gets_one_that_was_never_given(database: Any) -> None:
    async def make(store: Any, engine: Any) -> None:
        await inbox(store)
        for number in range(600):
            await store.create_mailbox(ALICE, f"box {number}")
        before = {box.uid_validity for box in await store.mailboxes(ALICE)}
        assert await asyncio.to_thread(renew_uid_validity, engine, database.clock) == 606
        after = {box.uid_validity for box in await store.mailboxes(ALICE)}
        assert len(after) == 606 and not after & before and min(after) > max(before)

    database.run(make)


def test_what_is_only_read(database: Any) -> None:
    async def fill(store: Any, engine: Any) -> None:
        await put(store, await inbox(store), letter("kept"))

    async def look() -> None:
        copy = ReadOnlyDatabase(database.place.file, MailboxSchema())
        store = MailboxStore(copy, database.clock, database.locks)
        box = await store.mailbox(ALICE, "INBOX")
        assert await content(store, box.id, 1) == letter("kept")
        await refused(FailureKind.NOT_ALLOWED, store.remove(box.id, [1]))
        store.close()
        copy.close()

    database.run(fill)
    asyncio.run(look())


def test_what_is_no_mailbox_database_is_refused(tmp_path: Path, database: Any) -> None:
    for path, kind in ((tmp_path / "nothing.db", FailureKind.NOT_FOUND), (tmp_path / "bad.db", FailureKind.CORRUPT)):
        if path.name == "bad.db":
            path.write_bytes(b"rubbish!" * 1000)
        with pytest.raises(Failure) as caught:
            ReadOnlyDatabase(path, MailboxSchema())
        assert caught.value.kind is kind
    with pytest.raises(Failure) as caught:
        ReadOnlyDatabase(database.place.file, Ledger())
    assert caught.value.kind is FailureKind.WRONG_VERSION
