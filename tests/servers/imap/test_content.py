"""Large and difficult messages through APPEND and FETCH: streamed, spooled, damaged, vanished."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.model.content import Content
from pillarbox.model.email import Message, Wanted
from pillarbox.model.failure import Failure
from pillarbox.model.ids import MailboxId
from pillarbox.net.handler import ConnectionClosed
from pillarbox.testing.imaphouse import ImapHouse, house
from pillarbox.testing.memorystore import MemoryStore
from pillarbox.testing.realstore import real_store

HEADER = b"Subject: large\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
TEXT = b"".join(b"line %d of a long text\r\n" % number for number in range(60_000))
LARGE = HEADER + b"--b\r\nContent-Type: text/plain\r\n\r\n" + TEXT + b"\r\n--b\r\n\r\nshort\r\n--b--\r\n"


def literal(answer: bytes, label: str) -> bytes:
    """The literal behind a label in a FETCH response."""
    found = re.search(re.escape(label.encode()) + rb" \{(\d+)\}\r\n", answer)
    assert found, answer[:200]
    return answer[found.end() : found.end() + int(found[1])]


def test_a_large_message_goes_in_and_comes_out_unchanged(tmp_path: Path) -> None:
    async def run() -> None:
        with real_store(tmp_path) as store:
            async with house(store, tmp_path) as one:
                peer = await one.login()
                await peer.send(b"a APPEND INBOX {%d+}\r\n" % len(LARGE))
                for at in range(0, len(LARGE), 50_000):
                    await peer.send(LARGE[at : at + 50_000])
                await peer.send(b"\r\n")
                assert b"a OK [APPENDUID" in peer.take()
                await peer.command("s SELECT INBOX")
                drains = peer.connection.drains
                answer = await peer.command("f FETCH 1 (BODY.PEEK[] BODY.PEEK[TEXT] BODY.PEEK[1])")
                assert answer.endswith(b"f OK Fetched.\r\n")
                assert literal(answer, "BODY[]") == LARGE
                assert literal(answer, "BODY[TEXT]") == LARGE[len(HEADER) :]
                assert literal(answer, "BODY[1]") == TEXT
                assert peer.connection.drains - drains > 10, "it was sent in pieces"
                part = await peer.command("p FETCH 1 (BODY.PEEK[1]<1000.500000> BINARY.PEEK[1] BINARY.SIZE[1])")
                assert literal(part, "BODY[1]<1000>") == TEXT[1000:501_000]
                assert literal(part, "BINARY[1]") == TEXT
                assert b"BINARY.SIZE[1] %d)" % len(TEXT) in part

    asyncio.run(run())


def test_a_client_that_vanishes_while_it_sends_leaves_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        async with house(MemoryStore(), tmp_path) as one:
            peer = await one.login()
            await peer.send(b"a APPEND INBOX {%d+}\r\n" % len(LARGE))
            await peer.send(LARGE[:200_000])
            receiving = peer.handler.client.receiving
            assert receiving is not None
            assert receiving.coming.spool.in_file
            assert list(tmp_path.iterdir()) == []
            await peer.send(b"")
            assert peer.closed
            assert peer.handler.client.receiving is None
            other = await one.login()
            assert b"MESSAGES 0" in await other.command("s STATUS INBOX (MESSAGES)")

    asyncio.run(run())


def test_a_full_disk_refuses_and_the_conversation_goes_on(tmp_path: Path) -> None:
    async def run() -> None:
        async with house(MemoryStore(), tmp_path / "missing") as one:
            peer = await one.login()
            await peer.send(b"a APPEND INBOX {%d+}\r\n" % len(LARGE) + LARGE + b"\r\nb NOOP\r\n")
            answer = peer.take()
            assert b"a NO [UNAVAILABLE]" in answer
            assert answer.endswith(b"b OK Done.\r\n")

    asyncio.run(run())


def test_a_client_that_vanishes_while_it_reads_ends_the_fetch(tmp_path: Path) -> None:
    async def run() -> None:
        async with house(MemoryStore(), tmp_path) as one:
            await one.deliver(LARGE)
            peer = await one.login()
            await peer.command("s SELECT INBOX")
            peer.connection.gone = True
            with pytest.raises(ConnectionClosed):
                await peer.command("f FETCH 1 BODY.PEEK[]")

    asyncio.run(run())


class Damaged:
    """A content whose bytes fail their checksum from some octet on."""

    def __init__(self, whole: Content, good: int) -> None:
        self.size = whole.size
        self._whole = whole
        self._good = good

    def read(self, start: int, length: int) -> bytes:
        return b"".join(self.pieces(start, length))

    def pieces(self, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        end = self.size if length is None else start + length
        while start < end:
            if start >= self._good or self._good == 0:
                raise Failure(FailureKind.CORRUPT, "The message is damaged in the store.")
            piece = self._whole.read(start, min(65_536, end - start, self._good - start))
            yield piece
            start += len(piece)


class DamagingStore(MemoryStore):
    """Damages the messages with these uids, from these octets on."""

    def __init__(self, damage: dict[int, int]) -> None:
        super().__init__()
        self.damage = damage

    async def fetch(self, mailbox: MailboxId, uids: Sequence[int], wanted: Wanted) -> AsyncIterator[list[Message]]:
        async for page in super().fetch(mailbox, uids, wanted):
            yield [
                message._replace(content=Damaged(message.content, self.damage[message.uid]))
                if message.content is not None and message.uid in self.damage
                else message
                for message in page
            ]


async def three_letters(one: ImapHouse) -> None:
    for number in range(3):
        await one.deliver(b"Subject: %d\r\n\r\nbody %d\r\n" % (number, number))


def test_a_damaged_message_does_not_hide_the_others(tmp_path: Path) -> None:
    async def run() -> None:
        async with house(DamagingStore({2: 0}), tmp_path) as one:
            await three_letters(one)
            peer = await one.login()
            await peer.command("s SELECT INBOX")
            answer = await peer.command("f FETCH 1:3 (UID BODY.PEEK[TEXT])")
            assert literal(answer, "* 1 FETCH (UID 1 BODY[TEXT]") == b"body 0\r\n"
            assert b"* 2 FETCH (UID 2)\r\n" in answer
            assert literal(answer, "* 3 FETCH (UID 3 BODY[TEXT]") == b"body 2\r\n"
            assert answer.endswith(b"f NO [CORRUPTION] The message is damaged in the store.\r\n")

    asyncio.run(run())


def test_damage_in_the_middle_of_a_literal_ends_the_connection(tmp_path: Path) -> None:
    async def run() -> None:
        async with house(DamagingStore({1: 300_000}), tmp_path) as one:
            await one.deliver(LARGE)
            peer = await one.login()
            await peer.command("s SELECT INBOX")
            with pytest.raises(ConnectionClosed):
                await peer.command("f FETCH 1 BODY.PEEK[]")
            assert peer.connection.logged[-1][0] == "content damaged while being sent"
            assert literal(peer.take(), "BODY[]") == LARGE[:300_000]

    asyncio.run(run())


def test_nul_octets_keep_the_size_of_a_streamed_literal(tmp_path: Path) -> None:
    async def run() -> None:
        async with house(MemoryStore(), tmp_path) as one:
            await one.deliver(HEADER + b"a\0b" * 50_000)
            peer = await one.login()
            await peer.command("s SELECT INBOX")
            answer = await peer.command("f FETCH 1 BODY.PEEK[TEXT]")
            assert literal(answer, "BODY[TEXT]") == b"a\x1ab" * 50_000

    asyncio.run(run())


def test_every_section_of_many_letters_adds_up(tmp_path: Path) -> None:
    """BODY[HEADER] and BODY[TEXT] make BODY[], in whatever slices a client asks for them."""

    async def run() -> None:
        async with house(MemoryStore(), tmp_path) as one:
            letters = [HEADER + TEXT[:size] for size in (0, 1, 70_000, 300_000)] + [b"", b"\r\n", b"no header\r\n"]
            for data in letters:
                await one.deliver(data, trace=b"Return-Path: <x@y>\r\n")
            peer = await one.login()
            await peer.command("s SELECT INBOX")
            for number, data in enumerate(letters, 1):
                whole = b"Return-Path: <x@y>\r\n" + data
                answer = await peer.command(f"f FETCH {number} (RFC822.SIZE BODY.PEEK[HEADER] BODY.PEEK[TEXT])")
                assert b"RFC822.SIZE %d " % len(whole) in answer
                assert literal(answer, "BODY[HEADER]") + literal(answer, "BODY[TEXT]") == whole
                slices = []
                for at in range(0, len(whole) + 1, 60_000):
                    part = await peer.command(f"f FETCH {number} BODY.PEEK[]<{at}.60000>")
                    slices.append(literal(part, f"BODY[]<{at}>"))
                assert b"".join(slices) == whole

    asyncio.run(run())
