"""What to look for in a mailbox: a tree of criteria that owes nothing to any protocol; and in which order to tell it.

Text is matched as substrings, case-insensitively, after decoding (RFC 2047, transfer encodings, charsets).
Sizes are octets; times microseconds since 1970 UTC; days are whole UTC dates as microseconds of their midnight.
"""

from enum import Enum
from typing import NamedTuple, TypeAlias

Criterion: TypeAlias = (
    "All | Uids | HasFlag | HasKeyword | Received | Sent | Saved | Size | Header | Text | ModSeqAbove | HasObjectId "
    "| InThread | Not | AllOf | AnyOf"
)


class All(NamedTuple):
    """Every message."""


class Uids(NamedTuple):
    """Messages whose uid lies in one of the inclusive ranges, sorted and not overlapping."""

    ranges: tuple[tuple[int, int], ...]


class HasFlag(NamedTuple):
    """Messages with this one `Flag` bit."""

    flag: int


class HasKeyword(NamedTuple):
    """Messages with this keyword, compared without case."""

    keyword: str


class Received(NamedTuple):
    """Messages that arrived at or after `since` and before `before`; None leaves an end open."""

    since: int | None
    before: int | None


class Sent(NamedTuple):
    """The same for the Date header; a message without a readable one never matches."""

    since: int | None
    before: int | None


class Saved(NamedTuple):
    """The same for the time at which a message came into its mailbox."""

    since: int | None
    before: int | None


class Size(NamedTuple):
    """Messages larger than `above` and smaller than `below` octets."""

    above: int | None
    below: int | None


class Header(NamedTuple):
    """Messages with a header field `name` whose decoded value contains `text` ("" for any value)."""

    name: str
    text: str


class Text(NamedTuple):
    """Messages whose decoded text parts contain `text`; with `headers`, the decoded header too."""

    text: str
    headers: bool


class ModSeqAbove(NamedTuple):
    """Messages changed at or after this modseq."""

    modseq: int


class HasObjectId(NamedTuple):
    """Messages with this `Message.object_id`."""

    object_id: str


class InThread(NamedTuple):
    """Messages of this thread."""

    thread: int


class Not(NamedTuple):
    """Messages that do not match."""

    of: Criterion


class AllOf(NamedTuple):
    """Messages that match every one."""

    of: tuple[Criterion, ...]


class AnyOf(NamedTuple):
    """Messages that match at least one."""

    of: tuple[Criterion, ...]


class SortField(Enum):
    """What messages are sorted by. Text compares as `mime.casemap` has it; what is not there is smallest.

    CC, FROM, TO: the local part of the field's first address; SENDER, RECIPIENT: the name shown for it, else the
    address. ARRIVED and SENT count in whole seconds; a message without a readable Date was sent when it arrived.
    SUBJECT is the base subject (RFC 5256).
    """

    ARRIVED = "arrived"
    CC = "cc"
    FROM = "from"
    RECIPIENT = "recipient"
    SENDER = "sender"
    SENT = "sent"
    SIZE = "size"
    SUBJECT = "subject"
    TO = "to"


class SortKey(NamedTuple):
    """One key of an order; the first key counts most, and where all are equal the uid decides, rising always."""

    field: SortField
    reverse: bool = False


class Threading(Enum):
    """How messages are put together: by base subject, or by whom they answer (with or without regard to subjects).

    SUBJECT: RFC 5256's ORDEREDSUBJECT. REFERENCES: RFC 5256's. LATEST: the same without its step 5 (subjects), threads
    in the order in which their latest messages arrived (known as REFS).
    """

    SUBJECT = "subject"
    REFERENCES = "references"
    LATEST = "latest"


class Forest(NamedTuple):
    """Threads, one after the other, each message before its answers: its uid, and how deep it lies.

    Depth 0 begins a thread. Uid 0 stands for a message that is not there, whose answers belong together all the same.
    """

    uids: list[int]
    depths: list[int]
