"""The ports of a mailbox database: what servers, the transport and commands ask of the mail store.

One `MailStore` serves one mailbox database. All methods raise `Failure`: NOT_FOUND for a mailbox that is not there,
OVER_QUOTA, DISK_FULL or UNAVAILABLE when a write cannot be kept. A method that changes something returns after it
is safe on the log volume. Reads are snapshots and never wait for writers. UIDs are given and returned sorted (but
for `sort` and `threads`).
"""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import NamedTuple, Protocol

from pillarbox.mime.prepared import Prepared
from pillarbox.model.change import Change, MailboxChanges
from pillarbox.model.content import Body, Content
from pillarbox.model.email import FlagChange, FlagState, Message, Wanted
from pillarbox.model.failure import Failure
from pillarbox.model.ids import AccountId, EmailId, MailboxId, ModSeq, Uid
from pillarbox.model.mailbox import Mailbox, Role, Usage
from pillarbox.model.search import Criterion, Forest, SortKey, Threading
from pillarbox.model.transaction import Delivery


class Upload(NamedTuple):
    """A message to be put into a mailbox by its owner (IMAP APPEND, import).

    `trace` are the trace headers before `body` where another store of ours had them apart; `prepared` is of `body`.
    """

    body: Body
    prepared: Prepared
    flags: int
    keywords: frozenset[str]
    received_at: int
    trace: bytes = b""


class Fingerprint(NamedTuple):
    """What tells a message from others without reading it, and its flags.

    `digest` is the SHA-256 of its content without the trace headers; `size` is that of the whole message.
    """

    uid: Uid
    digest: bytes
    received_at: int
    flags: int
    keywords: str
    size: int


class Placed(NamedTuple):
    """Where messages came to lie (UIDPLUS, RFC 4315)."""

    uid_validity: int
    uids: list[Uid]


class Copied(NamedTuple):
    """Which messages were copied or moved (`source`, those that were still there) and where they lie now."""

    uid_validity: int
    source: list[Uid]
    target: list[Uid]


class Flagged(NamedTuple):
    """Messages as they are after a flag change, and those left alone because they had changed meanwhile."""

    states: list[FlagState]
    modified: list[Uid]


class DeletedItem(NamedTuple):
    """A message that was expunged and can still be brought back."""

    email: EmailId
    mailbox: str
    deleted_at: int
    received_at: int
    size: int
    subject: str
    sender: str


class Mailboxes(Protocol):
    """The mailboxes of an account."""

    async def open_account(self, account: AccountId, octet_limit: int, message_limit: int) -> None:
        """Makes the account and its first mailboxes where they are not there yet, and sets its limits."""

    async def mailboxes(self, account: AccountId) -> list[Mailbox]:
        """All of them, sorted by path with the inbox first."""

    async def mailbox(self, account: AccountId, path: str) -> Mailbox:
        """One by its path ("inbox" in any case is the inbox). Raises Failure(NOT_FOUND)."""

    async def create_mailbox(self, account: AccountId, path: str, role: Role | None = None) -> Mailbox:
        """Makes it, and the levels above it that are missing. Raises ALREADY_EXISTS, INVALID, TOO_MANY."""

    async def rename_mailbox(self, account: AccountId, path: str, new_path: str) -> None:
        """Renames it with all below it. Renaming the inbox moves its messages to a new mailbox (RFC 9051 6.3.6)."""

    async def delete_mailbox(self, account: AccountId, path: str) -> None:
        """Deletes it; its messages become deleted items. With children it stays, not selectable.

        Raises Failure(NOT_ALLOWED) for the inbox.
        """

    async def subscribe(self, account: AccountId, path: str, subscribed: bool) -> None:
        """Subscribing to a name without a mailbox is allowed and remembered."""

    async def subscriptions(self, account: AccountId) -> list[str]:
        """All subscribed names, sorted, whether they exist or not."""

    async def usage(self, account: AccountId) -> Usage: ...

    async def delete_account(self, account: AccountId) -> None:
        """Removes the account with all it has."""


