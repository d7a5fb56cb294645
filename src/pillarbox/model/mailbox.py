"""A mailbox: a named place where emails lie, as both JMAP (RFC 8621 section 2) and IMAP see it."""

from enum import Enum
from typing import NamedTuple

from pillarbox.model.ids import MailboxId, ModSeq

DELIMITER = "/"
INBOX = "INBOX"
MOST_MAILBOXES = 10_000
"""In one account."""


class Role(Enum):
    """What a mailbox is for (RFC 6154, RFC 8621). At most one mailbox per account has each role."""

    INBOX = "inbox"
    ARCHIVE = "archive"
    DRAFTS = "drafts"
    JUNK = "junk"
    SENT = "sent"
    TRASH = "trash"
    FLAGGED = "flagged"
    ALL = "all"


FIRST_MAILBOXES: tuple[tuple[str, Role], ...] = (
    (INBOX, Role.INBOX),
    ("Drafts", Role.DRAFTS),
    ("Sent", Role.SENT),
    ("Archive", Role.ARCHIVE),
    ("Junk", Role.JUNK),
    ("Trash", Role.TRASH),
)
"""Made, and subscribed to, when an account is first used."""


class Mailbox(NamedTuple):
    """A mailbox and its counters as of one moment.

    `path` is the full name, levels separated by "/", Unicode NFC; the inbox is always "INBOX". A mailbox that
    was deleted while it had children stays with `selectable` false. `uid_validity` never repeats within a
    server. `modseq` is the highest of any change in this mailbox. `size` is the octets of all its messages.
    """

    id: MailboxId
    path: str
    role: Role | None
    selectable: bool
    subscribed: bool
    uid_validity: int
    uid_next: int
    exists: int
    unseen: int
    deleted: int
    size: int
    modseq: ModSeq


class Usage(NamedTuple):
    """What an account uses and may use. Limits of 0 mean none. Each message counts once per mailbox it lies in."""

    octets: int
    messages: int
    octet_limit: int
    message_limit: int
