"""Logging in: the order in which lock-out, cache and hash are asked.

Logins with one name from one address are looked at one after the other, so that guesses sent at once cannot pass
the lock-out together, and so that twenty connections a client opens at once cost one hash. A name that does not
exist costs a hash as well. That an account is switched off is told only to who knows its password.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from pillarbox.base.clock import Clock
from pillarbox.base.failure import FailureKind
from pillarbox.base.settings import Login
from pillarbox.directory.lockout import Lockout, Pair
from pillarbox.directory.logincache import LoginCache
from pillarbox.directory.passwords import Passwords
from pillarbox.directory.people import Credential
from pillarbox.directory.view import Known
from pillarbox.model.directory import Person, ScramKeys
from pillarbox.model.failure import Failure
from pillarbox.model.ids import AccountId

LONGEST_NAME = 320


class Logins:
    """Decides about logins; where people and credentials come from is handed in."""

    def __init__(
        self,
        settings: Login,
        clock: Clock,
        key: bytes,
        passwords: Passwords,
        known: Callable[[str], Known | None],
        credential: Callable[[AccountId], Credential | None],
    ) -> None:
        """`known` finds a person by login name, `credential` what is kept of their password."""
        self._lockout = Lockout(settings.failures_before_lockout, settings.lockout_seconds, clock)
        self._cache = LoginCache(settings.cache_seconds, clock, key)
        self._passwords = passwords
        self._known = known
        self._credential = credential
        self._under_way: dict[Pair, tuple[asyncio.Lock, int]] = {}

    async def verify(self, login: str, password: str, client: str) -> Person:
        """See `Directory.verify_password`."""
        known = self._known(login)
        name = self._name(login, known)
        if self._is_cached(known, name, client, password):
            return self._admit(known, name, client)
        async with self._one_at_a_time((name, client)):
            known = self._known(login)
            if self._is_cached(known, name, client, password):
                return self._admit(known, name, client)
            credential = self._credential(known.person.account) if known else None
            verified = await self._passwords.verify(credential.password_hash if credential else None, password)
            known = self._known(login)  # as it is now, after the wait
            if not verified or known is None or credential is None or known.credential_version != credential.version:
                return self._refuse(name, client)
            self._cache.remember(known.person.account, credential.version, password)
            return self._admit(known, name, client)

    def scram_keys(self, login: str, client: str) -> ScramKeys | None:
        """See `Directory.scram_keys`."""
        known = self._known(login)
        self._lockout.check(self._name(login, known), client)
        if known is None or not known.person.enabled:
            return None
        credential = self._credential(known.person.account)
        return credential.keys if credential else None

    def scram_finished(self, login: str, client: str, verified: bool) -> Person:
        """See `Directory.scram_finished`."""
        known = self._known(login)
        name = self._name(login, known)
        self._lockout.check(name, client)
        return self._admit(known, name, client) if verified else self._refuse(name, client)

    def _name(self, login: str, known: Known | None) -> str:
        """What failures are counted under: one name for all names of a person."""
        return known.person.address if known else login[:LONGEST_NAME].casefold()

    def _is_cached(self, known: Known | None, name: str, client: str, password: str) -> bool:
        self._lockout.check(name, client)
        return known is not None and self._cache.knows(known.person.account, known.credential_version, password)

    def _admit(self, known: Known | None, name: str, client: str) -> Person:
        if known is None:
            return self._refuse(name, client)
        self._lockout.succeeded(name, client)
        if not known.person.enabled:
            raise Failure(FailureKind.DISABLED, "This account is switched off")
        return known.person

    def _refuse(self, name: str, client: str) -> Person:
        self._lockout.failed(name, client)
        raise Failure(FailureKind.LOGIN_FAILED, "Wrong name or password")

    @asynccontextmanager
    async def _one_at_a_time(self, pair: Pair) -> AsyncIterator[None]:
        lock, users = self._under_way.get(pair, (asyncio.Lock(), 0))
        self._under_way[pair] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            lock, users = self._under_way.pop(pair)
            if users > 1:
                self._under_way[pair] = (lock, users - 1)
