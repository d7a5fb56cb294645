"""Invariant: a client that applies every ADDTO, REMOVEFROM and EXPUNGE it is told of has, after each command, the very
result that it would get by searching or sorting anew. Random changes by two clients, on both stores."""

import asyncio
import random
import re
from pathlib import Path

import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.ids import MailboxId, Uid
from pillarbox.model.search import Criterion
from pillarbox.model.store import MailStore
from pillarbox.testing.imaphouse import ImapHouse, ImapPeer, house
from pillarbox.testing.memorystore import MemoryStore
from pillarbox.testing.realstore import real_store

SEARCHES = [
    ("SEARCH", "UNSEEN"), ("SEARCH", "OR FLAGGED SUBJECT 3"), ("SEARCH", "NOT (SEEN FLAGGED)"), ("SEARCH", "UID 3:*"),
    ("SORT", "(REVERSE SUBJECT) UTF-8 UNSEEN"), ("SORT", "(FROM DATE) UTF-8 NOT FLAGGED"), ("SORT", "(SIZE) UTF-8 ALL"),
]  # fmt: skip


def expand(text: bytes) -> list[int]:
    numbers: list[int] = []
    for part in text.split(b","):
        low, _, high = part.partition(b":")
        numbers += range(int(low), int(high or low) + 1)
    return numbers


class Copy:
    """A result as a client keeps it."""

    def __init__(self, tag: str, uid: str, verb: str, query: str) -> None:
        self.tag, self.uid, self.verb, self.query = tag, uid, verb, query
        self.numbers: list[int] = []

    def hear(self, line: bytes) -> None:
        expunged = re.fullmatch(rb"\* (\d+) EXPUNGE", line)
        if expunged and not self.uid:
            gone = int(expunged[1])
            assert gone not in self.numbers
            self.numbers = [number - (number > gone) for number in self.numbers]
        head = b'* ESEARCH (TAG "%b")%b ' % (self.tag.encode(), b" UID" if self.uid else b"")
        if not line.startswith(head):
            return
        words = line[len(head) :].replace(b"(", b"").replace(b")", b"").split()
        if words[0] == b"ALL":
            self.numbers = expand(words[1])
            return
        for position, numbers in zip(words[1::2], words[2::2], strict=True):
            self.move(words[0], int(position), expand(numbers))

    def move(self, verb: bytes, position: int, numbers: list[int]) -> None:
        if verb == b"ADDTO":
            at = position - 1 if position else len(self.numbers)
            self.numbers[at:at] = numbers
            if not position:
                self.numbers.sort()
        elif verb == b"REMOVEFROM":
            for number in numbers:
                assert not position or self.numbers[position - 1] == number
                self.numbers.remove(number)


class Observer:
    """A client with contexts."""

    def __init__(self, peer: ImapPeer) -> None:
        self.peer = peer
        self.copies: list[Copy] = []

    async def command(self, text: str) -> list[bytes]:
        lines = (await self.peer.command(text)).splitlines()
        for line in lines:
            for copy in self.copies:
                copy.hear(line)
        return lines

    async def check(self) -> None:
        await self.command("n NOOP")
        for copy in self.copies:
            fresh = Copy("x", copy.uid, copy.verb, copy.query)
            for line in await self.command(f"x {copy.uid}{copy.verb} RETURN (ALL) {copy.query}"):
                fresh.hear(line)
            assert copy.numbers == fresh.numbers, (copy.query, copy.uid)


def letter(rng: random.Random) -> bytes:
    return b"From: p%d@x\r\nSubject: %d\r\nMessage-ID: <%d@x>\r\n\r\n%b\r\n" % (
        rng.randint(1, 5), rng.randint(1, 9), rng.getrandbits(40), b"x" * rng.randint(1, 50),
    )  # fmt: skip


def change(rng: random.Random, uid: str) -> str:
    numbers = f"{rng.randint(1, 9)}:{rng.choice([1, 4, '*'])}" if rng.random() < 0.3 else str(rng.randint(1, 9))
    return rng.choice([
        f"UID STORE {numbers} {rng.choice('+-')}FLAGS (\\Seen)", f"UID STORE {numbers} {rng.choice('+-')}FLAGS (\\Flagged)",
        f"UID STORE {numbers} +FLAGS (\\Deleted)", "EXPUNGE", f"UID MOVE {numbers} Archive", f"UID COPY {numbers} INBOX",
        "UID SEARCH 1:3", "NOOP",
    ])  # fmt: skip


async def play(store: MailStore, spool: Path, seed: int) -> None:
    rng = random.Random(seed)
    async with house(store, spool) as one:
        for _ in range(6):
            await one.deliver(letter(rng))
        observer, other = Observer(await one.login()), Observer(await one.login())
        for each in (observer, other):
            await each.command("s SELECT INBOX")
        for number, (verb, query) in enumerate(SEARCHES):
            for uid in ("", "UID "):
                copy = Copy(f"c{number}{uid.strip()}", uid, verb, query)
                observer.copies.append(copy)
                await observer.command(f"{copy.tag} {uid}{verb} RETURN (ALL UPDATE) {query}")
        await act(one, observer, other, rng)


async def act(one: ImapHouse, observer: Observer, other: Observer, rng: random.Random) -> None:
    for _ in range(25):
        if rng.random() < 0.3:
            await one.deliver(letter(rng))
        await rng.choice([observer, other]).command("a " + change(rng, ""))
        if rng.random() < 0.6:
            await observer.check()
    await observer.check()


@pytest.mark.parametrize("seed", range(8))
def test_results_stay_what_they_would_be(seed: int, tmp_path: Path) -> None:
    async def run() -> None:
        await play(MemoryStore(), tmp_path, seed)
        with real_store(tmp_path) as store:
            await play(store, tmp_path, seed)

    asyncio.run(run())


class FailingStore(MemoryStore):
    """Cannot search once it is told to fail."""

    failing = False

    async def search(self, mailbox: MailboxId, criterion: Criterion) -> list[Uid]:
        if self.failing:
            raise Failure(FailureKind.UNAVAILABLE, "Not now.")
        return await super().search(mailbox, criterion)


def test_one_that_cannot_be_kept_is_given_up(tmp_path: Path) -> None:
    async def run() -> None:
        store = FailingStore()
        async with house(store, tmp_path) as one:
            peer = await one.login()
            await peer.command("s SELECT INBOX")
            await peer.command("c SEARCH RETURN (UPDATE) ALL")
            store.failing = True
            await one.deliver(b"Subject: x\r\n\r\n")
            answer = await peer.command("n NOOP")
            assert b'* 1 EXISTS\r\n* NO [NOUPDATE "c"] Not now.\r\nn OK ' in answer
            store.failing = False
            await one.deliver(b"Subject: x\r\n\r\n")
            assert b"ESEARCH" not in await peer.command("n NOOP")

    asyncio.run(run())


def test_too_many_are_refused(tmp_path: Path) -> None:
    async def run() -> None:
        async with house(MemoryStore(), tmp_path) as one:
            peer = await one.login()
            await peer.command("s SELECT INBOX")
            for number in range(16):
                assert b"NOUPDATE" not in await peer.command(f"c{number} SEARCH RETURN (UPDATE) ALL")
            assert b'* NO [NOUPDATE "d"] ' in await peer.command("d SEARCH RETURN (UPDATE) ALL")
            assert b"NOUPDATE" not in await peer.command("c3 SEARCH RETURN (UPDATE) SEEN")
            await peer.command('e CANCELUPDATE "c0"')
            assert b"NOUPDATE" not in await peer.command("d SEARCH RETURN (UPDATE) ALL")

    asyncio.run(run())