class Messages(Protocol):
    """The messages of a mailbox."""

    async def uids(self, mailbox: MailboxId) -> tuple[list[Uid], MailboxChanges]:
        """All uids, sorted, and the empty changes to continue from, of one snapshot."""

    async def changes(self, mailbox: MailboxId, since: ModSeq) -> MailboxChanges:
        """What happened after `since`. Cheap where nothing did."""

    def fetch(self, mailbox: MailboxId, uids: Sequence[int], wanted: Wanted) -> AsyncIterator[list[Message]]:
        """Messages in pages, in order of uid; those that are gone are left out. Each page lets others work."""

    async def content(self, mailbox: MailboxId, uid: int) -> Content | None:
        """The bytes of a message, None where it is gone."""

    def fingerprints(self, mailbox: MailboxId) -> AsyncIterator[list[Fingerprint]]:
        """Those of all messages, in pages, in order of uid. Each page lets others work. Raises NOT_FOUND."""

    async def append(
        self,
        mailbox: MailboxId,
        uploads: Sequence[Upload],
        *,
        beyond_quota: bool = False,
        replacing: tuple[MailboxId, int] | None = None,
    ) -> Placed:
        """Puts messages in, all or none. Raises OVER_QUOTA (not `beyond_quota`), TOO_LARGE.

        In the same step a message (mailbox and uid) that they take the place of is removed and becomes a deleted
        item; NOT_FOUND where it is gone.
        """

    async def set_flags(self, mailbox: MailboxId, uids: Sequence[int], change: FlagChange) -> Flagged: ...

    async def copy(self, mailbox: MailboxId, uids: Sequence[int], target: MailboxId) -> Copied:
        """Places the same emails in another mailbox, all or none. Raises OVER_QUOTA."""

    async def move(self, mailbox: MailboxId, uids: Sequence[int], target: MailboxId) -> Copied: ...

    async def expunge(self, mailbox: MailboxId, uids: Sequence[int] | None) -> list[Uid]:
        """Removes messages flagged deleted (all, or those among `uids`); they become deleted items."""

    async def remove(self, mailbox: MailboxId, uids: Sequence[int]) -> list[Uid]:
        """Removes messages whatever their flags (POP3); they become deleted items."""

    async def search(self, mailbox: MailboxId, criterion: Criterion) -> list[Uid]: ...

    async def sort(self, mailbox: MailboxId, criterion: Criterion, order: Sequence[SortKey]) -> list[Uid]:
        """What a search finds, in this order."""

    async def threads(self, mailbox: MailboxId, criterion: Criterion, threading: Threading) -> Forest:
        """What a search finds, in threads."""

    async def has_content(self, mailbox: MailboxId, bodies: Sequence[Body]) -> list[bool]:
        """For each body, whether a message with these very bytes lies in the mailbox, with or without the trace
        headers that this server put before them (so that what was exported is known again)."""


class Deliveries(Protocol):
    """Mail coming in."""

    async def deliver(self, delivery: Delivery) -> list[Failure | None]:
        """Stores it once and places it for each drop; one outcome per drop, in one commit."""


class DeletedItems(Protocol):
    """What was deleted and can be brought back until the retention time is over."""

    async def deleted_items(self, account: AccountId) -> list[DeletedItem]: ...

    async def restore_items(self, account: AccountId, emails: Sequence[EmailId], mailbox: str) -> int:
        """Puts deleted items into a mailbox (made where missing); how many were still there."""

    async def purge(self, deleted_before: int, limit: int) -> int:
        """Removes deleted items older than a time for good, at most `limit` of them, and content nobody has."""


class Watching(Protocol):
    """Being told of changes."""

    def watch(self, account: AccountId, wake: Callable[[Change], None]) -> Callable[[], None]:
        """Calls `wake` on the event loop after each commit that touched the account, in whichever process it
        was made; the answer ends the watch."""


class Exclusive(Protocol):
    """One holder at a time, across processes (POP3's lock on a maildrop, RFC 1939 section 8)."""

    def acquire(self, account: AccountId) -> Callable[[], None]:
        """Takes the lock; the answer releases it, as the death of the process does. Raises Failure(IN_USE)."""


class MailStore(Mailboxes, Messages, Deliveries, DeletedItems, Watching, Exclusive, Protocol):
    """A mailbox database."""


class Stores(Protocol):
    """The mailbox databases of this server by name."""

    def store(self, database: str) -> MailStore:
        """Raises Failure(UNAVAILABLE) where it is not open."""
