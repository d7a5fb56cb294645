"""New UIDVALIDITYs after a restore that lost records: uids will be given again that clients know of other messages.

RFC 9051 section 2.3.1.1: a client that finds another UIDVALIDITY forgets what it knew of the mailbox.
"""

from functools import partial

from pillarbox.base.clock import Clock
from pillarbox.database.mailbox.sql import SLICE, take_uid_validity
from pillarbox.model.ids import MailboxId
from pillarbox.model.logged import Cursor, LoggedDatabase


def renew_uid_validity(database: LoggedDatabase, clock: Clock) -> int:
    """Gives every mailbox a new one, a slice of them to a write; how many. Repeating it does no harm.

    Blocks; to be called before anybody else has the database open.
    """
    count, last = 0, MailboxId(0)
    while True:
        now = clock.now()
        done, last = database.write_sync(partial(_renew, after=last, now=now))
        count += done
        if done < SLICE:
            return count


def _renew(cursor: Cursor, after: MailboxId, now: int) -> tuple[int, MailboxId]:
    rows = list(cursor.execute("SELECT id FROM mailbox WHERE id > ? ORDER BY id LIMIT ?", (after, SLICE)))
    if not rows:
        return 0, after
    first = take_uid_validity(cursor, len(rows), now)
    cursor.executemany(
        "UPDATE mailbox SET uid_validity = ? WHERE id = ?",
        [(first + number, mailbox) for number, (mailbox,) in enumerate(rows)],
    )
    return len(rows), rows[-1][0]
