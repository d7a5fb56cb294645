"""What a SEARCH looks for: a tree of keys, and its grammar (RFC 9051 sections 6.4.4 and 9).

Several keys side by side are an `And`. Text is already decoded. RFC 3501's NEW and OLD are spelled out with `Recent`.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date as Date
from enum import Enum

from pillarbox.wire.imap import grammar
from pillarbox.wire.imap.cursor import Cursor, ParseError
from pillarbox.wire.imap.sequence_set import SequenceSet

_OBJECT_ID = re.compile(rb"[A-Za-z0-9_-]{1,255}")

MAX_DEPTH = 50
"""How deep NOT, OR and parentheses may nest."""


class When(Enum):
    """How a date compares, disregarding time and zone."""

    BEFORE = "before"
    ON = "on"
    SINCE = "since"  # that day or later


class Field(Enum):
    """Envelope fields that have search keys of their own; the value is the header field's name."""

    BCC = "bcc"
    CC = "cc"
    FROM = "from"
    SUBJECT = "subject"
    TO = "to"


@dataclass(slots=True, frozen=True)
class All:
    """Every message."""


@dataclass(slots=True, frozen=True)
class Sequence:
    """Messages with these sequence numbers (or, if saved, `$`)."""

    messages: SequenceSet


@dataclass(slots=True, frozen=True)
class Uid:
    """Messages with these UIDs."""

    messages: SequenceSet


@dataclass(slots=True, frozen=True)
class Flagged:
    """Messages with (or, not `present`, without) a flag or keyword."""

    flag: str
    present: bool = True


@dataclass(slots=True, frozen=True)
class Recent:
    """Messages with \\Recent (IMAP4rev1 only)."""


@dataclass(slots=True, frozen=True)
class Envelope:
    """The envelope field contains the text."""

    field: Field
    text: str


@dataclass(slots=True, frozen=True)
class Header:
    """The message has this header field and it contains the text; "" matches any value."""

    name: str
    text: str


@dataclass(slots=True, frozen=True)
class Body:
    """The body contains the text."""

    text: str


@dataclass(slots=True, frozen=True)
class Text:
    """The header or the body contains the text."""

    text: str


@dataclass(slots=True, frozen=True)
class Arrived:
    """INTERNALDATE compares so."""

    when: When
    date: Date


@dataclass(slots=True, frozen=True)
class Sent:
    """The Date: field compares so."""

    when: When
    date: Date


@dataclass(slots=True, frozen=True)
class Larger:
    """More octets than this."""

    size: int


@dataclass(slots=True, frozen=True)
class Smaller:
    """Fewer octets than this."""

    size: int


@dataclass(slots=True, frozen=True)
class ModSeq:
    """Changed at or after this modification sequence (RFC 7162 section 3.1.5); entries are not told apart."""

    value: int


@dataclass(slots=True, frozen=True)
class Saved:
    """The day on which the message came into this mailbox compares so (RFC 8514)."""

    when: When
    date: Date


@dataclass(slots=True, frozen=True)
class Older:
    """INTERNALDATE is at least so many seconds ago (RFC 5032)."""

    seconds: int


@dataclass(slots=True, frozen=True)
class Younger:
    """INTERNALDATE is at most so many seconds ago (RFC 5032)."""

    seconds: int


@dataclass(slots=True, frozen=True)
class EmailId:
    """Messages with this EMAILID (RFC 8474)."""

    id: str


@dataclass(slots=True, frozen=True)
class ThreadId:
    """Messages with this THREADID (RFC 8474)."""

    id: str


@dataclass(slots=True, frozen=True)
class Fuzzy:
    """What the key matches, or what is like it (RFC 6203)."""

    key: "SearchKey"


@dataclass(slots=True, frozen=True)
class Not:
    """Not what the key matches."""

    key: "SearchKey"


@dataclass(slots=True, frozen=True)
class Or:
    """What either key matches."""

    left: "SearchKey"
    right: "SearchKey"


@dataclass(slots=True, frozen=True)
class And:
    """What all keys match; at least two."""

    keys: tuple["SearchKey", ...]


SearchKey = (
    All | Sequence | Uid | Flagged | Recent | Envelope | Header | Body | Text | Arrived | Sent | Larger | Smaller
    | ModSeq | Saved | Older | Younger | EmailId | ThreadId | Fuzzy | Not | Or | And
)  # fmt: skip

