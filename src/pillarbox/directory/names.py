"""Which addresses of ours are in use, by what, and what else refers to them.

Functions over a cursor. Raises the refusals of `refusals.py`.
"""

from pillarbox.directory import refusals
from pillarbox.directory.address import Address, key_of, parse_address, split_detail
from pillarbox.directory.schema import first
from pillarbox.model.logged import Cursor, WriteCursor


def kind_of(cursor: Cursor, key: str) -> str | None:
    """What `key` is, None where it is free."""
    row = first(cursor.execute("SELECT kind FROM name WHERE address = ?", (key,)))
    return None if row is None else str(row[0])


def is_ours(cursor: Cursor, domain: str) -> bool:
    return first(cursor.execute("SELECT 1 FROM domain WHERE name = ?", (domain,))) is not None


def entry_of(cursor: Cursor, address: Address, separator: str) -> str:
    """The key of the entry that `address` means, sub-addressed or not, whether it exists or not."""
    key = address.key
    if kind_of(cursor, key) is None and (parts := split_detail(address.local, separator)):
        return key_of(parts[0], address.domain)
    return key


def claim(cursor: WriteCursor, address: str, kind: str) -> str:
    """Takes a free address of ours for something of `kind`; its key. Raises INVALID, ALREADY_EXISTS."""
    parsed = parse_address(address)
    key = parsed.key
    if not is_ours(cursor, parsed.domain):
        raise refusals.foreign_domain(parsed.domain)
    if found := kind_of(cursor, key):
        raise refusals.taken(key, found)
    cursor.execute("INSERT INTO name (address, domain, kind) VALUES (?, ?, ?)", (key, parsed.domain, kind))
    return key


def existing(cursor: Cursor, address: str, wanted: str) -> str:
    """The key of an address that must be a `wanted`. Raises INVALID, NOT_FOUND."""
    key = parse_address(address).key
    if (found := kind_of(cursor, key)) != wanted:
        raise refusals.missing(key, wanted, found)
    return key


def target_of(cursor: Cursor, address: str, separator: str, new_domain: str = "") -> Address:
    """Where an alias, membership or catch-all may lead: abroad, or to something of ours that exists."""
    parsed = parse_address(address)
    if (is_ours(cursor, parsed.domain) or parsed.domain == new_domain) and kind_of(
        cursor, entry_of(cursor, parsed, separator)
    ) is None:
        raise refusals.nobody(parsed.key)
    return parsed


def release(cursor: WriteCursor, key: str, separator: str) -> None:
    """Frees an address and ends its memberships. Raises INVALID while aliases or catch-alls lead to it."""
    aliases = _leading_to(cursor, "SELECT address, target_key FROM alias WHERE target_key", key, separator)
    domains = _leading_to(cursor, "SELECT name, catch_all_key FROM domain WHERE catch_all_key", key, separator)
    if aliases or domains:
        raise refusals.still_wanted(key, aliases, domains)
    members = _leading_to(cursor, "SELECT member_key, member_key FROM member WHERE member_key", key, separator)
    for member in set(members):
        cursor.execute("DELETE FROM member WHERE member_key = ?", (member,))
    cursor.execute("DELETE FROM name WHERE address = ?", (key,))


def leads_to(cursor: Cursor, start: Address, goal: str, separator: str) -> bool:
    """Whether aliases and groups lead from `start` to the entry `goal`."""
    waiting, seen = [start], set[str]()
    while waiting:
        key = entry_of(cursor, waiting.pop(), separator)
        if key == goal:
            return True
        if key not in seen:
            seen.add(key)
            for sql in (
                "SELECT target FROM alias WHERE address = ?",
                "SELECT member FROM member WHERE distribution = ?",
            ):
                waiting += [parse_address(row[0]) for row in cursor.execute(sql, (key,))]
    return False


def _leading_to(cursor: Cursor, select: str, key: str, separator: str) -> list[str]:
    """Who leads to `key`, directly or with a detail that has no entry of its own, sorted."""
    found = [who for who, _ in cursor.execute(f"{select} = ?", (key,))]
    if separator:
        prefix = key.rpartition("@")[0].removesuffix('"') + separator
        for who, target in list(cursor.execute(f"{select} BETWEEN ? AND ?", (prefix, prefix + "\U0010ffff"))):
            if target != key and entry_of(cursor, parse_address(target), separator) == key:
                found.append(who)
    return sorted(found)
