"""Invariant: whatever clients send, and whatever happens to the mail and the connection meanwhile, no exception leaves
the handler, each maildrop has at most one holder, every lock is free in the end, and only QUIT deletes."""

import asyncio
import random
from pathlib import Path

from pillarbox.base.settings import Pop3
from pillarbox.model.failure import Failure
from pillarbox.testing.letters import damaged, letters
from pillarbox.testing.memorystore import MemoryStore
from pillarbox.testing.pop3house import PASSWORD, Pop3House, Pop3Peer, pop3_house

PLAIN = b"AGFsaWNlQGV4YW1wbGUudGVzdABwYXNz"
LINES = [
    b"USER alice@example.test", b"USER bob@example.test", b"USER nobody", f"PASS {PASSWORD}".encode(), b"PASS wrong",
    b"AUTH PLAIN " + PLAIN, b"AUTH PLAIN", PLAIN, b"AUTH LOGIN", b"*", b"AUTH SCRAM-SHA-256", b"AUTH SCRAM-SHA-256 biwsbj1hLHI9Yg==",
    b"CAPA", b"STLS", b"UTF8", b"NOOP", b"STAT", b"LIST", b"UIDL", b"RSET", b"LIST 1", b"UIDL 2", b"LIST 99", b"RETR 1",
    b"RETR 2", b"RETR 3", b"RETR 0", b"TOP 1 0", b"TOP 2 3", b"TOP 3 9999999999", b"DELE 1", b"DELE 2", b"DELE 99",
    b"RETR \xff", b"PASS \x00", b"x" * 3000, b"", b"LIST 1 2", b"QUIT",
]  # fmt: skip
LOGIN = b"USER alice@example.test\r\nPASS " + PASSWORD.encode() + b"\r\n"
ROUNDS = 250


async def step(chance: random.Random, house: Pop3House, one: Pop3Peer) -> None:
    """Something happens."""
    dice = chance.random()
    if dice < 0.02:
        one.connection.gone = True
    elif dice < 0.03:
        await chance.choice([one.handler.timed_out, one.handler.shutting_down, one.handler.crashed])()
        one.close()
    elif dice < 0.05:
        await one.send(b"")
    elif dice < 0.08:
        uids = await house.uids()
        await house.store.remove((await house.inbox()).id, uids[: chance.randrange(2)])
    elif dice < 0.12:
        await house.deliver(damaged(next(letters(1, chance.randrange(50))), chance))
    else:
        await one.send(b"".join(line + b"\r\n" for line in chance.choices(LINES, k=chance.randrange(1, 4))))


async def play(chance: random.Random, directory: Path) -> None:
    settings = Pop3(errors=chance.choice([3, 20]), expire_days=chance.choice([-1, 0, 30]))
    async with pop3_house(MemoryStore(), directory, settings) as house:
        for number in range(3):
            await house.deliver(damaged(next(letters(1, number)), chance))
        peers: list[Pop3Peer] = []
        for _ in range(60):
            if not peers or chance.random() < 0.1:
                peers.append(await house.connect(chance.choice(["127.0.0.1", "192.0.2.7"])))
                if chance.random() < 0.7:
                    await peers[-1].send(LOGIN)
            await step(chance, house, chance.choice(peers))
            peers = [peer for peer in peers if not peer.closed]
            assert sum(peer.handler.client.has_maildrop for peer in peers) <= 2
        house.close()
        for name in ("alice", "bob"):
            house.store.acquire((await house.person(name)).account)()


def test_anything_may_happen(tmp_path: Path) -> None:
    chance = random.Random("pop3 handler")
    for _ in range(ROUNDS):
        asyncio.run(play(chance, tmp_path))


async def without_quit(chance: random.Random, directory: Path) -> None:
    async with pop3_house(MemoryStore(), directory, Pop3(expire_days=0)) as house:
        for letter in letters(5, chance.randrange(1000)):
            await house.deliver(letter)
        one = await house.connect()
        await one.send(LOGIN)
        try:
            house.store.acquire((await house.person()).account)
        except Failure:
            pass
        else:
            raise AssertionError("the maildrop is not locked")
        for _ in range(30):
            await one.send(chance.choice(LINES[:-1]) + b"\r\n")
        one.close()
        assert await house.uids() == [1, 2, 3, 4, 5]


def test_nothing_is_deleted_without_quit(tmp_path: Path) -> None:
    chance = random.Random("no quit")
    for _ in range(40):
        asyncio.run(without_quit(chance, tmp_path))