_PLAIN: dict[bytes, SearchKey] = {
    b"ALL": All(),
    b"ANSWERED": Flagged("\\Answered"),
    b"DELETED": Flagged("\\Deleted"),
    b"DRAFT": Flagged("\\Draft"),
    b"FLAGGED": Flagged("\\Flagged"),
    b"SEEN": Flagged("\\Seen"),
    b"UNANSWERED": Flagged("\\Answered", False),
    b"UNDELETED": Flagged("\\Deleted", False),
    b"UNDRAFT": Flagged("\\Draft", False),
    b"UNFLAGGED": Flagged("\\Flagged", False),
    b"UNSEEN": Flagged("\\Seen", False),
    b"RECENT": Recent(),
    b"NEW": And((Recent(), Flagged("\\Seen", False))),
    b"OLD": Not(Recent()),
    b"SAVEDATESUPPORTED": All(),
}
_TEXTS: dict[bytes, Callable[[str], SearchKey]] = {
    b"BCC": lambda text: Envelope(Field.BCC, text),
    b"CC": lambda text: Envelope(Field.CC, text),
    b"FROM": lambda text: Envelope(Field.FROM, text),
    b"SUBJECT": lambda text: Envelope(Field.SUBJECT, text),
    b"TO": lambda text: Envelope(Field.TO, text),
    b"BODY": Body,
    b"TEXT": Text,
}
_DATES: dict[bytes, Callable[[Date], SearchKey]] = {
    b"BEFORE": lambda date: Arrived(When.BEFORE, date),
    b"ON": lambda date: Arrived(When.ON, date),
    b"SINCE": lambda date: Arrived(When.SINCE, date),
    b"SENTBEFORE": lambda date: Sent(When.BEFORE, date),
    b"SENTON": lambda date: Sent(When.ON, date),
    b"SENTSINCE": lambda date: Sent(When.SINCE, date),
    b"SAVEDBEFORE": lambda date: Saved(When.BEFORE, date),
    b"SAVEDON": lambda date: Saved(When.ON, date),
    b"SAVEDSINCE": lambda date: Saved(When.SINCE, date),
}
_SIZES: dict[bytes, Callable[[int], SearchKey]] = {b"LARGER": Larger, b"SMALLER": Smaller}
_AGES: dict[bytes, Callable[[int], SearchKey]] = {b"OLDER": Older, b"YOUNGER": Younger}
_OBJECTS: dict[bytes, Callable[[str], SearchKey]] = {b"EMAILID": EmailId, b"THREADID": ThreadId}


def inside(key: SearchKey) -> tuple[SearchKey, ...]:
    """The keys that a key is put together of, none for a plain one."""
    match key:
        case And(keys):
            return keys
        case Or(left, right):
            return (left, right)
        case Not(of) | Fuzzy(of):
            return (of,)
        case _:
            return ()


def every_key(key: SearchKey) -> Iterator[SearchKey]:
    """The key and all keys within it."""
    waiting = [key]
    while waiting:
        each = waiting.pop()
        yield each
        waiting += inside(each)


def search_keys(cursor: Cursor, depth: int = 0) -> SearchKey:
    """search-key *(SP search-key): one key, or an `And`"""
    keys = [search_key(cursor, depth)]
    while cursor.accept(b" "):
        keys.append(search_key(cursor, depth))
    return keys[0] if len(keys) == 1 else And(tuple(keys))


def search_key(cursor: Cursor, depth: int = 0) -> SearchKey:
    """search-key = "ALL" / "ANSWERED" / "BCC" SP astring / ... / sequence-set / "(" search-key *(SP search-key) ")" """
    if depth > MAX_DEPTH:
        raise ParseError("the search is nested too deeply")
    if cursor.accept(b"("):
        keys = search_keys(cursor, depth + 1)
        cursor.expect(b")", "a closing parenthesis")
        return keys
    if not cursor.peek().isalpha():
        return Sequence(grammar.sequence_set(cursor))
    word = cursor.word("a search key")
    plain = _PLAIN.get(word)
    if plain is not None:
        return plain
    cursor.space()
    if word in _TEXTS:
        return _TEXTS[word](_astring(cursor))
    if word in _DATES:
        return _DATES[word](grammar.date(cursor))
    if word in _SIZES:
        return _SIZES[word](grammar.number64(cursor))
    if word in _AGES:
        return _AGES[word](grammar.nz_number(cursor))
    if word in _OBJECTS:
        return _OBJECTS[word](cursor.take(_OBJECT_ID, "an object id").decode("ascii"))
    return _compound(cursor, word, depth)


def _compound(cursor: Cursor, word: bytes, depth: int) -> SearchKey:
    if word == b"UID":
        return Uid(grammar.sequence_set(cursor))
    if word == b"NOT":
        return Not(search_key(cursor, depth + 1))
    if word == b"FUZZY":
        return Fuzzy(search_key(cursor, depth + 1))
    if word == b"OR":
        left = search_key(cursor, depth + 1)
        cursor.space()
        return Or(left, search_key(cursor, depth + 1))
    if word == b"HEADER":
        name = _astring(cursor)
        cursor.space()
        return Header(name, _astring(cursor))
    if word in (b"KEYWORD", b"UNKEYWORD"):
        flag = grammar.atom(cursor, "a keyword").decode("ascii")
        return Flagged(flag, word == b"KEYWORD")
    if word == b"MODSEQ":
        return _modseq(cursor)
    raise ParseError("unknown search key")


def _modseq(cursor: Cursor) -> SearchKey:
    """search-modsequence = "MODSEQ" [SP entry-name SP ("priv" / "shared" / "all")] SP mod-sequence-valzer"""
    if cursor.peek() == b'"':
        grammar.string(cursor)
        cursor.space()
        if cursor.word("an entry type") not in (b"PRIV", b"SHARED", b"ALL"):
            raise ParseError("unknown entry type")
        cursor.space()
    return ModSeq(grammar.number64(cursor))


def _astring(cursor: Cursor) -> str:
    return grammar.text(grammar.astring(cursor), "the search text")
