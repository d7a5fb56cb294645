"""Bytes of messages: stored once, in chunks, checked, and swept when nobody has them."""

import asyncio
import mmap
import random
from pathlib import Path
from typing import Any

import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.database.mailbox import contents, delivery
from pillarbox.database.mailbox.contents import CHUNK, Packer, Unpacker
from pillarbox.mime.prepared import prepare
from pillarbox.model.content import Body
from pillarbox.model.email import Wanted
from pillarbox.model.failure import Failure
from pillarbox.model.store import Upload
from pillarbox.model.transaction import Delivery
from pillarbox.testing.storecontract import ALICE, BOB, drop, inbox, letter, put, read, upload


def large(size: int) -> bytes:
    """A letter of random bytes, which does not compress."""
    head = b"Subject: large\r\n\r\n"
    return head + random.Random(size).randbytes(size - len(head))


def count(engine: Any, table: str) -> int:
    with engine.read() as cursor:
        [(rows,)] = cursor.execute(f"SELECT count(*) FROM {table}")
        return int(rows)


@pytest.mark.parametrize("data", [b"", b"x", b"ab" * 5_000, random.Random(1).randbytes(5_000)])
def test_packing_keeps_bytes(data: bytes) -> None:
    packed = Packer().pack(data)
    assert Unpacker().unpack(*packed) == data
    assert len(packed.data) <= len(data)


def test_a_damaged_chunk_is_not_given_out() -> None:
    form, checksum, data = Packer().pack(b"ab" * 5_000)
    for damaged in [(form, checksum, b"\0" + data[1:]), (form, checksum + 1, data), (7, checksum, data)]:
        with pytest.raises(Failure) as caught:
            Unpacker().unpack(*damaged)
        assert caught.value.kind is FailureKind.CORRUPT


