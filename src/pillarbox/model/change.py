"""What a commit changed, told to everyone who watches.

A notice says only that something in a mailbox moved on to a modseq; whoever watches reads what it was from the
database. Notices may be lost (a worker that was too slow), so a watcher also looks from time to time.
"""

from typing import NamedTuple

from pillarbox.model.ids import AccountId, MailboxId, ModSeq, Uid


class Change(NamedTuple):
    """`mailbox` is 0 where the list of mailboxes itself changed (created, renamed, deleted, subscribed)."""

    account: AccountId
    mailbox: MailboxId
    modseq: ModSeq


class FlagsSince(NamedTuple):
    """A message that is still there and changed, or is new."""

    uid: Uid
    flags: int
    keywords: str
    modseq: ModSeq


class MailboxChanges(NamedTuple):
    """All that happened in a mailbox after a modseq, read in one snapshot.

    `modseq` is what to ask from next time. `gone` and `changed` are sorted by uid; new messages are in `changed`.
    `exists` is the count after the changes. `mailbox_gone` is true where the mailbox was deleted. What went at a modseq
    up to `forgotten` may be missing in `gone`; 0 where nothing is.
    """

    modseq: ModSeq
    gone: list[Uid]
    changed: list[FlagsSince]
    exists: int
    uid_next: int
    mailbox_gone: bool = False
    forgotten: ModSeq = ModSeq(0)
