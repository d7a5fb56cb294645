"""What to look for in a mailbox: a tree of criteria that owes nothing to any protocol.

Text is matched as substrings, case-insensitively, after decoding (RFC 2047, transfer encodings, charsets).
Sizes are octets; times microseconds since 1970 UTC; days are whole UTC dates as microseconds of their midnight.
"""

from typing import NamedTuple, TypeAlias

Criterion: TypeAlias = (
    "All | Uids | HasFlag | HasKeyword | Received | Sent | Size | Header | Text | ModSeqAbove | Not | AllOf | AnyOf"
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


class Not(NamedTuple):
    """Messages that do not match."""

    of: Criterion


class AllOf(NamedTuple):
    """Messages that match every one."""

    of: tuple[Criterion, ...]


class AnyOf(NamedTuple):
    """Messages that match at least one."""

    of: tuple[Criterion, ...]
