"""The maildrop: a snapshot, with marks that move no numbers."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.base.clock import MICROSECONDS
from pillarbox.mime.prepared import prepare
from pillarbox.model.content import Body
from pillarbox.model.email import Flag, FlagChange, FlagMode
from pillarbox.model.ids import AccountId, Uid
from pillarbox.model.store import Upload
from pillarbox.servers.pop3.maildrop import Maildrop
from pillarbox.testing.memorystore import MemoryStore

ALICE = AccountId(1)
DAY = 86_400 * MICROSECONDS
NOW = 1_700_000_000 * MICROSECONDS


def upload(size: int, flags: int = 0, days_old: int = 0) -> Upload:
    data = b"A: b\r\n\r\n" + b"x" * size
    return Upload(Body(data), prepare(data), flags, frozenset(), NOW - days_old * DAY)


async def drop_of(uploads: list[Upload], expire_days: int = -1) -> Maildrop:
    store = MemoryStore()
    await store.open_account(ALICE, 0, 0)
    inbox = await store.mailbox(ALICE, "INBOX")
    await store.append(inbox.id, uploads)
    return await Maildrop.open(store, ALICE, expire_days, NOW)


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 300), max_size=130),
    marks=st.lists(st.integers(1, 140), unique=True),
)
def test_counts_and_numbers(sizes: list[int], marks: list[int]) -> None:
    drop = asyncio.run(drop_of([upload(size) for size in sizes]))
    octets = {number: size + 8 for number, size in enumerate(sizes, 1)}
    for _ in range(2):
        for number in marks:
            assert drop.exists(number) == (number in octets)
            if drop.exists(number):
                drop.mark(number)
        left = [number for number in octets if number not in marks]
        assert (drop.count, drop.octets) == (len(left), sum(octets[number] for number in left))
        assert list(drop.numbers()) == left
        assert [drop.scan_line(number) for number in left] == [f"{number} {octets[number]}" for number in left]
        assert drop.to_remove(-1) == sorted(number for number in octets if number in marks)
        drop.unmark_all()
        assert (drop.count, drop.octets) == (len(sizes), sum(octets.values()))
        assert drop.to_remove(-1) == []
    unique = [drop.unique_line(number).split()[1] for number in octets]
    assert len(set(unique)) == len(unique)
    assert all(1 <= len(text) <= 70 and text.isascii() and text.isprintable() for text in unique)


def test_what_expires() -> None:
    seen, unseen = Flag.SEEN, Flag.NONE
    uploads = [upload(1, seen, 31), upload(1, unseen, 31), upload(1, seen, 30), upload(1, seen, 5), upload(1, seen, 90)]
    drop = asyncio.run(drop_of(uploads, 30))
    drop.retrieved(2)
    assert drop.to_remove(30) == [1, 5]
    drop.mark(5)
    drop.mark(3)
    assert drop.to_remove(30) == [1, 3, 5]


def test_nothing_expires_unless_it_is_set() -> None:
    drop = asyncio.run(drop_of([upload(1, Flag.SEEN, 9999)]))
    drop.retrieved(1)
    assert drop.to_remove(-1) == []
    assert drop.to_remove(0) == [1]


def test_what_becomes_seen() -> None:
    drop = asyncio.run(drop_of([upload(1), upload(1, Flag.SEEN), upload(1)]))
    for number in (2, 3, 3):
        drop.retrieved(number)
    assert drop.to_flag_seen() == [3]


def test_it_is_a_snapshot() -> None:
    async def run() -> None:
        store = MemoryStore()
        await store.open_account(ALICE, 0, 0)
        inbox = await store.mailbox(ALICE, "INBOX")
        await store.append(inbox.id, [upload(1), upload(2)])
        drop = await Maildrop.open(store, ALICE, -1, NOW)
        await store.append(inbox.id, [upload(3)])
        await store.remove(inbox.id, [Uid(1)])
        await store.set_flags(inbox.id, [Uid(2)], FlagChange(FlagMode.ADD, Flag.FLAGGED))
        assert list(drop.numbers()) == [1, 2]
        assert drop.uid(2) == 2

    asyncio.run(run())
