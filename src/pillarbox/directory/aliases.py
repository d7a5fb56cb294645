"""Aliases in the directory's tables. Functions over a cursor."""

from pillarbox.directory import names, refusals
from pillarbox.model.directory import AliasRecord
from pillarbox.model.logged import Cursor, WriteCursor


def add(cursor: WriteCursor, address: str, target: str, separator: str) -> None:
    """Raises LOOP where the target leads back to the address."""
    key = names.claim(cursor, address, refusals.ALIAS)
    found = names.target_of(cursor, target, separator)
    if names.leads_to(cursor, found, key, separator):
        raise refusals.leads_back(key, target)
    cursor.execute("INSERT INTO alias (address, target, target_key) VALUES (?, ?, ?)", (key, found.text, found.key))


def records(cursor: Cursor) -> list[AliasRecord]:
    return [AliasRecord(*row) for row in cursor.execute("SELECT address, target FROM alias ORDER BY address")]


def delete(cursor: WriteCursor, address: str, separator: str) -> None:
    """Removes an alias and its memberships. Raises INVALID while other aliases or catch-alls lead to it."""
    key = names.existing(cursor, address, refusals.ALIAS)
    names.release(cursor, key, separator)
    cursor.execute("DELETE FROM alias WHERE address = ?", (key,))
