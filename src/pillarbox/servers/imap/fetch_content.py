"""FETCH items that need the message itself: BODY[...], BINARY[...], BINARY.SIZE[...], RFC822 and its kin.

`answer` gives the pieces of one message's response: ready bytes, or an `Extent`, a large stretch of the stored content
that is to be streamed. Only a part number makes the message be read and parsed; the tree is kept for the next question
about the same message, without its bytes. Large messages are read piece by piece, and parsed and decoded in a
thread of their own, so that others are served meanwhile.

A section that does not exist is NIL, a BINARY.SIZE of one is 0 (RFC 9051 section 6.4.5). A part whose transfer
encoding is not known raises a `Refusal` with UNKNOWN-CTE; damaged content raises Failure(CORRUPT).
"""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from pillarbox.mime import header, transfer
from pillarbox.mime.message import Message as MimeTree
from pillarbox.mime.message import Part, parse
from pillarbox.mime.part import What, find, section
from pillarbox.model.content import Content
from pillarbox.model.email import Message
from pillarbox.servers.imap.fetch_plan import ContentItem
from pillarbox.servers.imap.state import Refusal, Selected
from pillarbox.wire.imap import codes, responses
from pillarbox.wire.imap.fetch_items import BinarySection, BinarySize, BodySection, Partial, Section

_WHAT = {
    Section.ALL: What.WHOLE,
    Section.HEADER: What.HEADER,
    Section.HEADER_FIELDS: What.HEADER,
    Section.HEADER_FIELDS_NOT: What.HEADER,
    Section.TEXT: What.TEXT,
    Section.MIME: What.MIME,
}
_SELECTIONS = {Section.HEADER_FIELDS: True, Section.HEADER_FIELDS_NOT: False}


SMALL = 64 * 1024
"""A stretch of at most so many octets is read at once, a larger one is streamed."""

_BESIDE = 512 * 1024
"""What is larger is parsed and decoded in a thread."""


class Extent(NamedTuple):
    """`size` octets of the stored content from `start` on: the inside of a literal whose head was sent."""

    start: int
    size: int


class Source:
    """One message's content, with its tree once that was needed."""

    __slots__ = ("_selected", "content", "message")

    def __init__(self, selected: Selected, message: Message, content: Content) -> None:
        self._selected = selected
        self.message = message
        self.content = content

    async def read(self, start: int, size: int) -> bytes:
        """A stretch of the content."""
        if size <= _BESIDE:
            return self.content.read(start, size)
        pieces = []
        for piece in self.content.pieces(start, size):
            pieces.append(piece)
            await asyncio.sleep(0)
        return b"".join(pieces)

    async def tree(self) -> MimeTree:
        """The parts, by their offsets."""
        selected = self._selected
        if selected.tree is None or selected.tree_uid != self.message.uid:
            size = self.content.size
            data = await self.read(0, size)
            tree = parse(data) if size <= _BESIDE else await asyncio.to_thread(parse, data)
            selected.tree = _without_bytes(tree)
            selected.tree_uid = self.message.uid
        return selected.tree

    async def extent(self, part: tuple[int, ...], what: What) -> tuple[int, int] | None:
        """Where a section lies: start and end, None where there is none. Does not parse for the letter's own."""
        if part:
            return section(await self.tree(), part, what)
        head = self.message.header_size
        if what is What.WHOLE:
            return 0, self.content.size
        return (0, head) if what is What.HEADER else (head, self.content.size)


async def answer(source: Source, items: Sequence[ContentItem]) -> list[bytes | Extent]:
    """The answers to all items, a space between them."""
    pieces: list[bytes | Extent] = []
    for item in items:
        if pieces:
            pieces.append(b" ")
        if isinstance(item, BodySection):
            await _body(source, item, pieces)
        else:
            pieces.append(await _binary(source, item))
    return pieces


async def _body(source: Source, item: BodySection, pieces: list[bytes | Extent]) -> None:
    where = await source.extent(item.part, _WHAT[item.section])
    if where is None:
        pieces.append(item.label + b" NIL")
        return
    start, end = where
    if item.section in _SELECTIONS:
        names = [name.upper().encode() for name in item.fields]
        data = header.select_fields(await source.read(start, end - start), names, _SELECTIONS[item.section])
        first, last = _limited(item.partial, 0, len(data))
        pieces.append(responses.content(item.label, data[first:last]))
        return
    start, end = _limited(item.partial, start, end)
    size = end - start
    if size <= SMALL:
        pieces.append(responses.content(item.label, source.content.read(start, size) if size else b""))
    else:
        pieces.append(responses.content_head(item.label, size))
        pieces.append(Extent(start, size))


def _limited(limits: Partial | None, start: int, end: int) -> tuple[int, int]:
    """The part of a stretch that a client asked for; empty where it begins beyond the end."""
    if limits is None:
        return start, end
    offset, most = limits
    first = min(start + offset, end)
    return first, min(first + most, end)


async def _binary(source: Source, item: BinarySection | BinarySize) -> bytes:
    data = await _decoded(source, item.part)
    if isinstance(item, BinarySize):
        return b"%b %d" % (item.label, 0 if data is None else len(data))
    if data is None:
        return item.label + b" NIL"
    first, last = _limited(item.partial, 0, len(data))
    return responses.binary_content(item.label, data[first:last])


async def _decoded(source: Source, path: tuple[int, ...]) -> bytes | None:
    """A part's content without its transfer encoding, None where there is no such part.

    BINARY[] is the whole message; multiparts and messages are not encoded (RFC 2045 section 6.4).
    """
    if not path:
        return await source.read(0, source.content.size)
    part = find(await source.tree(), path)
    if part is None:
        return None
    body = await source.read(part.body_start, part.size)
    if part.children or part.message is not None:
        return body
    if part.size <= _BESIDE:
        data = transfer.decode(body, part.encoding)
    else:
        data = await asyncio.to_thread(transfer.decode, body, part.encoding)
    if data is None:
        raise Refusal("The transfer encoding of a part is not known.", codes.UNKNOWN_CTE)
    return data


def _without_bytes(tree: MimeTree) -> MimeTree:
    """The tree, no longer holding the message it was read from."""
    waiting: list[Part] = [tree.root]
    while waiting:
        part = waiting.pop()
        waiting += part.children
        if part.message is not None:
            part.message.data = b""
            waiting.append(part.message.root)
    tree.data = b""
    return tree
