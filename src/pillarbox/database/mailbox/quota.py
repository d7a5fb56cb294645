"""What an account uses and may use: the totals on its row, kept in the write that places or removes.

Every function that changes something takes the account's next modseq, which the rest of the write then uses.
"""

from pillarbox.base.failure import FailureKind
from pillarbox.database.mailbox.sql import one
from pillarbox.model.failure import Failure
from pillarbox.model.ids import AccountId
from pillarbox.model.logged import Cursor
from pillarbox.model.mailbox import Usage

_NO_LIMIT = 1 << 62

_CHARGE_WITHIN = """
    UPDATE account
    SET modseq = modseq + 1, octets = octets + ?, messages = messages + ?, octet_limit = ?, message_limit = ?
    WHERE id = ? AND octets <= ? AND messages <= ?
    RETURNING modseq
"""

_CHARGE = """
    UPDATE account
    SET modseq = modseq + 1, octets = octets + ?, messages = messages + ?
    WHERE id = ?
        AND (octet_limit = 0 OR octets + ? <= octet_limit)
        AND (message_limit = 0 OR messages + ? <= message_limit)
    RETURNING modseq
"""

_ADJUST = """
    UPDATE account
    SET modseq = modseq + 1, octets = octets + ?, messages = messages + ?
    WHERE id = ?
    RETURNING modseq
"""


def usage(cursor: Cursor, account: AccountId) -> Usage:
    """What an account uses; nothing where there is none."""
    row = one(
        cursor.execute("SELECT octets, messages, octet_limit, message_limit FROM account WHERE id = ?", (account,))
    )
    return Usage(*row) if row else Usage(0, 0, 0, 0)


def limits(cursor: Cursor, account: AccountId) -> tuple[int, int] | None:
    """An account's limits of octets and messages, None where there is no such account."""
    row = one(cursor.execute("SELECT octet_limit, message_limit FROM account WHERE id = ?", (account,)))
    return (row[0], row[1]) if row else None


def charge_within(cursor: Cursor, account: AccountId, size: int, octet_limit: int, message_limit: int) -> int | None:
    """Counts one more message if it is within these limits, and keeps them as the account's.

    The modseq; None where it is not within, or there is no such account.
    """
    most_octets = octet_limit - size if octet_limit else _NO_LIMIT
    most_messages = message_limit - 1 if message_limit else _NO_LIMIT
    row = one(
        cursor.execute(_CHARGE_WITHIN, (size, 1, octet_limit, message_limit, account, most_octets, most_messages))
    )
    return row[0] if row else None


def charge(cursor: Cursor, account: AccountId, octets: int, messages: int) -> int:
    """Counts more messages; the modseq. Raises Failure(OVER_QUOTA)."""
    row = one(cursor.execute(_CHARGE, (octets, messages, account, octets, messages)))
    if row is None:
        raise over_quota()
    modseq: int = row[0]
    return modseq


def adjust(cursor: Cursor, account: AccountId, octets: int = 0, messages: int = 0) -> int:
    """Counts without asking for limits; the modseq. Raises Failure(NOT_FOUND)."""
    row = one(cursor.execute(_ADJUST, (octets, messages, account)))
    if row is None:
        raise Failure(FailureKind.NOT_FOUND, "There is no such account")
    modseq: int = row[0]
    return modseq


def over_quota() -> Failure:
    return Failure(FailureKind.OVER_QUOTA, "The mailbox is full")
