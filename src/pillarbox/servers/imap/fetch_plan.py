"""How the items of a FETCH are answered: a template and its columns for what is prepared, the rest from the content.

What the store has prepared (flags, dates, sizes, ENVELOPE, BODYSTRUCTURE, common header fields) is answered page by
page: each item is one column, a list with a value for each message, and a row is one `%` over the template. So the
work for a message is a few bytes joined, whatever was asked. Items that need the message itself are left to
`fetch_content`.
"""

import re
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import NamedTuple

from pillarbox.base.clock import MICROSECONDS
from pillarbox.mime.prepared import KEPT_FIELDS
from pillarbox.model.email import Message, Wanted
from pillarbox.servers.imap import objects
from pillarbox.servers.imap.flags import FlagTexts
from pillarbox.wire.imap import responses
from pillarbox.wire.imap.fetch_items import (
    Attribute,
    BinarySection,
    BinarySize,
    BodySection,
    FetchItem,
    Section,
)  # fmt: skip
from pillarbox.wire.imap.strings import string

Column = Callable[[Sequence[Message]], Sequence[bytes | int]]
ContentItem = BodySection | BinarySection | BinarySize

_WANTED: dict[Attribute, Wanted] = {
    Attribute.UID: Wanted.NOTHING,
    Attribute.FLAGS: Wanted.NOTHING,
    Attribute.MODSEQ: Wanted.NOTHING,
    Attribute.EMAILID: Wanted.OBJECT,
    Attribute.THREADID: Wanted.OBJECT,
    Attribute.SAVEDATE: Wanted.SAVED,
    Attribute.PREVIEW: Wanted.PREVIEW,
    Attribute.INTERNALDATE: Wanted.RECEIVED,
    Attribute.SIZE: Wanted.SIZE,
    Attribute.ENVELOPE: Wanted.ENVELOPE,
    Attribute.BODYSTRUCTURE: Wanted.BODYSTRUCTURE,
    Attribute.BODY: Wanted.BODY,
}
_TRACE_FIELDS = frozenset({b"return-path", b"delivered-to", b"received"})
"""Fields that this server may have put before the message for one recipient: not in the prepared block."""

_PREPARED_FIELDS = KEPT_FIELDS - _TRACE_FIELDS
_MOST_DATES = 10_000


class Plan(NamedTuple):
    """How to answer: `template` takes the sequence number and one value per column, and is open at its end.

    `contents` are answered from the message itself. `sees`: fetching sets \\Seen. `tells_flags`: FLAGS is asked for.
    """

    template: bytes
    columns: tuple[Column, ...]
    wanted: Wanted
    contents: tuple[ContentItem, ...]
    sees: bool
    tells_flags: bool

    @property
    def bare(self) -> bool:
        """Whether flags, keywords and modification sequences are all that is needed."""
        return not self.wanted

    def rows(self, numbers: Sequence[int], page: Sequence[Message]) -> list[bytes]:
        """The start of each message's response, up to where its contents or the closing parenthesis follow."""
        template = self.template
        return [template % row for row in zip(numbers, *[column(page) for column in self.columns], strict=True)]


def plan(items: Sequence[FetchItem], texts: FlagTexts) -> Plan:
    """The way to answer these items; `texts` renders flags."""
    parts: list[bytes] = []
    columns: list[Column] = []
    contents: list[ContentItem] = []
    wanted = Wanted.NOTHING
    sees = False
    for item in items:
        sees |= isinstance(item, BodySection | BinarySection) and not item.peek
        if isinstance(item, Attribute):
            spot, column = _attribute(item, texts)
            parts.append(spot)
            columns.append(column)
            wanted |= _WANTED[item]
        elif isinstance(item, BodySection) and _is_prepared(item):
            parts.append(item.label.replace(b"%", b"%%") + b" %b")
            columns.append(_fields_column(item))
            wanted |= Wanted.FIELDS
        else:
            contents.append(item)
            wanted |= Wanted.CONTENT
    template = b"* %d FETCH (" + b" ".join(parts)
    return Plan(template, tuple(columns), wanted, tuple(contents), sees, Attribute.FLAGS in items)


def _attribute(item: Attribute, texts: FlagTexts) -> tuple[bytes, Column]:
    match item:
        case Attribute.UID:
            return b"UID %d", lambda page: [message.uid for message in page]
        case Attribute.FLAGS:
            return b"FLAGS %b", lambda page: [texts[message.flags, message.keywords] for message in page]
        case Attribute.MODSEQ:
            return b"MODSEQ (%d)", lambda page: [message.modseq for message in page]
        case Attribute.INTERNALDATE:
            return b"INTERNALDATE %b", _Dates(attrgetter("received_at"))
        case Attribute.SAVEDATE:
            return b"SAVEDATE %b", _Dates(attrgetter("saved_at"))
        case Attribute.EMAILID:
            return b"EMAILID (%b)", lambda page: [message.object_id.encode() for message in page]
        case Attribute.THREADID:
            return b"THREADID (%b)", lambda page: [objects.thread_id(message.thread) for message in page]
        case Attribute.PREVIEW:
            return b"PREVIEW %b", lambda page: [string(message.preview.encode()) for message in page]
        case Attribute.SIZE:
            return b"RFC822.SIZE %d", lambda page: [message.size for message in page]
        case Attribute.ENVELOPE:
            return b"ENVELOPE %b", lambda page: [message.envelope for message in page]
        case Attribute.BODYSTRUCTURE:
            return b"BODYSTRUCTURE %b", lambda page: [message.bodystructure for message in page]
        case Attribute.BODY:
            return b"BODY %b", lambda page: [message.body for message in page]


class _Dates:
    """INTERNALDATE and its like, each second rendered once; `moment` gives a message's microseconds."""

    def __init__(self, moment: Callable[[Message], int]) -> None:
        self._moment = moment
        self._seconds: dict[int, bytes] = {}

    def __call__(self, page: Sequence[Message]) -> list[bytes]:
        seconds = self._seconds
        if len(seconds) > _MOST_DATES:
            seconds.clear()
        texts = []
        for moment in map(self._moment, page):
            second = moment // MICROSECONDS
            text = seconds.get(second)
            if text is None:
                text = seconds[second] = responses.internal_date(moment)
            texts.append(text)
        return texts


def _is_prepared(item: BodySection) -> bool:
    """Whether the prepared block of header fields has all that is asked for."""
    return (
        item.section is Section.HEADER_FIELDS
        and not item.part
        and all(name.lower().encode() in _PREPARED_FIELDS for name in item.fields)
    )


def _fields_column(item: BodySection) -> Column:
    """BODY[HEADER.FIELDS (...)] out of the prepared block, whose fields are all well-formed."""
    names = b"|".join(re.escape(name.lower().encode()) for name in item.fields)
    find = re.compile(
        rb"^(?:" + names + rb")[ \t]*:[^\n]*(?:\n|\Z)(?:[ \t][^\n]*(?:\n|\Z))*", re.IGNORECASE | re.MULTILINE
    ).findall
    first, most = item.partial or (0, None)
    last = None if most is None else first + most

    def column(page: Sequence[Message]) -> list[bytes]:
        texts = []
        for message in page:
            text = b"".join(find(message.fields))
            text += b"\r\n" if text.endswith(b"\n") or not text else b"\r\n\r\n"
            if last is not None:
                text = text[first:last]
            if b"\0" in text:
                text = text.replace(b"\0", b"\x1a")
            texts.append(b"{%d}\r\n%b" % (len(text), text))
        return texts

    return column
