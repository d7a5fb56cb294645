"""Remembering verified logins, so that a mail client that logs in every minute is not hashed every minute.

Kept is a keyed hash (BLAKE2b, under a key made for this process) of the password, for a set time after it was
verified the slow way, and only for the version of the credentials that it was verified against: a changed password
ends it at once, whichever process changed it. Memory is bounded: the oldest entry goes first.
"""

import hashlib
import hmac
from collections import OrderedDict
from typing import NamedTuple

from pillarbox.base.clock import Clock
from pillarbox.model.ids import AccountId

MOST_LOGINS = 50_000


class _Login(NamedTuple):
    version: int
    digest: bytes
    ends: float


class LoginCache:
    """Verified passwords by account."""

    def __init__(self, seconds: float, clock: Clock, key: bytes, most: int = MOST_LOGINS) -> None:
        """`key` is 16 to 64 random bytes. With `seconds` of 0 nothing is remembered."""
        self._seconds = seconds
        self._clock = clock
        self._key = key
        self._most = most
        self._logins: OrderedDict[AccountId, _Login] = OrderedDict()

    def knows(self, account: AccountId, version: int, password: str) -> bool:
        """Whether this very password was verified lately for this version of the credentials."""
        login = self._logins.get(account)
        if login is None:
            return False
        if login.version != version or login.ends <= self._clock.monotonic():
            del self._logins[account]
            return False
        return hmac.compare_digest(login.digest, self._digest(account, password))

    def remember(self, account: AccountId, version: int, password: str) -> None:
        """The password was verified just now."""
        if self._seconds <= 0:
            return
        ends = self._clock.monotonic() + self._seconds
        self._logins[account] = _Login(version, self._digest(account, password), ends)
        self._logins.move_to_end(account)
        if len(self._logins) > self._most:
            self._logins.popitem(last=False)

    def __len__(self) -> int:
        """How many logins are remembered."""
        return len(self._logins)

    def _digest(self, account: AccountId, password: str) -> bytes:
        salt = account.to_bytes(8, "big")
        return hashlib.blake2b(password.encode("utf-8", "surrogatepass"), key=self._key, salt=salt).digest()