@pytest.mark.parametrize("size", [CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 17])
def test_large_messages_come_back_whole_and_in_parts(database: Any, size: int, tmp_path: Path) -> None:
    data = large(size)
    spool = tmp_path / "spool"
    spool.write_bytes(data)

    async def test(store: Any, engine: Any) -> None:
        trace = b"Return-Path: <x@y>\r\n"
        with spool.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            mail = Delivery(Body(mapped), prepare(mapped), (drop(ALICE, trace=trace), drop(BOB)), 5)
            assert await store.deliver(mail) == [None, None]
            assert await store.deliver(mail) == [None, None]
        assert count(engine, "content") == 1
        assert count(engine, "chunk") == -(-size // CHUNK)
        box = await store.mailbox(ALICE, "INBOX")
        found = await store.content(box.id, 1)
        whole = trace + data
        assert found.size == len(whole)
        pieces = list(found.pieces())
        assert b"".join(pieces) == whole
        assert max(map(len, pieces)) <= 256 * 1024
        for start, length in [(0, 5), (10, 30), (len(trace) + CHUNK - 3, 7), (size - 5, 100), (size + 50, 3)]:
            assert found.read(start, length) == whole[start : start + length]
        [message, _] = await read(store, box.id, wanted=Wanted.CONTENT)
        assert message.content is not None
        assert message.content.read(0, len(whole)) == whole

    database.run(test)


def test_a_write_is_never_much_larger_than_a_chunk(database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    async def test(store: Any, engine: Any) -> None:
        box = await inbox(store)
        write = engine.write

        async def noted(fn: Any, *, size: int = 0, brief: bool = False) -> Any:
            sizes.append(size)
            return await write(fn, size=size)

        monkeypatch.setattr(engine, "write", noted)
        small = [upload(large(30_000 + number)) for number in range(80)]
        await store.append(box.id, [*small, upload(large(5 * CHUNK))])
        assert [message.size for message in await read(store, box.id, wanted=Wanted.SIZE)] == [
            each.body.size for each in [*small, upload(large(5 * CHUNK))]
        ]

    database.run(test)
    assert max(sizes) < 1.2 * CHUNK
    assert len(sizes) < 12


def test_the_same_large_message_from_several_at_once_is_stored_once(database: Any) -> None:
    data = large(2 * CHUNK)

    async def test(store: Any, engine: Any) -> None:
        mail = Delivery(Body(data), prepare(data), (drop(ALICE),), 5)
        assert await asyncio.gather(*[store.deliver(mail) for _ in range(3)]) == [[None]] * 3
        box = await store.mailbox(ALICE, "INBOX")
        assert box.exists == 3
        database.clock.advance(7200)
        await store.purge(0, 0)
        assert count(engine, "content") == 1
        assert count(engine, "chunk") == 2
        assert (await store.content(box.id, 3)).read(0, len(data)) == data

    database.run(test)


def test_what_was_never_finished_is_swept_after_an_hour(database: Any) -> None:
    data = large(2 * CHUNK)

    async def test(store: Any, engine: Any) -> None:
        await store.deliver(Delivery(Body(data), prepare(data), (drop(ALICE, octets=1),), 5))
        assert count(engine, "chunk") == 2
        await store.purge(0, 0)
        assert count(engine, "chunk") == 2
        database.clock.advance(3601)
        await store.purge(0, 0)
        assert count(engine, "chunk") == count(engine, "content") == 0

    database.run(test)


def test_content_goes_with_its_last_email_and_its_ids_never_come_back(database: Any) -> None:
    async def test(store: Any, engine: Any) -> None:
        box = await inbox(store)
        for data in (letter("one"), large(3 * CHUNK)):
            await store.append(box.id, [upload(data), upload(data)])
        held = await store.content(box.id, 3)
        await store.remove(box.id, [1, 3, 4])
        database.clock.advance(1)
        assert await store.purge(database.clock.now(), 10) == 3
        assert (count(engine, "content"), count(engine, "chunk")) == (1, 1)
        await store.append(box.id, [upload(large(3 * CHUNK + 1))])
        with pytest.raises(Failure) as caught:
            held.read(0, 10)
        assert caught.value.kind is FailureKind.NOT_FOUND

    database.run(test)


def test_content_that_vanishes_while_it_is_being_placed_is_stored_again(
    database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = large(2 * CHUNK)

    async def test(store: Any, engine: Any) -> None:
        box = await inbox(store)
        await store.append(box.id, [upload(data)])
        arrange = contents.arrange

        async def arrange_then_lose(*args: Any) -> Any:
            arriving = await arrange(*args)
            monkeypatch.setattr(delivery, "arrange", arrange)
            await store.remove(box.id, [1])
            database.clock.advance(1)
            await store.purge(database.clock.now(), 1)
            return arriving

        monkeypatch.setattr(delivery, "arrange", arrange_then_lose)
        await store.append(box.id, [upload(data)])
        assert (await store.content(box.id, 2)).read(0, len(data)) == data

    database.run(test)


def test_reading_many_pages(database: Any) -> None:
    async def test(store: Any, engine: Any) -> None:
        box = await inbox(store)
        letters = [letter(f"number {number}") for number in range(1203)]
        await put(store, box, *letters)
        await store.remove(box.id, [500, 501, 1203])
        left = [uid for uid in range(1, 1203) if uid not in (500, 501)]
        uids, _ = await store.uids(box.id)
        assert uids == left
        for chosen in (uids, range(1, 2000), uids[::2], uids[::3], uids[::90], [5], [], [99_999]):
            there = set(left).intersection(chosen)
            for wanted in (Wanted.NOTHING, Wanted.ENVELOPE, Wanted.CONTENT):
                messages = await read(store, box.id, chosen, wanted)
                assert [message.uid for message in messages] == sorted(there)
        content = (await read(store, box.id, [7], Wanted.CONTENT))[0].content
        assert content is not None
        assert content.read(0, 10_000) == letters[6]
        assert await store.expunge(box.id, None) == []
        moved = await store.move(box.id, uids, (await store.mailbox(ALICE, "Archive")).id)
        assert (moved.source, moved.target) == (left, list(range(1, 1201)))

    database.run(test)


def test_uploads_of_one_content_in_one_call(database: Any) -> None:
    async def test(store: Any, engine: Any) -> None:
        box = await inbox(store)
        same = Upload(Body(letter("same")), prepare(letter("same")), 0, frozenset(), 1)
        await store.append(box.id, [same] * 3)
        assert count(engine, "content") == 1

    database.run(test)
