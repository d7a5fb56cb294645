"""The bytes of messages: stored once, compressed where that makes them smaller, checked whenever they are read.

A content is cut into chunks of 1 MiB, each compressed and checksummed by itself. What arrives in one call and is
no larger than that goes into the write that places it. Anything larger is stored beforehand, at most about 1 MiB
to a write, as contents without a hash: nobody sees those, and the sweep takes what is left of them after an hour. The
write that places them only gives them their hash.

Everything that can be done outside the writer thread (hashing, compressing) is done in `arrange`.
"""

import asyncio
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

import zstandard

from pillarbox.base.failure import FailureKind
from pillarbox.database.mailbox.sql import one, take_ids
from pillarbox.mime.prepared import Prepared
from pillarbox.model.content import Body
from pillarbox.model.failure import Failure
from pillarbox.model.logged import Cursor, LoggedDatabase, Value, WriteCursor

CHUNK = 1 << 20
"""Octets of a content in one chunk."""

CHUNKS = 1 << 16
"""Chunk ids that belong to one content."""

PIECE = 256 * 1024
_PLAIN, _ZSTD = 0, 1
_LEVEL = 1  # on letters nearly as small as 3, in two thirds of the time
_WORTHWHILE = 256  # octets below which compressing gains nothing

_INSERT_CONTENT = """
    INSERT INTO content
        (id, hash, size, stored_at, header_size, envelope, body, bodystructure, fields, subject, base_subject,
         message_id, refs, sent_at, from_text, to_text, cc_text, preview, has_attachment)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (hash) DO NOTHING
    RETURNING id
"""
_INSERT_CHUNK = "INSERT INTO chunk (id, form, checksum, data) VALUES (?, ?, ?, ?)"
_BY_HASH = "SELECT id FROM content WHERE hash = ?"
_FINISH = "UPDATE content SET hash = ? WHERE id = ? AND hash IS NULL RETURNING id"


class Packed(NamedTuple):
    """A chunk as it is stored."""

    form: int
    checksum: int
    data: bytes


class Vanished(Exception):
    """A content that was there when a write was prepared is gone when it runs: prepare again."""


@dataclass(slots=True)
class Arriving:
    """A content ready to be settled: its one chunk, or the id under which it was stored beforehand, or neither
    where the database has it already."""

    hash: bytes
    size: int
    columns: tuple[Value, ...]
    packed: Packed | None = None
    content: int = 0


class Packer:
    """Compresses chunks. For one thread."""

    def __init__(self) -> None:
        self._compressor = zstandard.ZstdCompressor(level=_LEVEL, write_content_size=True)

    def pack(self, data: bytes) -> Packed:
        """A chunk, compressed where that makes it smaller."""
        if len(data) >= _WORTHWHILE:
            smaller = self._compressor.compress(data)
            if len(smaller) < len(data):
                return Packed(_ZSTD, zlib.crc32(smaller), smaller)
        return Packed(_PLAIN, zlib.crc32(data), data)


class Unpacker:
    """Turns stored chunks back into bytes. For one thread."""

    def __init__(self) -> None:
        self._decompressor = zstandard.ZstdDecompressor()

    def unpack(self, form: int, checksum: int, data: bytes) -> bytes:
        """A stored chunk's bytes. Raises Failure(CORRUPT)."""
        if zlib.crc32(data) != checksum:
            raise _corrupt("a chunk fails its checksum")
        if form == _PLAIN:
            return data
        if form != _ZSTD:
            raise _corrupt(f"a chunk has the unknown form {form}")
        try:
            return self._decompressor.decompress(data, max_output_size=CHUNK)
        except zstandard.ZstdError as error:
            raise _corrupt("a chunk cannot be decompressed") from error


def columns(prepared: Prepared) -> tuple[Value, ...]:
    """What is kept of a letter, in the order of the table's columns."""
    return (
        prepared.header_size,
        prepared.envelope,
        prepared.body,
        prepared.bodystructure,
        prepared.fields,
        prepared.subject,
        prepared.base_subject,
        prepared.message_id,
        b" ".join(prepared.references),
        prepared.sent_at,
        prepared.from_,
        prepared.to,
        prepared.cc,
        prepared.preview,
        int(prepared.has_attachment),
    )


