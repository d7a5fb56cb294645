"""What happened in a mailbox since a modseq, and where to begin."""

from pillarbox.database.mailbox.placing import owner
from pillarbox.database.mailbox.sql import one
from pillarbox.model.change import FlagsSince, MailboxChanges
from pillarbox.model.ids import MailboxId, ModSeq, Uid
from pillarbox.model.logged import Cursor

_STATE = "SELECT modseq, messages, uid_next FROM mailbox WHERE id = ? AND selectable = 1"


def uids(cursor: Cursor, mailbox: MailboxId) -> tuple[list[Uid], MailboxChanges]:
    """All uids and the state they belong to. Raises Failure(NOT_FOUND)."""
    owner(cursor, mailbox)
    state = one(cursor.execute(_STATE, (mailbox,)))
    assert state is not None
    modseq, exists, uid_next = state
    found = [
        row[0] for row in cursor.execute("SELECT uid FROM placement WHERE mailbox_id = ? ORDER BY uid", (mailbox,))
    ]
    return found, MailboxChanges(modseq, [], [], exists, uid_next)


def changes(cursor: Cursor, mailbox: MailboxId, since: ModSeq) -> MailboxChanges:
    """What happened after `since`; one row is read where nothing did."""
    state = one(cursor.execute(_STATE, (mailbox,)))
    if state is None:
        return MailboxChanges(since, [], [], 0, 0, mailbox_gone=True)
    modseq, exists, uid_next = state
    if modseq <= since:
        return MailboxChanges(since, [], [], exists, uid_next)
    changed = [
        FlagsSince(*row)
        for row in cursor.execute(
            "SELECT uid, flags, keywords, modseq FROM placement WHERE mailbox_id = ? AND modseq > ?", (mailbox, since)
        )
    ]
    gone = [
        row[0]
        for row in cursor.execute("SELECT uid FROM expunged WHERE mailbox_id = ? AND modseq > ?", (mailbox, since))
    ]
    changed.sort()
    gone.sort()
    return MailboxChanges(modseq, gone, changed, exists, uid_next)
