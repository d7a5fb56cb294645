"""Remembering who got a message that its sender will send again.

SMTP has one answer for all recipients of a message: where one of them could not be served now, the client sends
the whole message again later, and those who have it already must not get it twice. The ledger keeps, for a
message that was answered with a temporary failure, the accounts that hold it. A message that was answered with
success at last is forgotten, so that the very same bytes, sent on purpose, are delivered again.

It is this process's own and ends with it; see docs/decisions/0011-one-answer-for-all.md for what that leaves open.
Memory is bounded by the number of accounts kept.
"""

import hashlib
from collections import OrderedDict
from typing import NamedTuple

from pillarbox.base.clock import Clock
from pillarbox.mime.buffer import Buffer
from pillarbox.model.ids import AccountId

KEEP_SECONDS = 5 * 86_400.0
MOST_ACCOUNTS = 100_000


class _Entry(NamedTuple):
    ends: float
    accounts: frozenset[AccountId]


def digest_of(data: Buffer) -> bytes:
    """What a message is recognised by."""
    return hashlib.blake2b(data, digest_size=20).digest()


class Ledger:
    """Messages kept for some and refused for others, by digest."""

    def __init__(self, clock: Clock, seconds: float = KEEP_SECONDS, most: int = MOST_ACCOUNTS) -> None:
        self._clock = clock
        self._seconds = seconds
        self._most = most
        self._size = 0
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()

    def __len__(self) -> int:
        """How many messages are remembered."""
        return len(self._entries)

    def holders(self, digest: bytes) -> frozenset[AccountId]:
        """The accounts that have this message already."""
        entry = self._entries.get(digest)
        if entry is None or entry.ends <= self._clock.monotonic():
            self.forget(digest)
            return frozenset()
        return entry.accounts

    def remember(self, digest: bytes, accounts: frozenset[AccountId]) -> None:
        """These accounts have the message, and its sender will try again."""
        held = self.holders(digest) | accounts
        self.forget(digest)
        if not held:
            return
        self._entries[digest] = _Entry(self._clock.monotonic() + self._seconds, held)
        self._size += len(held)
        while self._size > self._most:
            self.forget(next(iter(self._entries)))

    def forget(self, digest: bytes) -> None:
        """The message was answered for good."""
        entry = self._entries.pop(digest, None)
        if entry is not None:
            self._size -= len(entry.accounts)
