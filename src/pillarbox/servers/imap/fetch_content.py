"""FETCH items that need the message itself: BODY[...], BINARY[...], BINARY.SIZE[...], RFC822 and its kin.

`pieces` answers one item for one message: either ready bytes or an `Extent`, a stretch of the stored content that is
streamed. Only a part number makes the message be read and parsed; the tree is kept for the next question about the
same message, without its bytes.

A section that does not exist is NIL, a BINARY.SIZE of one is 0 (RFC 9051 section 6.4.5). A part whose transfer
encoding is not known raises a `Refusal` with UNKNOWN-CTE.
"""

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
from pillarbox.wire.imap.fetch_items import BinarySize, BodySection, Partial, Section

_WHAT = {
    Section.ALL: What.WHOLE,
    Section.HEADER: What.HEADER,
    Section.HEADER_FIELDS: What.HEADER,
    Section.HEADER_FIELDS_NOT: What.HEADER,
    Section.TEXT: What.TEXT,
    Section.MIME: What.MIME,
}
_SELECTIONS = {Section.HEADER_FIELDS: True, Section.HEADER_FIELDS_NOT: False}


class Extent(NamedTuple):
    """`size` octets of the stored content from `start` on, to be sent as a literal behind `label`."""

    label: bytes
    start: int
    size: int


class Source:
    """One message's content, with its tree once that was needed."""

    __slots__ = ("_selected", "content", "message")

    def __init__(self, selected: Selected, message: Message, content: Content) -> None:
        self._selected = selected
        self.message = message
        self.content = content

    def tree(self) -> MimeTree:
        """The parts, by their offsets."""
        selected = self._selected
        if selected.tree is None or selected.tree_uid != self.message.uid:
            selected.tree = _without_bytes(parse(self.content.read(0, self.content.size)))
            selected.tree_uid = self.message.uid
        return selected.tree

    def extent(self, part: tuple[int, ...], what: What) -> tuple[int, int] | None:
        """Where a section lies: start and end, None where there is none. Does not parse for the letter's own."""
        if part:
            return section(self.tree(), part, what)
        head = self.message.header_size
        if what is What.WHOLE:
            return 0, self.content.size
        return (0, head) if what is What.HEADER else (head, self.content.size)


def pieces(source: Source, item: ContentItem) -> bytes | Extent:
    """The answer to one item. Raises Refusal, or Failure(CORRUPT)."""
    if isinstance(item, BodySection):
        return _body(source, item)
    data = _decoded(source, item.part)
    if isinstance(item, BinarySize):
        return b"%b %d" % (item.label, 0 if data is None else len(data))
    if data is None:
        return item.label + b" NIL"
    first, last = _limited(item.partial, 0, len(data))
    return responses.binary_content(item.label, data[first:last])


def _body(source: Source, item: BodySection) -> bytes | Extent:
    where = source.extent(item.part, _WHAT[item.section])
    if where is None:
        return item.label + b" NIL"
    start, end = where
    if item.section in _SELECTIONS:
        names = [name.upper().encode() for name in item.fields]
        data = header.select_fields(source.content.read(start, end - start), names, _SELECTIONS[item.section])
        first, last = _limited(item.partial, 0, len(data))
        return responses.content(item.label, data[first:last])
    start, end = _limited(item.partial, start, end)
    return Extent(item.label, start, end - start)


def _limited(limits: Partial | None, start: int, end: int) -> tuple[int, int]:
    """The part of a stretch that a client asked for; empty where it begins beyond the end."""
    if limits is None:
        return start, end
    offset, most = limits
    first = min(start + offset, end)
    return first, min(first + most, end)


def _decoded(source: Source, path: tuple[int, ...]) -> bytes | None:
    """A part's content without its transfer encoding, None where there is no such part.

    BINARY[] is the whole message; multiparts and messages are not encoded (RFC 2045 section 6.4).
    """
    content = source.content
    if not path:
        return content.read(0, content.size)
    part = find(source.tree(), path)
    if part is None:
        return None
    body = content.read(part.body_start, part.size)
    if part.children or part.message is not None:
        return body
    data = transfer.decode(body, part.encoding)
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


