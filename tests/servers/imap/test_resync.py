"""A client that comes back by QRESYNC, from whatever older state, has what one has that was there all the time.

While some stay, others come and go; each leaves its copies of the mailbox behind, and any of them may be taken up
again, much later and more than once. The store in memory is made to answer late, so that others change the mailbox in
the middle of a SELECT, and to lose its memory of what is gone; the real one is taken through crashes.
"""

import asyncio
import random
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pillarbox.base.clock import FixedClock
from pillarbox.database.engine import Engine
from pillarbox.database.mailbox.schema import MailboxSchema
from pillarbox.database.mailbox.store import MailboxStore
from pillarbox.database.place import Place
from pillarbox.model.email import Flag, FlagChange, FlagMode
from pillarbox.model.ids import EmailId, MailboxId
from pillarbox.model.store import MailStore
from pillarbox.testing.imaphouse import ImapHouse, house
from pillarbox.testing.latestore import LateStore
from pillarbox.testing.memorystore import MemoryStore
from pillarbox.testing.resyncclient import Copy, ResyncClient
from pillarbox.testing.storecontract import letter, upload
from pillarbox.wire.imap.sequence_set import uid_set

SEEDS = 30
REAL_SEEDS = 5
FLAGS = {Flag.SEEN: b"\\Seen", Flag.FLAGGED: b"\\Flagged", Flag.ANSWERED: b"\\Answered", Flag.DELETED: b"\\Deleted"}


class World:
    """The mailbox, those who change it behind everybody's back, and the copies that clients left behind."""

    def __init__(self, one: ImapHouse, store: MailStore, rng: random.Random) -> None:
        self.house = one
        self.store = store
        self.rng = rng
        self.inbox = MailboxId(0)
        self.copies: list[Copy] = [Copy()]

    async def settle(self) -> None:
        account = (await self.house.person()).account
        self.inbox = (await self.store.mailbox(account, "INBOX")).id

    async def path(self, name: str) -> MailboxId:
        return (await self.store.mailbox((await self.house.person()).account, name)).id

    async def uids(self, mailbox: MailboxId, most: int = 4) -> list[int]:
        uids, _ = await self.store.uids(mailbox)
        return sorted(self.rng.sample(uids, min(len(uids), self.rng.randint(1, most))))

    async def change(self) -> None:
        """One thing happens."""
        store, rng, inbox = self.store, self.rng, self.inbox
        kind = rng.random()
        if kind < 0.3:
            await store.append(inbox, [upload(letter("x"), rng.choice(list(FLAGS)))] * rng.randint(1, 3))
        elif kind < 0.6:
            flag = rng.choice(list(FLAGS))
            change = FlagChange(rng.choice(list(FlagMode)), flag, frozenset(rng.sample(("a", "$b"), rng.randint(0, 1))))
            await store.set_flags(inbox, await self.uids(inbox), change)
        elif kind < 0.7:
            await store.expunge(inbox, None)
        elif kind < 0.76:
            await store.remove(inbox, await self.uids(inbox, 2))
        elif kind < 0.82:
            await store.copy(inbox, await self.uids(inbox), rng.choice([inbox, await self.path("Archive")]))
        elif kind < 0.9:
            await store.move(inbox, await self.uids(inbox, 3), rng.choice([inbox, await self.path("Archive")]))
        elif kind < 0.96:
            archive = await self.path("Archive")
            uids = await self.uids(archive)
            if rng.random() < 0.5:
                await store.set_flags(archive, uids, FlagChange(FlagMode.ADD, rng.choice(list(FLAGS))))
            else:
                await store.move(archive, uids, inbox)
        else:
            account = (await self.house.person()).account
            items = await store.deleted_items(account)
            some = [EmailId(item.email) for item in rng.sample(items, min(len(items), 2))]
            await store.restore_items(account, some, "INBOX")

    async def truth(self) -> dict[int, frozenset[bytes]]:
        uids, _ = await self.store.uids(self.inbox)
        pages = self.store.fetch(self.inbox, uids, 0)  # type: ignore[arg-type]
        found = {}
        async for page in pages:
            for message in page:
                names = {name for bit, name in FLAGS.items() if message.flags & bit}
                found[int(message.uid)] = frozenset(names | set(message.keywords.encode().split()))
        return found

    async def client(self, copy: Copy) -> ResyncClient:
        client = ResyncClient(await self.house.login(), copy)
        await client.say("ENABLE QRESYNC")
        return client

    async def check(self, client: ResyncClient) -> None:
        """It has what is there."""
        truth = await self.truth()
        assert client.copy.messages == truth
        assert client.exists == len(truth)

    def arguments(self, copy: Copy) -> tuple[str, str]:
        """What a client may say of what it knows, more or less of it."""
        uids = sorted(copy.messages)
        known = match = ""
        if uids and self.rng.random() < 0.6:
            known = uid_set(uids).decode() if self.rng.random() < 0.5 else f"1:{uids[-1]}"
        if uids and self.rng.random() < 0.5:
            places = sorted(self.rng.sample(range(len(uids)), self.rng.randint(1, len(uids))))
            numbers = uid_set([place + 1 for place in places]).decode()
            match = f"({numbers} {uid_set([uids[place] for place in places]).decode()})"
        return known, match


