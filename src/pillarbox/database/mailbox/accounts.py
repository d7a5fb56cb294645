"""Opening accounts, and deleting them with all they have."""

from pillarbox.base.failure import FailureKind
from pillarbox.database.mailbox.sql import one, take_ids, take_uid_validity
from pillarbox.model.change import Change
from pillarbox.model.failure import Failure
from pillarbox.model.ids import AccountId, MailboxId, ModSeq
from pillarbox.model.logged import WriteCursor
from pillarbox.model.mailbox import FIRST_MAILBOXES

_INSERT_MAILBOX = """
    INSERT INTO mailbox
        (id, account_id, path, role, selectable, uid_validity, uid_next, messages, unseen, deleted, size, modseq)
    VALUES (?, ?, ?, ?, ?, ?, 1, 0, 0, 0, 0, ?)
"""

THE_LIST = MailboxId(0)
"""Stands in a Change for the list of mailboxes."""


def open_account(cursor: WriteCursor, account: AccountId, octet_limit: int, message_limit: int, now: int) -> None:
    """Sets an account's limits; makes it and its first mailboxes where it is not there.

    Raises Failure(UNAVAILABLE) while an account of that id is being removed.
    """
    row = one(
        cursor.execute(
            "UPDATE account SET octet_limit = ?, message_limit = ? WHERE id = ? RETURNING id",
            (octet_limit, message_limit, account),
        )
    )
    if row is not None:
        return
    if one(cursor.execute("SELECT account_id FROM account_removal WHERE account_id = ?", (account,))):
        raise Failure(FailureKind.UNAVAILABLE, "The account is being removed")
    cursor.execute(
        "INSERT INTO account (id, modseq, octets, messages, octet_limit, message_limit) VALUES (?, 1, 0, 0, ?, ?)",
        (account, octet_limit, message_limit),
    )
    insert_mailboxes(cursor, account, [(path, role.value, True) for path, role in FIRST_MAILBOXES], 1, now)
    cursor.executemany(
        "INSERT INTO subscription (account_id, path) VALUES (?, ?) ON CONFLICT DO NOTHING",
        [(account, path) for path, _ in FIRST_MAILBOXES],
    )
    cursor.publish(Change(account, THE_LIST, ModSeq(1)))


def insert_mailboxes(
    cursor: WriteCursor, account: AccountId, made: list[tuple[str, str | None, bool]], modseq: int, now: int
) -> list[int]:
    """Makes mailboxes of (path, role, selectable); their ids. Asks nothing."""
    first = take_ids(cursor, len(made))
    validity = take_uid_validity(cursor, len(made), now)
    cursor.executemany(
        _INSERT_MAILBOX,
        [
            (first + number, account, path, role, int(selectable), validity + number, modseq)
            for number, (path, role, selectable) in enumerate(made)
        ],
    )
    return [first + number for number in range(len(made))]


def delete_account(cursor: WriteCursor, account: AccountId) -> None:
    """Makes an account disappear; what it had is then cleared away by `removal`."""
    row = one(cursor.execute("DELETE FROM account WHERE id = ? RETURNING modseq", (account,)))
    if row is None:
        return
    cursor.execute("INSERT INTO account_removal (account_id) VALUES (?) ON CONFLICT DO NOTHING", (account,))
    cursor.execute(
        "INSERT INTO mailbox_removal (mailbox_id, account_id, path) "
        "SELECT id, account_id, path FROM mailbox WHERE account_id = ?",
        (account,),
    )
    cursor.execute("DELETE FROM mailbox WHERE account_id = ?", (account,))
    cursor.execute("DELETE FROM subscription WHERE account_id = ?", (account,))
    cursor.publish(Change(account, THE_LIST, ModSeq(row[0] + 1)))