async def arrange(
    database: LoggedDatabase, packer: Packer, letters: Sequence[tuple[Body, Prepared]], now: int
) -> list[Arriving]:
    """Makes contents ready for the write that settles them; stores what is too large for it."""
    if sum(body.size for body, _ in letters) <= CHUNK:
        return [_inline(packer, bytes(body.data), prepared) for body, prepared in letters]
    beforehand = _Beforehand(database, now)
    arriving: list[Arriving] = []
    seen: set[bytes] = set()
    for body, prepared in letters:
        each = Arriving(await hash_of(body), body.size, columns(prepared))
        arriving.append(each)
        if each.hash in seen:
            continue
        seen.add(each.hash)
        with database.read() as cursor:
            known = one(cursor.execute(_BY_HASH, (each.hash,)))
        if known is None:
            for number in range(max(1, -(-body.size // CHUNK))):
                packed = packer.pack(body.data[number * CHUNK : (number + 1) * CHUNK])
                await beforehand.add(each, number, packed)
    await beforehand.flush()
    return arriving


def settle(cursor: Cursor, arriving: Arriving, fresh: int, now: int) -> int:
    """The id of a content in this write: that of the same bytes, if they are there, or `fresh`. Raises Vanished."""
    if arriving.packed is not None:
        row = one(cursor.execute(_INSERT_CONTENT, (fresh, arriving.hash, arriving.size, now, *arriving.columns)))
        if row is not None:
            cursor.execute(_INSERT_CHUNK, (fresh * CHUNKS, *arriving.packed))
            return fresh
    row = one(cursor.execute(_BY_HASH, (arriving.hash,)))
    if row is None and arriving.content:
        row = one(cursor.execute(_FINISH, (arriving.hash, arriving.content)))
    if row is None:
        raise Vanished
    content: int = row[0]
    return content


async def hash_of(body: Body) -> bytes:
    """SHA-256 of a body; lets others work while a large one is read."""
    if body.size <= CHUNK:
        return sha256(body.data).digest()
    digest = sha256()
    for at in range(0, body.size, CHUNK):
        digest.update(body.data[at : at + CHUNK])
        await asyncio.sleep(0)
    return digest.digest()


def _inline(packer: Packer, data: bytes, prepared: Prepared) -> Arriving:
    return Arriving(sha256(data).digest(), len(data), columns(prepared), packer.pack(data))


class _Beforehand:
    """Gathers chunks into writes of about 1 MiB."""

    def __init__(self, database: LoggedDatabase, now: int) -> None:
        self._database = database
        self._now = now
        self._chunks: list[tuple[Arriving, int, Packed]] = []
        self._size = 0

    async def add(self, arriving: Arriving, number: int, packed: Packed) -> None:
        if self._size + len(packed.data) > CHUNK:
            await self.flush()
        self._chunks.append((arriving, number, packed))
        self._size += len(packed.data)

    async def flush(self) -> None:
        chunks, size = self._chunks, self._size
        self._chunks, self._size = [], 0
        if chunks:
            first = await self._database.write(lambda cursor: self._store(cursor, chunks), size=size)
            for number, each in enumerate(_begun(chunks)):
                each.content = first + number

    def _store(self, cursor: WriteCursor, chunks: list[tuple[Arriving, int, Packed]]) -> int:
        begun = _begun(chunks)
        first = take_ids(cursor, len(begun))
        ids = {id(each): first + number for number, each in enumerate(begun)}
        for each in begun:
            cursor.execute(_INSERT_CONTENT, (ids[id(each)], None, each.size, self._now, *each.columns))
        cursor.executemany(
            _INSERT_CHUNK,
            [(ids.get(id(each), each.content) * CHUNKS + number, *packed) for each, number, packed in chunks],
        )
        return first


def _begun(chunks: list[tuple[Arriving, int, Packed]]) -> list[Arriving]:
    """The contents whose first chunk is among these."""
    return [arriving for arriving, number, _ in chunks if number == 0]


class StoredContent:
    """A message's bytes: its trace, then the chunks of its content, read when they are asked for.

    `first` is the content's first chunk, unpacked, where whoever made this had it at hand.
    """

    __slots__ = ("_chunk", "_content", "_database", "_number", "_size", "_trace", "_unpacker")

    def __init__(
        self,
        database: LoggedDatabase,
        unpacker: Unpacker,
        content: int,
        size: int,
        trace: bytes,
        first: bytes | None = None,
    ) -> None:
        self._database = database
        self._unpacker = unpacker
        self._content = content
        self._size = size
        self._trace = trace
        self._number = -1 if first is None else 0
        self._chunk = first or b""

    @property
    def size(self) -> int:
        return self._size

    def read(self, start: int, length: int) -> bytes:
        return b"".join(self.pieces(start, length))

    def pieces(self, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        at = max(start, 0)
        end = self._size if length is None else min(self._size, at + max(length, 0))
        head = len(self._trace)
        if at < min(head, end):
            yield self._trace[at : min(head, end)]
            at = min(head, end)
        while at < end:
            number, offset = divmod(at - head, CHUNK)
            piece = self._read_chunk(number)[offset : min(offset + PIECE, offset + end - at)]
            if not piece:
                raise _corrupt("a content is shorter than it should be")
            yield piece
            at += len(piece)

    def _read_chunk(self, number: int) -> bytes:
        if number != self._number:
            with self._database.read() as cursor:
                row = one(
                    cursor.execute(
                        "SELECT form, checksum, data FROM chunk WHERE id = ?", (self._content * CHUNKS + number,)
                    )
                )
                if row is None:
                    raise Failure(FailureKind.NOT_FOUND, "The message is no longer there")
                self._chunk = self._unpacker.unpack(*row)
            self._number = number
        return self._chunk


def _corrupt(cause: str) -> Failure:
    return Failure(FailureKind.CORRUPT, "The message is damaged in the store", ValueError(cause))
