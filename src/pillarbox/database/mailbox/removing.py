"""Taking messages out of mailboxes. An email that lies nowhere any more becomes a deleted item."""

from collections.abc import Sequence

from pillarbox.database.mailbox import placing, quota
from pillarbox.database.mailbox.placing import Found
from pillarbox.database.mailbox.sql import one
from pillarbox.model.change import Change
from pillarbox.model.email import Flag
from pillarbox.model.ids import AccountId, MailboxId, ModSeq, Uid
from pillarbox.model.logged import Cursor, WriteCursor

_COUNT = """
    UPDATE mailbox
    SET messages = messages - ?, unseen = unseen - ?, deleted = deleted - ?, size = size - ?, modseq = ?
    WHERE id = ?
"""

_DISCARD = """
    INSERT INTO deleted_item (email_id, account_id, deleted_at, deleted_from, flags, keywords)
    SELECT id, ?, ?, ?, ?, ? FROM email
    WHERE id = ? AND NOT EXISTS (SELECT 1 FROM placement WHERE email_id = email.id)
"""


def remove(cursor: WriteCursor, mailbox: MailboxId, uids: Sequence[int], flags: int, now: int) -> list[Uid]:
    """Removes those of the messages (one slice of uids) that have all of `flags`. Raises Failure(NOT_FOUND)."""
    account = placing.owner(cursor, mailbox)
    found = placing.find(cursor, mailbox, uids, flags)
    if not found:
        return []
    row = one(cursor.execute("SELECT path FROM mailbox WHERE id = ?", (mailbox,)))
    assert row is not None
    modseq = quota.adjust(cursor, account, -sum(each.placing.size for each in found), -len(found))
    take_away(cursor, mailbox, found, modseq)
    discard(cursor, account, found, row[0], now)
    cursor.publish(Change(account, mailbox, ModSeq(modseq)))
    return [Uid(each.uid) for each in found]


def take_away(cursor: Cursor, mailbox: MailboxId, found: list[Found], modseq: int) -> None:
    """Removes placements, leaves tombstones, and counts them off their mailbox."""
    cursor.executemany(
        "DELETE FROM placement WHERE mailbox_id = ? AND uid = ?", [(mailbox, each.uid) for each in found]
    )
    cursor.executemany(
        "INSERT INTO expunged (mailbox_id, modseq, uid) VALUES (?, ?, ?)",
        [(mailbox, modseq, each.uid) for each in found],
    )
    items = [each.placing for each in found]
    unseen = sum(not item.flags & Flag.SEEN for item in items)
    deleted = sum(bool(item.flags & Flag.DELETED) for item in items)
    cursor.execute(_COUNT, (len(items), unseen, deleted, sum(item.size for item in items), modseq, mailbox))


def discard(cursor: Cursor, account: AccountId, found: list[Found], path: str, now: int) -> None:
    """Makes deleted items of those emails that lie nowhere any more."""
    cursor.executemany(
        _DISCARD,
        [
            (account, now, path, each.placing.flags & ~int(Flag.DELETED), each.placing.keywords, each.placing.email)
            for each in found
        ],
    )


def deleted_uids(cursor: Cursor, mailbox: MailboxId) -> list[int]:
    """The messages flagged deleted. Raises Failure(NOT_FOUND)."""
    placing.owner(cursor, mailbox)
    row = one(cursor.execute("SELECT deleted FROM mailbox WHERE id = ?", (mailbox,)))
    if row is None or not row[0]:
        return []
    rows = cursor.execute(
        "SELECT uid FROM placement WHERE mailbox_id = ? AND flags & ? <> 0 ORDER BY uid", (mailbox, int(Flag.DELETED))
    )
    return [row[0] for row in rows]