async def come_back(world: World, busy: bool) -> None:
    """Somebody takes up an old copy, perhaps while others are changing the mailbox."""
    old = world.rng.choice(world.copies)
    client = await world.client(old.put_away())
    known, match = world.arguments(old)
    verb = world.rng.choice(("SELECT", "EXAMINE"))
    if busy:
        await asyncio.gather(client.come(verb, known, match), world.change(), world.change())
        await client.catch_up()
    else:
        await client.come(verb, known, match)
        exact(old, client, known, await world.truth())
    await world.check(client)
    world.copies.append(client.copy.put_away())
    client.peer.close()


def exact(old: Copy, client: ResyncClient, known: str, truth: dict[int, frozenset[bytes]]) -> None:
    """No more is told than what happened."""
    if not old.uid_validity:
        return
    assert not set(client.earlier) & set(truth)
    assert client.earlier == sorted(set(client.earlier))
    assert set(old.messages) - set(truth) <= set(client.earlier)
    if known and ":" not in known:
        assert set(client.earlier) <= set(old.messages)


async def fetch_back(world: World) -> None:
    """The same by UID FETCH (CHANGEDSINCE ... VANISHED), which asks about the mailbox that is selected."""
    old = world.rng.choice([copy for copy in world.copies if copy.uid_validity] or [Copy()])
    if not old.uid_validity:
        return
    client = await world.client(Copy())
    await client.say("SELECT INBOX")
    client.copy = old.put_away()
    await client.say(f"UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE {old.modseq} VANISHED)")
    await client.fetch_new()
    await world.check(client)
    client.peer.close()


async def live(world: World, losing: Callable[[], Awaitable[None]], rounds: int = 12) -> None:
    await world.settle()
    stays = await world.client(Copy())
    await stays.come("SELECT")
    for _ in range(rounds):
        for _ in range(world.rng.randint(0, 4)):
            await world.change()
        if world.rng.random() < 0.3:
            await losing()
        await come_back(world, busy=world.rng.random() < 0.4)
        if world.rng.random() < 0.4:
            await fetch_back(world)
        if world.rng.random() < 0.5:
            await stays.say(world.rng.choice(("EXPUNGE", "STORE 1:* +FLAGS.SILENT (\\Seen)", "CHECK", "UID MOVE 1:2 INBOX"))
                            if stays.exists else "CHECK")  # fmt: skip
        await stays.catch_up()
        # What it did not need to be told of its own silent STORE, it asks for.
        await stays.say("UID FETCH 1:* (UID FLAGS MODSEQ)")
        await world.check(stays)
    stays.peer.close()


@pytest.mark.parametrize("seed", range(SEEDS))
def test_whoever_comes_back_knows_all(seed: int, tmp_path: Path) -> None:
    async def run() -> None:
        rng = random.Random(seed)
        memory = MemoryStore()
        store: Any = LateStore(memory, rng)
        async with house(store, tmp_path) as one:
            world = World(one, store, rng)

            async def losing() -> None:
                if seed % 2:
                    memory.forget_expunged(world.inbox)

            await live(world, losing)

    asyncio.run(run())


@asynccontextmanager
async def opened(place: Place, locks: Path) -> AsyncIterator[tuple[Engine, MailboxStore]]:
    engine = Engine.open(place, MailboxSchema())
    store = MailboxStore(engine, FixedClock(), locks)
    try:
        yield engine, store
    finally:
        store.close()
        engine.close()


def after_a_crash(root: Path, number: int) -> Place:
    """What the disks hold at this moment, under another name: as if the machine had stopped."""
    old, new = root / str(number), root / str(number + 1)
    shutil.copytree(old, new)
    return Place("mail", new / "data", (new / "log",))


@pytest.mark.parametrize("seed", range(REAL_SEEDS))
def test_a_real_store_remembers_through_crashes(seed: int, tmp_path: Path) -> None:
    async def run() -> None:
        rng = random.Random(seed)
        copies: list[Copy] | None = None
        for name in ("data", "log"):
            (tmp_path / "0" / name).mkdir(parents=True)
        place = Place("mail", tmp_path / "0" / "data", (tmp_path / "0" / "log",))
        Engine.create(place, MailboxSchema()).close()
        for number in range(3):
            async with opened(place, tmp_path / "locks") as (_, store), house(store, tmp_path) as one:
                world = World(one, store, rng)
                world.copies = copies or world.copies
                await live(world, nothing, rounds=4)
                copies = world.copies
                place = after_a_crash(tmp_path, number)

    asyncio.run(run())


async def nothing() -> None:
    """Nothing is lost."""
