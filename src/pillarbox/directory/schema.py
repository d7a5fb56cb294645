"""The tables of a directory database.

`name` holds every address of ours once, whatever it is (person, alias or group), so that no two things can share
one. Addresses in it, and all columns called `key`, are keys as `address.py` makes them; `target` and `member` are
addresses as they were written, since case matters abroad and in details. `counter` holds the last account id
given (never given again) and the number of changes made, by which caches notice that they are out of date.
"""

from collections.abc import Iterator

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.logged import Cursor, Row, WriteCursor

VERSION = 1

_TABLES = (
    "CREATE TABLE counter (name TEXT NOT NULL PRIMARY KEY, value BIGINT NOT NULL)",
    "CREATE TABLE domain (name TEXT NOT NULL PRIMARY KEY, catch_all TEXT NOT NULL, catch_all_key TEXT NOT NULL)",
    "CREATE TABLE name (address TEXT NOT NULL PRIMARY KEY, domain TEXT NOT NULL, kind TEXT NOT NULL)",
    "CREATE INDEX name_domain ON name (domain)",
    "CREATE TABLE person (account BIGINT NOT NULL PRIMARY KEY, address TEXT NOT NULL, name TEXT NOT NULL,"
    " mail_database TEXT NOT NULL, enabled INTEGER NOT NULL, octet_limit BIGINT NOT NULL,"
    " message_limit BIGINT NOT NULL)",
    "CREATE INDEX person_address ON person (address)",
    "CREATE TABLE credential (account BIGINT NOT NULL PRIMARY KEY, version BIGINT NOT NULL,"
    " password_hash TEXT NOT NULL, salt BLOB NOT NULL, iterations INTEGER NOT NULL,"
    " stored_key BLOB NOT NULL, server_key BLOB NOT NULL)",
    "CREATE TABLE alias (address TEXT NOT NULL PRIMARY KEY, target TEXT NOT NULL, target_key TEXT NOT NULL)",
    "CREATE INDEX alias_target ON alias (target_key)",
    "CREATE TABLE distribution (address TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL)",
    "CREATE TABLE member (distribution TEXT NOT NULL, member_key TEXT NOT NULL, member TEXT NOT NULL,"
    " PRIMARY KEY (distribution, member_key))",
    "CREATE INDEX member_key ON member (member_key)",
)

_CHECKS = (
    (
        "{} is listed as a person but has no entry",
        "SELECT address FROM name WHERE kind = 'person' AND address NOT IN (SELECT address FROM person)",
    ),
    (
        "{} is listed as an alias but has no target",
        "SELECT address FROM name WHERE kind = 'alias' AND address NOT IN (SELECT address FROM alias)",
    ),
    (
        "{} is listed as a group but has no entry",
        "SELECT address FROM name WHERE kind = 'group' AND address NOT IN (SELECT address FROM distribution)",
    ),
    (
        "{} is a person that is not among the names",
        "SELECT address FROM person WHERE address NOT IN (SELECT address FROM name WHERE kind = 'person')",
    ),
    (
        "{} is an alias that is not among the names",
        "SELECT address FROM alias WHERE address NOT IN (SELECT address FROM name WHERE kind = 'alias')",
    ),
    (
        "{} is a group that is not among the names",
        "SELECT address FROM distribution WHERE address NOT IN (SELECT address FROM name WHERE kind = 'group')",
    ),
    (
        "{} is a group that does not exist but has members",
        "SELECT DISTINCT distribution FROM member WHERE distribution NOT IN (SELECT address FROM distribution)",
    ),
    (
        "{} has no credentials",
        "SELECT address FROM person WHERE account NOT IN (SELECT account FROM credential)",
    ),
    (
        "{} has an account id that was never given",
        "SELECT address FROM person WHERE account > (SELECT value FROM counter WHERE name = 'account')",
    ),
    (
        "{} is an address in a domain that is not ours",
        "SELECT address FROM name WHERE domain NOT IN (SELECT name FROM domain)",
    ),
)


class DirectorySchema:
    """What the engine of a logged database wants to know of these tables."""

    @property
    def name(self) -> str:
        return "directory"

    @property
    def version(self) -> int:
        return VERSION

    def create(self, cursor: Cursor) -> None:
        for statement in _TABLES:
            cursor.execute(statement)
        cursor.execute("INSERT INTO counter (name, value) VALUES ('account', 0), ('change', 0)")

    def migrate(self, cursor: Cursor, from_version: int) -> None:
        raise Failure(FailureKind.WRONG_VERSION, f"There is no way from version {from_version} of the directory")

    def verify(self, cursor: Cursor) -> Iterator[str]:
        for sentence, sql in _CHECKS:
            for (address,) in cursor.execute(sql):
                yield sentence.format(address)


def count_change(cursor: WriteCursor) -> None:
    """To be called in every write, so that the caches of all processes notice."""
    cursor.execute("UPDATE counter SET value = value + 1 WHERE name = 'change'")


def first(rows: Iterator[Row]) -> Row | None:
    """The first row of a result that has few; reads it to its end, as the engine wants it."""
    found = list(rows)
    return found[0] if found else None


def change_count(cursor: Cursor) -> int:
    """The number of changes made so far."""
    return _counter(first(cursor.execute("SELECT value FROM counter WHERE name = 'change'")))


def next_account(cursor: WriteCursor) -> int:
    """An account id that was never given before."""
    return _counter(
        first(cursor.execute("UPDATE counter SET value = value + 1 WHERE name = 'account' RETURNING value"))
    )


def _counter(row: Row | None) -> int:
    if row is None:
        raise Failure(FailureKind.CORRUPT, "The directory has lost one of its counters")
    return int(row[0])
