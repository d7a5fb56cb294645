"""The mailboxes of an account: listing, making, renaming, deleting, subscribing."""

from pillarbox.base.failure import FailureKind
from pillarbox.database.mailbox import naming, quota
from pillarbox.database.mailbox.accounts import THE_LIST, insert_mailboxes
from pillarbox.database.mailbox.sql import one
from pillarbox.model.change import Change
from pillarbox.model.failure import Failure
from pillarbox.model.ids import AccountId, MailboxId, ModSeq
from pillarbox.model.logged import Cursor, Row, WriteCursor
from pillarbox.model.mailbox import INBOX, Mailbox, Role

_COLUMNS = """
    SELECT m.id, m.path, m.role, m.selectable, s.path IS NOT NULL, m.uid_validity, m.uid_next, m.messages, m.unseen,
        m.deleted, m.size, m.modseq
    FROM mailbox m LEFT JOIN subscription s ON s.account_id = m.account_id AND s.path = m.path
"""
_NOT_MADE = frozenset({Role.INBOX, Role.ALL, Role.FLAGGED})


def mailboxes(cursor: Cursor, account: AccountId) -> list[Mailbox]:
    """All of an account's mailboxes, by path with the inbox first; none where there is no account."""
    rows = cursor.execute(_COLUMNS + "WHERE m.account_id = ? ORDER BY m.path", (account,))
    found = [_mailbox(row) for row in rows]
    return sorted(found, key=lambda mailbox: mailbox.path != INBOX)


def mailbox(cursor: Cursor, account: AccountId, path: str) -> Mailbox:
    """One mailbox. Raises Failure(NOT_FOUND)."""
    try:
        path = naming.clean(path)
    except Failure:
        raise _not_found() from None
    row = one(cursor.execute(_COLUMNS + "WHERE m.account_id = ? AND m.path = ?", (account, path)))
    if row is None:
        raise _not_found()
    return _mailbox(row)


def create(cursor: WriteCursor, account: AccountId, path: str, role: Role | None, now: int) -> Mailbox:
    """Makes a mailbox. Raises Failure ALREADY_EXISTS, INVALID, TOO_MANY, NOT_FOUND (no such account), NOT_ALLOWED
    (the role is taken, or none that a mailbox can be given)."""
    path = naming.clean(path)
    if role in _NOT_MADE:
        raise Failure(FailureKind.NOT_ALLOWED, "A mailbox cannot be made for that use")
    modseq = quota.adjust(cursor, account)
    row = one(
        cursor.execute("SELECT id FROM mailbox WHERE account_id = ? AND path = ? AND selectable = 1", (account, path))
    )
    if row is not None:
        raise _exists()
    if role is not None and one(
        cursor.execute("SELECT id FROM mailbox WHERE account_id = ? AND role = ?", (account, role.value))
    ):
        raise Failure(FailureKind.NOT_ALLOWED, "Another mailbox has that use")
    make(cursor, account, path, role, modseq, now)
    cursor.publish(Change(account, THE_LIST, ModSeq(modseq)))
    return mailbox(cursor, account, path)


def make(cursor: WriteCursor, account: AccountId, path: str, role: Role | None, modseq: int, now: int) -> MailboxId:
    """Makes a mailbox that is not there or was only a level, with the levels above it. Raises Failure(TOO_MANY)."""
    there = _paths(cursor, account)
    value = role.value if role else None
    made: list[tuple[str, str | None, bool]] = [
        (level, None, True) for level in naming.above(path) if level not in there
    ]
    if path in there:
        _insert(cursor, account, made, len(there), modseq, now)
        cursor.execute(
            "UPDATE mailbox SET selectable = 1, role = ?, modseq = ? WHERE id = ?", (value, modseq, there[path])
        )
        return there[path]
    ids = _insert(cursor, account, [*made, (path, value, True)], len(there), modseq, now)
    return MailboxId(ids[-1])


def _insert(
    cursor: WriteCursor,
    account: AccountId,
    made: list[tuple[str, str | None, bool]],
    existing: int,
    modseq: int,
    now: int,
) -> list[int]:
    if existing + len(made) > naming.MOST_MAILBOXES:
        raise Failure(FailureKind.TOO_MANY, f"An account has at most {naming.MOST_MAILBOXES} mailboxes")
    return insert_mailboxes(cursor, account, made, modseq, now) if made else []


def find_or_make(cursor: WriteCursor, account: AccountId, path: str, modseq: int, now: int) -> MailboxId:
    """The selectable mailbox with this clean path."""
    row = one(
        cursor.execute("SELECT id FROM mailbox WHERE account_id = ? AND path = ? AND selectable = 1", (account, path))
    )
    if row is not None:
        return MailboxId(row[0])
    made = make(cursor, account, path, None, modseq, now)
    cursor.publish(Change(account, THE_LIST, ModSeq(modseq)))
    return made


