"""Putting emails into mailboxes: uids, counters and the rows that say where they lie."""

from collections.abc import Sequence
from typing import NamedTuple

from pillarbox.base.failure import FailureKind
from pillarbox.database.mailbox.sql import among as among_values
from pillarbox.database.mailbox.sql import one, slices, take_ids
from pillarbox.model.email import Flag
from pillarbox.model.failure import Failure
from pillarbox.model.ids import AccountId, MailboxId
from pillarbox.model.logged import Cursor

_PLACE = """
    UPDATE mailbox
    SET uid_next = uid_next + ?, messages = messages + ?, unseen = unseen + ?, deleted = deleted + ?,
        size = size + ?, modseq = ?
    WHERE id = ?
    RETURNING uid_next, uid_validity
"""

INSERT_PLACEMENT = """
    INSERT INTO placement
        (mailbox_id, uid, email_id, content_id, flags, keywords, modseq, received_at, size, trace_size, saved_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

INSERT_EMAIL = """
    INSERT INTO email (id, account_id, content_id, thread_id, message_key, received_at, size, trace)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""

_TWIN = """
    INSERT INTO email (id, account_id, content_id, thread_id, message_key, received_at, size, trace)
    SELECT ?, account_id, content_id, thread_id, message_key, received_at, size, trace FROM email WHERE id = ?
"""


class Placing(NamedTuple):
    """An email on its way into a mailbox, with the flags it will have there."""

    email: int
    content: int
    flags: int
    keywords: str
    received_at: int
    size: int
    trace_size: int


class Found(NamedTuple):
    """A placement as it was found."""

    uid: int
    placing: Placing


def owner(cursor: Cursor, mailbox: MailboxId) -> AccountId:
    """Whose mailbox it is. Raises Failure(NOT_FOUND)."""
    return owner_and_validity(cursor, mailbox)[0]


def owner_and_validity(cursor: Cursor, mailbox: MailboxId) -> tuple[AccountId, int]:
    """Whose mailbox it is, and its UIDVALIDITY. Raises Failure(NOT_FOUND)."""
    row = one(
        cursor.execute("SELECT account_id, uid_validity FROM mailbox WHERE id = ? AND selectable = 1", (mailbox,))
    )
    if row is None:
        raise Failure(FailureKind.NOT_FOUND, "The mailbox is no longer there")
    return AccountId(row[0]), row[1]


def same_owner(cursor: Cursor, mailbox: MailboxId, target: MailboxId) -> tuple[AccountId, int]:
    """Whose mailboxes they are, and the target's UIDVALIDITY. Raises Failure NOT_FOUND or NOT_ALLOWED."""
    account = owner(cursor, mailbox)
    to, validity = owner_and_validity(cursor, target)
    if to != account:
        raise Failure(FailureKind.NOT_ALLOWED, "The mailboxes belong to different accounts")
    return account, validity


def find(cursor: Cursor, mailbox: MailboxId, uids: Sequence[int], flags: int = 0) -> list[Found]:
    """Those of the messages that are there, and have all of `flags`, in order of uid."""
    found = []
    for some in slices(uids):
        condition, values = among_values("uid", some)
        rows = cursor.execute(
            "SELECT uid, email_id, content_id, flags, keywords, received_at, size, trace_size FROM placement "
            f"WHERE mailbox_id = ? AND {condition} AND flags & ? = ? ORDER BY uid",
            (mailbox, *values, flags, flags),
        )
        found += [Found(row[0], Placing(*row[1:])) for row in rows]
    return found


def place(cursor: Cursor, mailbox: MailboxId, items: Sequence[Placing], modseq: int, now: int) -> tuple[int, list[int]]:
    """Puts emails into a mailbox in their order; its UIDVALIDITY and the uids. The account is the caller's matter."""
    count = len(items)
    row = one(
        cursor.execute(
            _PLACE,
            (
                count,
                count,
                sum(not item.flags & Flag.SEEN for item in items),
                sum(bool(item.flags & Flag.DELETED) for item in items),
                sum(item.size for item in items),
                modseq,
                mailbox,
            ),
        )
    )
    assert row is not None
    first = row[0] - count
    cursor.executemany(
        INSERT_PLACEMENT,
        [
            (
                mailbox,
                uid,
                item.email,
                item.content,
                item.flags,
                item.keywords,
                modseq,
                item.received_at,
                item.size,
                item.trace_size,
                now,
            )
            for uid, item in enumerate(items, first)
        ],
    )
    return row[1], list(range(first, first + count))


def make_room(cursor: Cursor, mailbox: MailboxId, items: list[Placing]) -> list[Placing]:
    """The items for a mailbox; emails that lie there already are replaced by new ones with the same content."""
    emails = sorted(item.email for item in items)
    there: set[int] = set()
    for some in slices(emails):
        condition, values = among_values("email_id", some)
        rows = cursor.execute(
            f"SELECT email_id FROM placement WHERE {condition} AND mailbox_id = ?", (*values, mailbox)
        )
        there.update(row[0] for row in rows)
    if not there:
        return items
    fresh = iter(range(first := take_ids(cursor, len(there)), first + len(there)))
    made = []
    for item in items:
        if item.email in there:
            twin = item._replace(email=next(fresh))
            cursor.execute(_TWIN, (twin.email, item.email))
            made.append(twin)
        else:
            made.append(item)
    return made
