"""The log tells what happened to mail: every kind of event, with the names of the time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pillarbox.database.mailbox.history import DELETIONS, Event, Wanted, What, find
from pillarbox.database.place import Surroundings
from pillarbox.model.email import Flag, FlagChange, FlagMode
from pillarbox.testing.mergecontract import TRACE
from pillarbox.testing.storecontract import ALICE, BOB, delivery, drop, inbox, letter, put


def told(database: Any, wanted: Wanted = Wanted()) -> list[Event]:  # noqa: B008
    return find(database.place, Surroundings(), wanted)


def happened(database: Any, doing: Callable[[Any], Awaitable[None]]) -> None:
    async def run() -> None:
        async with database.open() as (store, _):
            await doing(store)

    asyncio.run(run())


async def a_life(store: Any) -> None:
    """Arrivals, flags, a move, a rename, deletions of all kinds."""
    box = await inbox(store)
    await inbox(store, BOB)
    data = b"Subject: hello\r\nMessage-ID: <one@example.test>\r\n\r\nHello.\r\n"
    await store.deliver(delivery(data, drop(ALICE, trace=TRACE), drop(BOB)))
    await put(store, box, letter("second"), letter("third"))
    made = await store.create_mailbox(ALICE, "Plans")
    await store.move(box.id, [2], made.id)
    await store.copy(box.id, [3], made.id)
    await store.rename_mailbox(ALICE, "Plans", "Old plans")
    await store.set_flags(box.id, [1], FlagChange(FlagMode.ADD, Flag.SEEN, frozenset({"blue"})))
    await store.remove(box.id, [3])
    await store.remove(box.id, [1])
    [item] = await store.deleted_items(ALICE)
    await store.restore_items(ALICE, [item.email], "INBOX")
    await store.delete_mailbox(ALICE, "Old plans")
    await store.purge(1 << 60, 100)
    await store.delete_account(BOB)


def test_everything_is_told_in_its_order(database: Any) -> None:
    happened(database, a_life)
    events = [
        (event.what.value, event.account, event.mailbox, event.uid, event.subject, event.detail)
        for event in told(database)
        if event.what is not What.MAILBOX_MADE
    ]
    assert events == [
        ("arrived", 1, "INBOX", 1, "hello", ""),
        ("arrived", 2, "INBOX", 1, "hello", ""),
        ("arrived", 1, "INBOX", 2, "second", ""),
        ("arrived", 1, "INBOX", 3, "third", ""),
        ("moved", 1, "INBOX", 2, "second", "to Plans uid 1"),
        ("copied", 1, "Plans", 2, "third", ""),
        ("mailbox-renamed", 1, "Plans", 0, "", "to Old plans"),
        ("flags", 1, "INBOX", 1, "hello", "+seen +blue"),
        ("removed", 1, "INBOX", 3, "third", ""),
        ("deleted", 1, "INBOX", 1, "hello", ""),
        ("restored", 1, "INBOX", 4, "hello", ""),
        ("mailbox-deleted", 1, "Old plans", 0, "", ""),
        ("deleted", 1, "Old plans", 1, "second", ""),
        ("deleted", 1, "Old plans", 2, "third", ""),
        ("purged", 1, "", 0, "second", "from Old plans"),
        ("purged", 1, "", 0, "third", "from Old plans"),
        ("account-deleted", 2, "", 0, "", ""),
        ("mailbox-deleted", 2, "INBOX", 0, "", ""),
        ("mailbox-deleted", 2, "Drafts", 0, "", ""),
        ("mailbox-deleted", 2, "Sent", 0, "", ""),
        ("mailbox-deleted", 2, "Archive", 0, "", ""),
        ("mailbox-deleted", 2, "Junk", 0, "", ""),
        ("mailbox-deleted", 2, "Trash", 0, "", ""),
        ("removed", 2, "INBOX", 1, "hello", ""),
    ]


@pytest.mark.parametrize(
    "wanted, expected",
    [
        (Wanted(what=DELETIONS, account=ALICE, mailbox="INBOX"), ["moved", "removed", "deleted"]),
        (Wanted(message_id="one@example.test", account=ALICE), ["arrived", "flags", "deleted", "restored"]),
        (Wanted(message_id="<one@example.test>", what=frozenset({What.DELETED})), ["deleted"]),
        (Wanted(mailbox="Plans"), ["mailbox-made", "copied", "mailbox-renamed"]),
        (Wanted(until=0), []),
    ],
)
def test_only_what_is_asked_for(database: Any, wanted: Wanted, expected: list[str]) -> None:
    happened(database, a_life)
    assert [event.what.value for event in told(database, wanted)] == expected


def test_the_log_alone_is_enough(database: Any) -> None:
    happened(database, a_life)
    whole = told(database)
    for file in database.place.data.glob("mail.db*"):
        file.unlink()
    assert told(database) == whole


def test_the_lsn_is_that_of_the_record_that_did_it(database: Any) -> None:
    happened(database, a_life)
    [event] = told(database, Wanted(what=frozenset({What.MAILBOX_RENAMED})))

    async def position(store: Any) -> None:
        await store.rename_mailbox(ALICE, "Sent", "Gone")

    happened(database, position)
    later = told(database, Wanted(what=frozenset({What.MAILBOX_RENAMED})))
    assert later[0] == event and later[1].lsn > event.lsn


def test_times_choose(database: Any) -> None:
    happened(database, a_life)
    times = sorted({event.time for event in told(database)})
    middle = times[len(times) // 2]
    before, after = told(database, Wanted(until=middle - 1)), told(database, Wanted(since=middle))
    assert before and after
    assert len(before) + len(after) == len(told(database))
    assert max(event.time for event in before) < middle <= min(event.time for event in after)
