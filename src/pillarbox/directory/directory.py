"""The embedded directory: domains, people, aliases and groups in a logged database of their own.

Implements `Directory` and `DirectoryAdmin` of `model/directory.py`. Several processes may use one database, each
through a directory of its own; a change is seen by all at their next question. Answers that need no change of the
database come from memory (see `view.py`). Lock-outs and remembered logins are each process's own.

Use from one event loop. Whoever made the database closes it, after this.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from pillarbox.base.clock import Clock
from pillarbox.base.ids import Ids
from pillarbox.base.settings import Login
from pillarbox.directory import aliases, domains, groups, people
from pillarbox.directory.address import parse_address, parse_domain
from pillarbox.directory.login import Logins
from pillarbox.directory.passwords import PasswordCost, Passwords
from pillarbox.directory.people import Credential
from pillarbox.directory.refusals import ALIAS, PERSON
from pillarbox.directory.resolve import DEEPEST, POSTMASTER, Expansion, lookup, postmaster_of
from pillarbox.directory.schema import count_change
from pillarbox.directory.view import Known, View
from pillarbox.model.directory import (
    AliasRecord,
    DomainRecord,
    GroupRecord,
    Person,
    Resolution,
    Route,
    ScramKeys,
)
from pillarbox.model.failure import Failure
from pillarbox.model.ids import AccountId
from pillarbox.model.logged import Cursor, LoggedDatabase, WriteCursor

T = TypeVar("T")

CACHE_KEY_SIZE = 32

_REMEMBERED = (Route.LOCAL, Route.DISABLED)
"""Not what a stranger can make up without end."""


class EmbeddedDirectory:
    """`Directory` and `DirectoryAdmin` over a database with `DirectorySchema`."""

    def __init__(
        self,
        database: LoggedDatabase,
        login: Login,
        separator: str,
        clock: Clock,
        ids: Ids,
        cost: PasswordCost = PasswordCost(),  # noqa: B008 (immutable)
    ) -> None:
        """`separator` stands between a mailbox name and its detail, "" for no sub-addressing."""
        self._database = database
        self._separator = separator
        self._passwords = Passwords(ids, cost)
        self._view = View()
        self._logins = Logins(login, clock, ids.secret(CACHE_KEY_SIZE), self._passwords, self._known, self._credential)

    def close(self) -> None:
        """Lets go of the hashing threads."""
        self._passwords.close()

    # Directory

    async def resolve(self, address: str) -> Resolution:
        with self._database.read() as cursor:
            changes = self._view.refresh(cursor)
            if (known := self._view.resolutions.get(address)) is not None:
                return known
            target = self._bare_postmaster(cursor) if address.lower() == POSTMASTER else address
            try:
                expansion = Expansion(target, self._separator)
            except Failure:
                return Resolution(Route.UNKNOWN)
            expansion.step(cursor, self._view.domains)
        while not expansion.done:
            await asyncio.sleep(0)
            with self._database.read() as cursor:
                self._view.refresh(cursor)
                expansion.step(cursor, self._view.domains)
        resolution = expansion.resolution()
        if changes == self._view.changes and resolution.route in _REMEMBERED:
            self._view.resolutions.put(address, resolution, 1 + len(resolution.recipients) + len(resolution.foreign))
        return resolution

    def _bare_postmaster(self, cursor: Cursor) -> str:
        """RCPT TO:<Postmaster>, without a domain (RFC 5321 section 4.1.1.3)."""
        return postmaster_of(cursor, "", self._view.domains)

    async def is_local_domain(self, domain: str) -> bool:
        try:
            name = parse_domain(domain)
        except Failure:
            return False
        with self._database.read() as cursor:
            self._view.refresh(cursor)
        return name in self._view.domains

    async def verify_password(self, login: str, password: str, client: str) -> Person:
        return await self._logins.verify(login, password, client)

    async def scram_keys(self, login: str, client: str) -> ScramKeys | None:
        return self._logins.scram_keys(login, client)

    async def scram_finished(self, login: str, client: str, verified: bool) -> Person:
        return self._logins.scram_finished(login, client, verified)

    async def person(self, login: str) -> Person | None:
        known = self._known(login)
        return known.person if known else None

    def _known(self, login: str) -> Known | None:
        """The person of a login name, through any number of aliases."""
        with self._database.read() as cursor:
            self._view.refresh(cursor)
            if (known := self._view.people.get(login)) is not None:
                return known
            try:
                key = parse_address(login).key
            except Failure:
                return None
            for _ in range(DEEPEST):
                row = lookup(cursor, (key,)).get(key)
                if row is None or row[1] != ALIAS:
                    break
                key = parse_address(row[2]).key
            if row is None or row[1] != PERSON:
                return None
            person = people.person_of(row[3:])
            credential = people.credential(cursor, person.account)
            known = Known(person, credential.version if credential else 0)
            self._view.people.put(login, known)
            return known

    def _credential(self, account: AccountId) -> Credential | None:
        with self._database.read() as cursor:
            return people.credential(cursor, account)

    # DirectoryAdmin: people

    async def add_person(
        self, address: str, password: str, name: str, database: str, octet_limit: int, message_limit: int
    ) -> Person:
        people.check_limits(octet_limit, message_limit)
        secrets = await self._passwords.secrets(password)
        limits = (octet_limit, message_limit)
        return await self._write(lambda cursor: people.add(cursor, address, secrets, name, database, limits))

    async def people(self) -> list[Person]:
        return self._read(people.everybody)

    async def set_password(self, address: str, password: str) -> None:
        secrets = await self._passwords.secrets(password)
        await self._write(lambda cursor: people.set_password(cursor, address, secrets))

    async def set_enabled(self, address: str, enabled: bool) -> None:
        await self._write(lambda cursor: people.set_enabled(cursor, address, enabled))

    async def set_limits(self, address: str, octet_limit: int, message_limit: int) -> None:
        people.check_limits(octet_limit, message_limit)
        await self._write(lambda cursor: people.set_limits(cursor, address, octet_limit, message_limit))

    async def delete_person(self, address: str) -> Person:
        """Memberships in groups end with the person. Raises INVALID while aliases or catch-alls lead to them."""
        return await self._write(lambda cursor: people.delete(cursor, address, self._separator))

    # DirectoryAdmin: domains

    async def add_domain(self, name: str, catch_all: str) -> None:
        await self._write(lambda cursor: domains.add(cursor, name, catch_all, self._separator))

    async def set_catch_all(self, name: str, catch_all: str) -> None:
        await self._write(lambda cursor: domains.set_catch_all(cursor, name, catch_all, self._separator))

    async def domains(self) -> list[DomainRecord]:
        return self._read(domains.records)

    async def delete_domain(self, name: str) -> None:
        await self._write(lambda cursor: domains.delete(cursor, name))

    # DirectoryAdmin: aliases and groups

    async def add_alias(self, address: str, target: str) -> None:
        await self._write(lambda cursor: aliases.add(cursor, address, target, self._separator))

    async def aliases(self) -> list[AliasRecord]:
        return self._read(aliases.records)

    async def delete_alias(self, address: str) -> None:
        await self._write(lambda cursor: aliases.delete(cursor, address, self._separator))

    async def add_group(self, address: str, name: str) -> None:
        await self._write(lambda cursor: groups.add(cursor, address, name))

    async def add_member(self, group: str, member: str) -> None:
        await self._write(lambda cursor: groups.add_member(cursor, group, member, self._separator))

    async def remove_member(self, group: str, member: str) -> None:
        await self._write(lambda cursor: groups.remove_member(cursor, group, member))

    async def groups(self) -> list[GroupRecord]:
        return self._read(groups.records)

    async def delete_group(self, address: str) -> None:
        await self._write(lambda cursor: groups.delete(cursor, address, self._separator))

    def _read(self, fn: Callable[[Cursor], T]) -> T:
        with self._database.read() as cursor:
            return fn(cursor)

    async def _write(self, fn: Callable[[WriteCursor], T]) -> T:
        """Runs `fn` as one change that all processes notice."""

        def change(cursor: WriteCursor) -> T:
            result = fn(cursor)
            count_change(cursor)
            return result

        return await self._database.write(change)
