"""Small nouns that commands and responses share."""

from enum import Enum
from typing import NamedTuple


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
    """search-return-opt (RFC 4731, RFC 5182)."""

    MIN = b"MIN"
    MAX = b"MAX"
    ALL = b"ALL"
    COUNT = b"COUNT"
    SAVE = b"SAVE"


class QuotaUse(NamedTuple):
    """One resource of a quota root: `usage` of `limit`, in RFC 9208's units (STORAGE: 1,024 octets)."""

    resource: bytes
    usage: int
    limit: int


class Namespace(NamedTuple):
    """A namespace's `prefix` and hierarchy `delimiter` (RFC 9051 section 6.3.10)."""

    prefix: str
    delimiter: str | None
