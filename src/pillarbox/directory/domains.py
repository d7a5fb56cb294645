"""Domains of ours in the directory's tables. Functions over a cursor."""

from pillarbox.base.failure import FailureKind
from pillarbox.directory import names, refusals
from pillarbox.directory.address import parse_domain
from pillarbox.model.directory import DomainRecord
from pillarbox.model.failure import Failure
from pillarbox.model.logged import Cursor, WriteCursor


def add(cursor: WriteCursor, name: str, catch_all: str, separator: str) -> None:
    domain = parse_domain(name)
    if domain.startswith("["):
        raise Failure(FailureKind.INVALID, f"{domain} is an address literal, not a domain")
    if names.is_ours(cursor, domain):
        raise refusals.domain_exists(domain)
    target = names.target_of(cursor, catch_all, separator, domain) if catch_all else None
    cursor.execute(
        "INSERT INTO domain (name, catch_all, catch_all_key) VALUES (?, ?, ?)",
        (domain, target.text if target else "", target.key if target else ""),
    )


def set_catch_all(cursor: WriteCursor, name: str, catch_all: str, separator: str) -> None:
    domain = _existing(cursor, name)
    target = names.target_of(cursor, catch_all, separator) if catch_all else None
    cursor.execute(
        "UPDATE domain SET catch_all = ?, catch_all_key = ? WHERE name = ?",
        (target.text if target else "", target.key if target else "", domain),
    )


def records(cursor: Cursor) -> list[DomainRecord]:
    return [DomainRecord(*row) for row in cursor.execute("SELECT name, catch_all FROM domain ORDER BY name")]


def delete(cursor: WriteCursor, name: str) -> None:
    """Raises INVALID while the domain has people, aliases or groups."""
    domain = _existing(cursor, name)
    used = [row[0] for row in cursor.execute("SELECT address FROM name WHERE domain = ? ORDER BY address", (domain,))]
    if used:
        raise refusals.domain_in_use(domain, used)
    cursor.execute("DELETE FROM domain WHERE name = ?", (domain,))


def _existing(cursor: Cursor, name: str) -> str:
    domain = parse_domain(name)
    if not names.is_ours(cursor, domain):
        raise refusals.no_domain(domain)
    return domain
