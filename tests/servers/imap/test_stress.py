"""Several clients do random things to one mailbox at once; each believes what it is told, and in the end all agree.

The store in memory is made to answer late at random, so that the sessions mix in every way; a real store has commits
that several sessions share.
"""

import asyncio
import random
from pathlib import Path

import pytest

from pillarbox.model.store import MailStore
from pillarbox.testing.imaphouse import ImapHouse, ImapPeer, house
from pillarbox.testing.latestore import LateStore
from pillarbox.testing.memorystore import MemoryStore
from pillarbox.testing.realstore import real_store
from pillarbox.testing.strictclient import StrictClient

FLAGS = ("\\Seen", "\\Flagged", "\\Answered", "\\Draft", "\\Deleted", "$Work")
SEEDS = 25
REAL_SEEDS = 4
CLIENTS = 4
ROUNDS = 8
STEPS = 8


class RandomClient:
    """One client doing one thing after the other."""

    def __init__(self, one: ImapHouse, peer: ImapPeer, rng: random.Random, number: int) -> None:
        self.house = one
        self.peer = peer
        self.rng = rng
        self.tag = f"c{number}x"
        self.model = StrictClient()
        self.count = 0

    async def say(self, text: str, literal: bytes | None = None) -> None:
        """A whole command and its answer."""
        self.count += 1
        self.model.begin(text)
        tail = b"\r\n" if literal is None else b" {%d+}\r\n%b\r\n" % (len(literal), literal)
        await self.peer.send(f"{self.tag}{self.count} {text}".encode() + tail)
        self.model.hear(self.peer.take())

    async def begin(self) -> None:
        await self.say("SELECT INBOX")
        await self.say("UID FETCH 1:* (UID FLAGS)")

    def some(self) -> tuple[str, list[int]]:
        """A random set of numbers, as text and as what it means."""
        size = len(self.model.messages)
        first, last = sorted((self.rng.randint(1, size), self.rng.randint(1, size)))
        return f"{first}:{last}", list(range(first, last + 1))

    def some_uids(self) -> str:
        known = [each.uid for each in self.model.messages if each.uid is not None] or [1]
        return ",".join(map(str, sorted(self.rng.choices(known, k=3))))

    async def store(self) -> None:
        numbers, meant = self.some()
        mode = self.rng.choice(("+", "-", ""))
        flags = self.rng.sample(FLAGS, self.rng.randint(1, 3))
        if self.rng.random() < 0.5:
            # Messages that are gone already keep no flags; the picture of them is of no consequence.
            await self.say(f"STORE {numbers} {mode}FLAGS ({' '.join(flags)})")
            return
        self.model.begin("STORE")
        self.count += 1
        await self.peer.send(
            f"{self.tag}{self.count} STORE {numbers} {mode}FLAGS.SILENT ({' '.join(flags)})\r\n".encode()
        )
        self.model.stored(meant, mode, frozenset(flag.encode() for flag in flags))
        self.model.hear(self.peer.take())

    async def idle(self) -> None:
        self.count += 1
        self.model.begin("IDLE")
        await self.peer.send(f"{self.tag}{self.count} IDLE\r\n".encode())
        for _ in range(self.rng.randrange(30)):
            await asyncio.sleep(0)
            self.model.hear(self.peer.take())
        await self.peer.send(b"DONE\r\n")
        self.model.hear(self.peer.take())

    async def search(self) -> None:
        await self.say(f"SEARCH {self.rng.choice(('ALL', 'SEEN', 'NOT DELETED', '1:3'))}")
        assert all(1 <= number <= len(self.model.messages) for number in self.model.found)
        assert self.model.found == sorted(set(self.model.found))

    async def step(self) -> None:
        kind = self.rng.random()
        empty = not self.model.messages
        if kind < 0.08:
            await self.say("APPEND INBOX", b"Subject: new\r\n\r\nbody\r\n")
        elif kind < 0.16:
            await self.say("NOOP")
        elif kind < 0.24:
            await self.idle()
        elif kind < 0.34:
            await self.search()
        elif kind < 0.42:
            await self.say("EXPUNGE")
        elif kind < 0.48:
            await self.say(f"UID EXPUNGE {self.some_uids()}")
        elif kind < 0.54:
            await self.say(f"UID COPY {self.some_uids()} INBOX")
        elif kind < 0.60:
            await self.say(f"UID MOVE {self.some_uids()} {self.rng.choice(('Archive', 'INBOX'))}")
        elif kind < 0.68:
            await self.say(f"UID STORE {self.some_uids()} +FLAGS ({self.rng.choice(FLAGS)})")
        elif kind < 0.76:
            await self.say("UID FETCH 1:* (UID FLAGS)")
        elif empty:
            await self.house.deliver(b"Subject: from outside\r\n\r\nbody\r\n")
        elif kind < 0.84:
            await self.say(f"FETCH {self.some()[0]} (UID FLAGS)")
        elif kind < 0.88:
            await self.say(f"COPY {self.some()[0]} INBOX")
        elif kind < 0.92:
            await self.say(f"MOVE {self.some()[0]} Archive")
        else:
            await self.store()

    async def live(self) -> None:
        for _ in range(STEPS):
            await self.step()
            assert not self.peer.closed
            await asyncio.sleep(0)


async def truth(one: ImapHouse, store: MailStore) -> dict[int, frozenset[bytes]]:
    """The flags of every message, read by a client who comes fresh."""
    fresh = RandomClient(one, await one.login(), random.Random(0), 99)
    await fresh.begin()
    fresh.peer.close()
    known = {each.uid: each.flags for each in fresh.model.messages}
    uids, _ = await store.uids((await store.mailbox((await one.person()).account, "INBOX")).id)
    assert list(known) == uids
    return {uid: flags or frozenset() for uid, flags in known.items() if uid is not None}


async def scene(store: MailStore, rng: random.Random, spool: Path) -> None:
    async with house(store, spool) as one:
        for number in range(6):
            await one.deliver(b"Subject: %d\r\n\r\nbody\r\n" % number)
        clients = [RandomClient(one, await one.login(), random.Random(rng.random()), n) for n in range(CLIENTS)]
        for client in clients:
            await client.begin()
        for _ in range(ROUNDS):
            await asyncio.gather(*[client.live() for client in clients])
            for client in clients:
                await client.say("NOOP")
            real = await truth(one, store)
            for client in clients:
                check(client.model, real)


def check(model: StrictClient, real: dict[int, frozenset[bytes]]) -> None:
    """What a client believes is what is there."""
    assert len(model.messages) == len(real)
    for message, (uid, flags) in zip(model.messages, real.items(), strict=True):
        assert message.uid in (None, uid)
        assert message.flags is None or message.flags == flags, f"{uid}: {message.flags} is really {flags}"


@pytest.mark.parametrize("seed", range(SEEDS))
def test_all_agree_in_the_end(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    asyncio.run(scene(LateStore(MemoryStore(), rng), rng, tmp_path))  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(REAL_SEEDS))
def test_all_agree_on_a_real_store(seed: int, tmp_path: Path) -> None:
    async def run() -> None:
        with real_store(tmp_path) as store:
            await scene(store, random.Random(seed), tmp_path)

    asyncio.run(run())
