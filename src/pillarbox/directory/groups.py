"""Groups (distribution lists) and their members in the directory's tables. Functions over a cursor."""

from pillarbox.directory import names, refusals
from pillarbox.directory.address import parse_address
from pillarbox.directory.schema import first
from pillarbox.model.directory import GroupRecord
from pillarbox.model.logged import Cursor, WriteCursor


def add(cursor: WriteCursor, address: str, name: str) -> None:
    key = names.claim(cursor, address, refusals.GROUP)
    cursor.execute("INSERT INTO distribution (address, name) VALUES (?, ?)", (key, name))


def add_member(cursor: WriteCursor, group: str, member: str, separator: str) -> None:
    """Raises LOOP where the member leads back to the group."""
    key = names.existing(cursor, group, refusals.GROUP)
    target = names.target_of(cursor, member, separator)
    if names.leads_to(cursor, target, key, separator):
        raise refusals.leads_back(key, target.text)
    if _is_member(cursor, key, target.key):
        raise refusals.already_a_member(key, target.text)
    cursor.execute(
        "INSERT INTO member (distribution, member_key, member) VALUES (?, ?, ?)", (key, target.key, target.text)
    )


def remove_member(cursor: WriteCursor, group: str, member: str) -> None:
    key = names.existing(cursor, group, refusals.GROUP)
    member_key = parse_address(member).key
    if not _is_member(cursor, key, member_key):
        raise refusals.not_a_member(key, member)
    cursor.execute("DELETE FROM member WHERE distribution = ? AND member_key = ?", (key, member_key))


def records(cursor: Cursor) -> list[GroupRecord]:
    members: dict[str, list[str]] = {}
    for group, member in cursor.execute("SELECT distribution, member FROM member ORDER BY distribution, member"):
        members.setdefault(group, []).append(member)
    return [
        GroupRecord(address, name, tuple(members.get(address, ())))
        for address, name in cursor.execute("SELECT address, name FROM distribution ORDER BY address")
    ]


def members_of(cursor: Cursor, key: str) -> list[str]:
    """The members of a group as they were written."""
    rows = cursor.execute("SELECT member FROM member WHERE distribution = ? ORDER BY member_key", (key,))
    return [row[0] for row in rows]


def delete(cursor: WriteCursor, address: str, separator: str) -> None:
    """Removes a group with its members and memberships. Raises INVALID while aliases or catch-alls lead to it."""
    key = names.existing(cursor, address, refusals.GROUP)
    names.release(cursor, key, separator)
    cursor.execute("DELETE FROM member WHERE distribution = ?", (key,))
    cursor.execute("DELETE FROM distribution WHERE address = ?", (key,))


def _is_member(cursor: Cursor, key: str, member_key: str) -> bool:
    rows = cursor.execute("SELECT 1 FROM member WHERE distribution = ? AND member_key = ?", (key, member_key))
    return first(rows) is not None
