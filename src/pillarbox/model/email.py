"""An email: immutable content, mutable flags, and its placements in mailboxes.

Flags that IMAP calls system flags are bits; other keywords are text. `Flag.DELETED` belongs to the placement (so
that a copy survives when the original is expunged); all others belong to the email and are the same wherever
it lies. A placement's modseq grows with each change of either.
"""

from enum import IntFlag
from typing import NamedTuple

from pillarbox.model.content import Content
from pillarbox.model.ids import EmailId, ModSeq, Uid


class Flag(IntFlag):
    """System flags (RFC 9051 section 2.3.2)."""

    NONE = 0
    SEEN = 1
    ANSWERED = 2
    FLAGGED = 4
    DELETED = 8
    DRAFT = 16


class Wanted(IntFlag):
    """Which columns a reader of messages asks for beyond uid, email id, flags, keywords and modseq."""

    NOTHING = 0
    RECEIVED = 1  # received_at
    SIZE = 2
    ENVELOPE = 4
    BODY = 8  # the non-extensible BODY form
    BODYSTRUCTURE = 16
    FIELDS = 32  # the prepared block of common header fields
    PREVIEW = 64
    CONTENT = 128  # content, to be read before the next page is asked for
    OBJECT = 256  # object_id and thread
    SAVED = 512  # saved_at


class Message(NamedTuple):
    """One placement in a mailbox as it is read; columns not asked for are empty.

    `keywords` are separated by single spaces, sorted, as IMAP sends them. `received_at` is in microseconds
    since 1970 UTC. `trace_size` is the length of the trace headers this server put before the content;
    `header_size` is that of the whole header including them and the empty line. These two are filled whenever
    a column from ENVELOPE to CONTENT is asked for. `saved_at` is when the message came into this mailbox.
    `object_id` names what of a message never changes: it stays the same when the message is copied or moved, and is
    another one for any other message (ASCII letters, digits and hyphens). `thread` is above zero.
    """

    uid: Uid
    email: EmailId
    flags: int
    keywords: str
    modseq: ModSeq
    received_at: int = 0
    size: int = 0
    trace_size: int = 0
    header_size: int = 0
    envelope: bytes = b""
    body: bytes = b""
    bodystructure: bytes = b""
    fields: bytes = b""
    preview: str = ""
    saved_at: int = 0
    object_id: str = ""
    thread: int = 0
    content: Content | None = None


class FlagMode(IntFlag):
    """How a set of flags is to be applied."""

    REPLACE = 0
    ADD = 1
    REMOVE = 2


class FlagChange(NamedTuple):
    """Flags to set on messages: `flags` are `Flag` bits, `keywords` are unsorted words.

    With `unchanged_since`, messages whose modseq is above it are left alone and reported (RFC 7162 section 3.1.3).
    """

    mode: FlagMode
    flags: int
    keywords: frozenset[str] = frozenset()
    unchanged_since: int | None = None


class FlagState(NamedTuple):
    """A message's flags after a change."""

    uid: Uid
    flags: int
    keywords: str
    modseq: ModSeq
