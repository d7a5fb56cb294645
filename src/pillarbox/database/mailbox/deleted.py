"""Deleted items: listing them, bringing them back, and removing those whose time is over."""

from collections.abc import Sequence

from pillarbox.base.failure import FailureKind
from pillarbox.database.mailbox import mailboxes, naming, placing, quota, removal
from pillarbox.database.mailbox.sql import among, one, slices
from pillarbox.model.change import Change
from pillarbox.model.failure import Failure
from pillarbox.model.ids import AccountId, EmailId, ModSeq
from pillarbox.model.logged import Cursor, WriteCursor
from pillarbox.model.store import DeletedItem

_LIST = """
    SELECT d.email_id, d.deleted_from, d.deleted_at, e.received_at, e.size, c.subject, c.from_text
    FROM deleted_item d JOIN email e ON e.id = d.email_id JOIN content c ON c.id = e.content_id
    WHERE d.account_id = ? ORDER BY d.deleted_at DESC, d.email_id DESC
"""

_FIND = """
    SELECT e.id, e.content_id, d.flags, d.keywords, e.received_at, e.size, length(e.trace)
    FROM deleted_item d JOIN email e ON e.id = d.email_id
"""


def deleted_items(cursor: Cursor, account: AccountId) -> list[DeletedItem]:
    """All of an account, what was deleted last first."""
    return [DeletedItem(*row) for row in cursor.execute(_LIST, (account,))]


def restore(cursor: WriteCursor, account: AccountId, emails: Sequence[EmailId], path: str, now: int) -> int:
    """Puts deleted items into a mailbox, all that are still there or none; how many.

    Raises Failure INVALID, NOT_FOUND (no such account), OVER_QUOTA, TOO_MANY.
    """
    path = naming.clean(path)
    if one(cursor.execute("SELECT id FROM account WHERE id = ?", (account,))) is None:
        raise Failure(FailureKind.NOT_FOUND, "There is no such account")
    items: list[placing.Placing] = []
    for some in slices(sorted(set(emails))):
        condition, values = among("d.email_id", some)
        rows = cursor.execute(f"{_FIND} WHERE d.account_id = ? AND {condition} ORDER BY e.id", (account, *values))
        items += [placing.Placing(*row) for row in rows]
    if not items:
        return 0
    modseq = quota.charge(cursor, account, sum(item.size for item in items), len(items))
    mailbox = mailboxes.find_or_make(cursor, account, path, modseq, now)
    cursor.executemany("DELETE FROM deleted_item WHERE email_id = ?", [(item.email,) for item in items])
    placing.place(cursor, mailbox, items, modseq, now)
    cursor.publish(Change(account, mailbox, ModSeq(modseq)))
    return len(items)


def purge(cursor: Cursor, deleted_before: int, limit: int) -> int:
    """Removes the oldest deleted items for good (one write's worth); how many."""
    rows = cursor.execute(
        "SELECT email_id FROM deleted_item WHERE deleted_at < ? ORDER BY deleted_at, email_id LIMIT ?",
        (deleted_before, limit),
    )
    emails = [row[0] for row in rows]
    removal.drop_emails(cursor, emails)
    return len(emails)