def rename(
    cursor: WriteCursor, account: AccountId, path: str, new_path: str, now: int
) -> tuple[MailboxId, MailboxId] | None:
    """Renames a mailbox with all below it. For the inbox makes the new one; (inbox, new) between which messages
    are then to be moved. Raises Failure NOT_FOUND, ALREADY_EXISTS, INVALID, TOO_MANY."""
    path, new_path = naming.clean(path), naming.clean(new_path)
    there = _paths(cursor, account)
    if path not in there:
        raise _not_found()
    if new_path in there:
        raise _exists()
    if path == INBOX:
        modseq = quota.adjust(cursor, account)
        made = make(cursor, account, new_path, None, modseq, now)
        cursor.publish(Change(account, THE_LIST, ModSeq(modseq)))
        return there[path], made
    if naming.is_below(new_path, path):
        raise Failure(FailureKind.INVALID, "A mailbox cannot be put beneath itself")
    renamed = {
        name: naming.clean(new_path + name[len(path) :])
        for name in there
        if name == path or naming.is_below(name, path)
    }
    modseq = quota.adjust(cursor, account)
    levels = [level for level in naming.above(new_path) if level not in there]
    _insert(cursor, account, [(level, None, True) for level in levels], len(there), modseq, now)
    cursor.executemany("UPDATE mailbox SET path = ? WHERE id = ?", [(new, there[old]) for old, new in renamed.items()])
    cursor.publish(Change(account, THE_LIST, ModSeq(modseq)))
    return None


def delete(cursor: WriteCursor, account: AccountId, path: str, now: int) -> None:
    """Takes a mailbox out of the account; its messages are then cleared away by `removal`.

    Raises Failure NOT_FOUND or NOT_ALLOWED (the inbox, or what is only a level above others).
    """
    found = mailbox(cursor, account, path)
    if found.path == INBOX:
        raise Failure(FailureKind.NOT_ALLOWED, "The inbox cannot be deleted")
    has_children = any(naming.is_below(name, found.path) for name in _paths(cursor, account))
    if has_children and not found.selectable:
        raise Failure(FailureKind.NOT_ALLOWED, "The mailbox has others beneath it; delete those first")
    modseq = quota.adjust(cursor, account, -found.size, -found.exists)
    cursor.execute("DELETE FROM mailbox WHERE id = ?", (found.id,))
    cursor.execute(
        "INSERT INTO mailbox_removal (mailbox_id, account_id, path) VALUES (?, ?, ?)",
        (found.id, account, found.path),
    )
    if has_children:
        insert_mailboxes(cursor, account, [(found.path, None, False)], modseq, now)
    cursor.publish(Change(account, THE_LIST, ModSeq(modseq)))
    cursor.publish(Change(account, found.id, ModSeq(modseq)))


def subscribe(cursor: WriteCursor, account: AccountId, path: str, subscribed: bool) -> None:
    """Remembers or forgets a subscription. Raises Failure INVALID or NOT_FOUND (no such account)."""
    path = naming.clean(path)
    if subscribed:
        statement = (
            "INSERT INTO subscription (account_id, path) VALUES (?, ?) ON CONFLICT (account_id, path) DO NOTHING "
            "RETURNING path"
        )
    else:
        statement = "DELETE FROM subscription WHERE account_id = ? AND path = ? RETURNING path"
    if one(cursor.execute(statement, (account, path))) is not None:
        cursor.publish(Change(account, THE_LIST, ModSeq(quota.adjust(cursor, account))))
    elif one(cursor.execute("SELECT id FROM account WHERE id = ?", (account,))) is None:
        raise Failure(FailureKind.NOT_FOUND, "There is no such account")


def subscriptions(cursor: Cursor, account: AccountId) -> list[str]:
    """All subscribed names, sorted."""
    rows = cursor.execute("SELECT path FROM subscription WHERE account_id = ? ORDER BY path", (account,))
    return [row[0] for row in rows]


def _paths(cursor: Cursor, account: AccountId) -> dict[str, MailboxId]:
    rows = cursor.execute("SELECT path, id FROM mailbox WHERE account_id = ?", (account,))
    return {path: MailboxId(mailbox_id) for path, mailbox_id in rows}


def _mailbox(row: Row) -> Mailbox:
    mailbox_id, path, role, selectable, subscribed, *counters = row
    return Mailbox(mailbox_id, path, Role(role) if role else None, bool(selectable), bool(subscribed), *counters)


def _not_found() -> Failure:
    return Failure(FailureKind.NOT_FOUND, "There is no mailbox of that name")


def _exists() -> Failure:
    return Failure(FailureKind.ALREADY_EXISTS, "There is a mailbox of that name")
