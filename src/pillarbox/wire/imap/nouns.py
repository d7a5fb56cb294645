"""Small nouns that commands and responses share."""

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class StatusItem(Enum):
    """status-att (RFC 9051 section 6.3.11, RFC 8438, RFC 7162, RFC 7889); the value is its name."""

    MESSAGES = b"MESSAGES"
    RECENT = b"RECENT"  # IMAP4rev1
    UIDNEXT = b"UIDNEXT"
    UIDVALIDITY = b"UIDVALIDITY"
    UNSEEN = b"UNSEEN"
    DELETED = b"DELETED"
    SIZE = b"SIZE"
    HIGHESTMODSEQ = b"HIGHESTMODSEQ"
    APPENDLIMIT = b"APPENDLIMIT"
    MAILBOXID = b"MAILBOXID"  # RFC 8474
    DELETED_STORAGE = b"DELETED-STORAGE"  # RFC 9208


class StoreAction(Enum):
    """What STORE does with its flags."""

    REPLACE = "replace"
    ADD = "add"
    REMOVE = "remove"


class ListSelect(Enum):
    """list-select-opt: which mailboxes an extended LIST is about (RFC 5258 section 3, RFC 6154)."""

    SUBSCRIBED = b"SUBSCRIBED"
    REMOTE = b"REMOTE"
    RECURSIVEMATCH = b"RECURSIVEMATCH"
    SPECIAL_USE = b"SPECIAL-USE"


class ListReturn(Enum):
    """return-option: what an extended LIST tells of them (STATUS apart, RFC 5819)."""

    SUBSCRIBED = b"SUBSCRIBED"
    CHILDREN = b"CHILDREN"
    SPECIAL_USE = b"SPECIAL-USE"


class SearchReturn(Enum):
    """search-return-opt (RFC 4731, RFC 5182, RFC 5267, RFC 6203), PARTIAL without its range."""

    MIN = b"MIN"
    MAX = b"MAX"
    ALL = b"ALL"
    COUNT = b"COUNT"
    SAVE = b"SAVE"
    PARTIAL = b"PARTIAL"
    CONTEXT = b"CONTEXT"
    UPDATE = b"UPDATE"
    RELEVANCY = b"RELEVANCY"


class PartialRange(NamedTuple):
    """partial-range: places in a result from 1, or from the end as -1, -2 … (RFC 9394 section 3.1); `first` is the one
    nearer to the end they are counted from."""

    first: int
    last: int

    def encode(self) -> bytes:
        return b"%d:%d" % self

    def of(self, numbers: Sequence[T]) -> Sequence[T]:
        """That part of a result, in its order."""
        if self.first > 0:
            return numbers[self.first - 1 : self.last]
        size = len(numbers)
        return numbers[max(size + self.last, 0) : max(size + self.first + 1, 0)]


class SortField(Enum):
    """sort-key (RFC 5256 section 3, RFC 5957, RFC 6203 section 5)."""

    ARRIVAL = b"ARRIVAL"
    CC = b"CC"
    DATE = b"DATE"
    FROM = b"FROM"
    SIZE = b"SIZE"
    SUBJECT = b"SUBJECT"
    TO = b"TO"
    DISPLAYFROM = b"DISPLAYFROM"
    DISPLAYTO = b"DISPLAYTO"
    RELEVANCY = b"RELEVANCY"


class SortKey(NamedTuple):
    """sort-criterion = ["REVERSE" SP] sort-key"""

    field: SortField
    reverse: bool = False


class ThreadAlgorithm(Enum):
    """thread-alg: how THREAD puts messages together."""

    ORDEREDSUBJECT = b"ORDEREDSUBJECT"
    REFERENCES = b"REFERENCES"
    REFS = b"REFS"


class MailboxFilter(Enum):
    """filter-mailboxes: which mailboxes (RFC 5465 section 6), as RFC 7377 allows them."""

    SELECTED = b"SELECTED"
    INBOXES = b"INBOXES"
    PERSONAL = b"PERSONAL"
    SUBSCRIBED = b"SUBSCRIBED"
    SUBTREE = b"SUBTREE"
    SUBTREE_ONE = b"SUBTREE-ONE"
    MAILBOXES = b"MAILBOXES"


class QuotaUse(NamedTuple):
    """One resource of a quota root: `usage` of `limit`, in RFC 9208's units (STORAGE: 1,024 octets)."""

    resource: bytes
    usage: int
    limit: int


class Namespace(NamedTuple):
    """A namespace's `prefix` and hierarchy `delimiter` (RFC 9051 section 6.3.10)."""

    prefix: str
    delimiter: str | None
