"""People and their credentials in the directory's tables. Functions over a cursor."""

from typing import NamedTuple

from pillarbox.base.failure import FailureKind
from pillarbox.directory import names, refusals
from pillarbox.directory.passwords import Secrets
from pillarbox.directory.schema import first, next_account
from pillarbox.model.directory import Person, ScramKeys
from pillarbox.model.failure import Failure
from pillarbox.model.ids import AccountId
from pillarbox.model.logged import Cursor, Row, WriteCursor

COLUMNS = "p.account, p.address, p.name, p.mail_database, p.enabled, p.octet_limit, p.message_limit"


class Credential(NamedTuple):
    """What is kept of a password. `version` grows with each change of it."""

    version: int
    password_hash: str
    keys: ScramKeys


def person_of(row: Row) -> Person:
    """The person of a row of COLUMNS."""
    account, address, name, database, enabled, octet_limit, message_limit = row
    return Person(AccountId(account), address, name, database, enabled != 0, octet_limit, message_limit)


def check_limits(octet_limit: int, message_limit: int) -> None:
    if octet_limit < 0 or message_limit < 0:
        raise refusals.bad_limit()


def add(
    cursor: WriteCursor,
    address: str,
    secrets: Secrets,
    name: str,
    database: str,
    limits: tuple[int, int],
) -> Person:
    """Makes a person with an account id never given before."""
    key = names.claim(cursor, address, refusals.PERSON)
    account = next_account(cursor)
    cursor.execute(
        "INSERT INTO person (account, address, name, mail_database, enabled, octet_limit, message_limit)"
        " VALUES (?, ?, ?, ?, 1, ?, ?)",
        (account, key, name, database, *limits),
    )
    cursor.execute(
        "INSERT INTO credential (account, version, password_hash, salt, iterations, stored_key, server_key)"
        " VALUES (?, 1, ?, ?, ?, ?, ?)",
        (account, secrets.password_hash, *secrets.keys),
    )
    return Person(AccountId(account), key, name, database, True, *limits)


def everybody(cursor: Cursor) -> list[Person]:
    return [person_of(row) for row in cursor.execute(f"SELECT {COLUMNS} FROM person p ORDER BY p.address")]


def existing(cursor: Cursor, address: str) -> Person:
    """The person with this primary address. Raises INVALID, NOT_FOUND."""
    key = names.existing(cursor, address, refusals.PERSON)
    row = first(cursor.execute(f"SELECT {COLUMNS} FROM person p WHERE p.address = ?", (key,)))
    if row is None:
        raise Failure(FailureKind.CORRUPT, f"The directory has a name but no entry for {key}")
    return person_of(row)


def credential(cursor: Cursor, account: AccountId) -> Credential | None:
    row = first(
        cursor.execute(
            "SELECT version, password_hash, salt, iterations, stored_key, server_key FROM credential WHERE account = ?",
            (account,),
        )
    )
    return None if row is None else Credential(row[0], row[1], ScramKeys(*row[2:]))


def set_password(cursor: WriteCursor, address: str, secrets: Secrets) -> None:
    cursor.execute(
        "UPDATE credential SET version = version + 1, password_hash = ?, salt = ?, iterations = ?, stored_key = ?,"
        " server_key = ? WHERE account = ?",
        (secrets.password_hash, *secrets.keys, existing(cursor, address).account),
    )


def set_enabled(cursor: WriteCursor, address: str, enabled: bool) -> None:
    account = existing(cursor, address).account
    cursor.execute("UPDATE person SET enabled = ? WHERE account = ?", (int(enabled), account))


def set_limits(cursor: WriteCursor, address: str, octet_limit: int, message_limit: int) -> None:
    account = existing(cursor, address).account
    cursor.execute(
        "UPDATE person SET octet_limit = ?, message_limit = ? WHERE account = ?", (octet_limit, message_limit, account)
    )


def delete(cursor: WriteCursor, address: str, separator: str) -> Person:
    """Removes a person and their memberships. Raises INVALID while aliases or catch-alls lead to them."""
    person = existing(cursor, address)
    names.release(cursor, person.address, separator)
    cursor.execute("DELETE FROM person WHERE account = ?", (person.account,))
    cursor.execute("DELETE FROM credential WHERE account = ?", (person.account,))
    return person
