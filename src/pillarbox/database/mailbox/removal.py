"""Clearing away deleted mailboxes and accounts, and contents nobody has, in small writes.

What is to be cleared is on record (`mailbox_removal`, `account_removal`, contents without a hash), so that it goes on
where a crash stopped it. Each function here is one write of bounded size and says whether there is more to do.
"""

from pillarbox.database.mailbox.contents import CHUNKS
from pillarbox.database.mailbox.placing import Found, Placing
from pillarbox.database.mailbox.removing import discard
from pillarbox.database.mailbox.sql import SLICE, one
from pillarbox.model.ids import AccountId, MailboxId
from pillarbox.model.logged import Cursor

_MOST_OCTETS = 1 << 20

_PLACEMENTS = """
    SELECT uid, email_id, content_id, flags, keywords, received_at, size, trace_size
    FROM placement WHERE mailbox_id = ? ORDER BY uid LIMIT ?
"""


def pending_mailboxes(cursor: Cursor, account: AccountId | None) -> list[MailboxId]:
    """Deleted mailboxes that are not cleared yet, of one account or all."""
    rows = cursor.execute("SELECT mailbox_id, account_id FROM mailbox_removal ORDER BY mailbox_id")
    return [row[0] for row in rows if account is None or row[1] == account]


def pending_accounts(cursor: Cursor, account: AccountId | None) -> list[AccountId]:
    """The same of accounts."""
    rows = cursor.execute("SELECT account_id FROM account_removal ORDER BY account_id")
    return [row[0] for row in rows if account is None or row[0] == account]


def clear_mailbox(cursor: Cursor, mailbox: MailboxId, now: int) -> bool:
    """Makes deleted items of messages of a deleted mailbox. Those of a deleted account are left to it."""
    row = one(cursor.execute("SELECT account_id, path FROM mailbox_removal WHERE mailbox_id = ?", (mailbox,)))
    if row is None:
        return False
    account, path = row
    found = [Found(row[0], Placing(*row[1:])) for row in cursor.execute(_PLACEMENTS, (mailbox, SLICE))]
    if found:
        cursor.executemany(
            "DELETE FROM placement WHERE mailbox_id = ? AND uid = ?", [(mailbox, each.uid) for each in found]
        )
        if one(cursor.execute("SELECT id FROM account WHERE id = ?", (account,))):
            discard(cursor, account, found, path, now)
        return True
    rows = list(
        cursor.execute(
            "SELECT modseq, uid FROM expunged WHERE mailbox_id = ? ORDER BY modseq, uid LIMIT ?", (mailbox, SLICE)
        )
    )
    if rows:
        cursor.executemany(
            "DELETE FROM expunged WHERE mailbox_id = ? AND modseq = ? AND uid = ?",
            [(mailbox, modseq, uid) for modseq, uid in rows],
        )
        return True
    cursor.execute("DELETE FROM mailbox_removal WHERE mailbox_id = ?", (mailbox,))
    return False


def clear_account(cursor: Cursor, account: AccountId) -> bool:
    """Removes emails of a deleted account whose mailboxes are cleared."""
    rows = list(cursor.execute("SELECT id FROM email WHERE account_id = ? LIMIT ?", (account, SLICE)))
    if rows:
        drop_emails(cursor, [row[0] for row in rows])
        return True
    cursor.execute("DELETE FROM account_removal WHERE account_id = ?", (account,))
    return False


def drop_emails(cursor: Cursor, emails: list[int]) -> None:
    """Removes emails that lie nowhere for good; contents nobody else has lose their hash and wait to be swept."""
    for email in emails:
        cursor.execute("DELETE FROM deleted_item WHERE email_id = ?", (email,))
        row = one(cursor.execute("DELETE FROM email WHERE id = ? RETURNING content_id", (email,)))
        if row is not None:
            cursor.execute(
                "UPDATE content SET hash = NULL, stored_at = 0 WHERE id = ? "
                "AND NOT EXISTS (SELECT 1 FROM email WHERE content_id = content.id)",
                row,
            )


def sweep(cursor: Cursor, stored_before: int) -> bool:
    """Removes about 1 MiB of contents without a hash that were begun before a time."""
    octets = 0
    rows = list(
        cursor.execute(
            "SELECT id FROM content WHERE hash IS NULL AND stored_at < ? ORDER BY stored_at, id LIMIT ?",
            (stored_before, SLICE),
        )
    )
    for (content,) in rows:
        chunks = cursor.execute(
            "SELECT id, length(data) FROM chunk WHERE id BETWEEN ? AND ? ORDER BY id DESC",
            (content * CHUNKS, content * CHUNKS + CHUNKS - 1),
        )
        for chunk, length in list(chunks):
            if octets and octets + length > _MOST_OCTETS:
                return True
            cursor.execute("DELETE FROM chunk WHERE id = ?", (chunk,))
            octets += length
        cursor.execute("DELETE FROM content WHERE id = ?", (content,))
    return len(rows) == SLICE
