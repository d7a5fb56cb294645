"""Copying and moving messages between the mailboxes of one account.

A copy is a second placement of the same email; a mailbox that holds the email already gets a new one with the same
content, trace and flags. The deleted flag does not come along.
"""

from collections.abc import Sequence

from pillarbox.database.mailbox import placing, quota
from pillarbox.database.mailbox.removing import take_away
from pillarbox.model.change import Change
from pillarbox.model.email import Flag
from pillarbox.model.ids import MailboxId, ModSeq, Uid
from pillarbox.model.logged import WriteCursor
from pillarbox.model.store import Copied


def copy(cursor: WriteCursor, mailbox: MailboxId, uids: Sequence[int], target: MailboxId, now: int) -> Copied:
    """Copies messages, all or none. Raises Failure NOT_FOUND, NOT_ALLOWED (another account), OVER_QUOTA."""
    account, validity = placing.same_owner(cursor, mailbox, target)
    found = placing.find(cursor, mailbox, uids)
    if not found:
        return Copied(validity, [], [])
    modseq = quota.charge(cursor, account, sum(each.placing.size for each in found), len(found))
    items = placing.make_room(cursor, target, _without_deleted(found))
    _, placed = placing.place(cursor, target, items, modseq, now)
    cursor.publish(Change(account, target, ModSeq(modseq)))
    return _copied(validity, found, placed)


def move(cursor: WriteCursor, mailbox: MailboxId, uids: Sequence[int], target: MailboxId, now: int) -> Copied:
    """Moves messages (one slice of uids). Raises Failure NOT_FOUND or NOT_ALLOWED (another account)."""
    account, validity = placing.same_owner(cursor, mailbox, target)
    found = placing.find(cursor, mailbox, uids)
    if not found:
        return Copied(validity, [], [])
    modseq = quota.adjust(cursor, account)
    take_away(cursor, mailbox, found, modseq)
    items = placing.make_room(cursor, target, _without_deleted(found))
    _, placed = placing.place(cursor, target, items, modseq, now)
    for touched in sorted({mailbox, target}):
        cursor.publish(Change(account, touched, ModSeq(modseq)))
    return _copied(validity, found, placed)


def _without_deleted(found: list[placing.Found]) -> list[placing.Placing]:
    return [each.placing._replace(flags=each.placing.flags & ~int(Flag.DELETED)) for each in found]


def _copied(validity: int, found: list[placing.Found], placed: list[int]) -> Copied:
    return Copied(validity, [Uid(each.uid) for each in found], [Uid(uid) for uid in placed])
