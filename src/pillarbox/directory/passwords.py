"""Hashing and checking passwords without holding up the event loop.

Passwords go through SASLprep and are kept as Argon2id hashes (RFC 9106) and as SCRAM-SHA-256 keys, made at the same
time. Hashing runs in a few threads (both libraries let go of the interpreter lock); so that a flood of logins
cannot pile up without end, only so many wait for a thread, and the rest is told to come back.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

from pillarbox.base.failure import FailureKind
from pillarbox.base.ids import Ids
from pillarbox.base.saslprep import saslprep
from pillarbox.directory import refusals
from pillarbox.directory.scram import derive_keys
from pillarbox.model.directory import ScramKeys
from pillarbox.model.failure import Failure

T = TypeVar("T")

SALT_SIZE = 16
THREADS = 2
MOST_WAITING = 1000
LONGEST = 1024


class PasswordCost(NamedTuple):
    """How much work a guess costs. The defaults take 19 MiB and some 25 ms of a core a hash."""

    passes: int = 2
    kibibytes: int = 19 * 1024
    lanes: int = 1
    scram_iterations: int = 32_768


class Secrets(NamedTuple):
    """What is kept of a password."""

    password_hash: str
    keys: ScramKeys


class Passwords:
    """Hashes passwords in threads of its own."""

    def __init__(self, ids: Ids, cost: PasswordCost = PasswordCost()) -> None:  # noqa: B008 (immutable)
        self._ids = ids
        self._cost = cost
        self._hasher = PasswordHasher(cost.passes, cost.kibibytes, cost.lanes, salt_len=SALT_SIZE, type=Type.ID)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="password")
        self._waiting = 0
        self._nobody: str | None = None

    async def secrets(self, password: str) -> Secrets:
        """What to keep of a new password. Raises Failure(INVALID) where it is empty, too long or prohibited."""
        prepared = saslprep(password)
        if prepared is None:
            raise refusals.bad_password("it has a character that no password may have (RFC 4013)")
        if not prepared:
            raise refusals.bad_password("it is empty")
        if len(prepared) > LONGEST:
            raise refusals.bad_password(f"it is longer than {LONGEST} characters")
        salt, scram_salt = self._ids.secret(SALT_SIZE), self._ids.secret(SALT_SIZE)

        def work() -> Secrets:
            password_hash = self._hasher.hash(prepared, salt=salt)
            return Secrets(password_hash, derive_keys(prepared, scram_salt, self._cost.scram_iterations))

        return await self._in_thread(work)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the password is right; as slow, and never right, without a hash (an unknown name)."""
        prepared = saslprep(password[: LONGEST + 1]) or ""
        fallback = self._ids.secret(SALT_SIZE) if self._nobody is None else b""

        def work() -> bool:
            if password_hash is None and self._nobody is None:
                self._nobody = self._hasher.hash("nobody", salt=fallback)
            known = password_hash if password_hash is not None else self._nobody or ""
            try:
                return self._hasher.verify(known, prepared) and password_hash is not None
            except (VerificationError, InvalidHashError):
                return False

        return await self._in_thread(work) and 0 < len(prepared) <= LONGEST

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._waiting >= MOST_WAITING:
            raise Failure(FailureKind.UNAVAILABLE, "Too many logins at once; try again in a moment")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Lets go of the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)
