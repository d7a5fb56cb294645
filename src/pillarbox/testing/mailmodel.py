"""What a mailbox database should hold, kept beside it: message by message, flag by flag, at every moment.

    model = MailModel(clock)
    await model.do(operation)              what was acknowledged is done to the model too
    model.remember(engine.position)        its state now is the one as of this record, and of this time
    model.wrong_at_record(812, found); model.wrong_at_time(microseconds, found)
    differences(state, await read_state(store, model.accounts))

The model is the store in memory; the states are plain values read through the port of every mail store, so any
implementation can be held against them. Ids of mailboxes and emails are not compared: they are nobody's business.
"""

import copy
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import NamedTuple

from pillarbox.base.clock import Clock
from pillarbox.model.ids import AccountId
from pillarbox.model.store import MailStore
from pillarbox.testing.memorystore import MemoryStore


class Held(NamedTuple):
    """A message in a mailbox."""

    uid: int
    digest: bytes
    received_at: int
    flags: int
    keywords: str
    size: int


class BoxState(NamedTuple):
    """A mailbox. `uid_next` tells of messages that came and went."""

    uid_validity: int
    uid_next: int
    subscribed: bool
    messages: tuple[Held, ...]


class AccountState(NamedTuple):
    """An account: its selectable mailboxes by path, and its deleted items (mailbox, size, subject), sorted."""

    boxes: dict[str, BoxState]
    deleted: tuple[tuple[str, int, str], ...]


State = dict[AccountId, AccountState]
"""All accounts."""

Operation = Callable[[MailStore], Awaitable[object]]
"""Something that is done to a store; finds mailboxes by their paths, since each store has ids of its own."""


class Moment(NamedTuple):
    """The state from record `lsn` on, which was written at `time` (microseconds)."""

    lsn: int
    time: int
    state: State


class MailModel:
    """See the module."""

    def __init__(self, clock: Clock, accounts: Sequence[AccountId]) -> None:
        self.store = MemoryStore(clock)
        self.accounts = tuple(accounts)
        self.moments: list[Moment] = []
        self._clock = clock

    async def do(self, operation: Operation) -> None:
        """Do what was acknowledged; what it raises is for the caller to compare."""
        await operation(self.store)

    async def state(self) -> State:
        return await read_state(self.store, self.accounts)

    async def remember(self, lsn: int) -> None:
        """This is the state as of record `lsn`."""
        self.moments.append(Moment(lsn, self._clock.now(), await self.state()))

    def wrong_at_record(self, lsn: int, found: State) -> list[str]:
        """What is not as it was when record `lsn` was the last one.

        Between the records of one operation it may be as before, or as after but for the deleted items to come.
        """
        at = bisect_right([moment.lsn for moment in self.moments], lsn)
        before = self.moments[at - 1]
        wrong = differences(before.state, found)
        if not wrong or before.lsn == lsn or at == len(self.moments):
            return wrong
        return differences(_without_deleted(self.moments[at].state), _without_deleted(found))

    def wrong_at_time(self, time: int, found: State) -> list[str]:
        """What is not as it was at `time`."""
        at = bisect_right([moment.time for moment in self.moments], time)
        return differences(self.moments[at - 1].state, found)

    def branch(self) -> "MailModel":
        """A model that goes on from here by itself."""
        other = MailModel(self._clock, self.accounts)
        other.store = copy.deepcopy(self.store, {id(self._clock): self._clock})
        other.moments = list(self.moments)
        return other


def _without_deleted(state: State) -> State:
    return {account: held._replace(deleted=()) for account, held in state.items()}


async def read_state(store: MailStore, accounts: Sequence[AccountId]) -> State:
    """All that `store` holds of the accounts; those it does not know have no mailboxes."""
    return {account: await _read_account(store, account) for account in accounts}


async def _read_account(store: MailStore, account: AccountId) -> AccountState:
    boxes = {}
    for box in await store.mailboxes(account):
        if box.selectable:
            messages = [Held(*found) async for page in store.fingerprints(box.id) for found in page]
            boxes[box.path] = BoxState(box.uid_validity, box.uid_next, box.subscribed, tuple(messages))
    deleted = sorted((item.mailbox, item.size, item.subject) for item in await store.deleted_items(account))
    return AccountState(boxes, tuple(deleted))


def differences(expected: State, found: State) -> list[str]:
    """What is not as expected, a sentence each."""
    return [
        f"account {account}, {text}"
        for account in sorted(expected.keys() | found.keys())
        for text in _account_differences(expected[account], found[account])
    ]


def _account_differences(expected: AccountState, found: AccountState) -> Iterator[str]:
    for path in sorted(expected.boxes.keys() | found.boxes.keys()):
        if path not in found.boxes or path not in expected.boxes:
            yield f"mailbox {path} is {'missing' if path in expected.boxes else 'too much'}"
            continue
        ours, theirs = expected.boxes[path], found.boxes[path]
        if ours[:3] != theirs[:3]:
            yield f"mailbox {path} is {theirs[:3]} instead of {ours[:3]}"
        for uid in sorted({held.uid for held in set(ours.messages) ^ set(theirs.messages)}):
            wanted = [held for held in ours.messages if held.uid == uid]
            there = [held for held in theirs.messages if held.uid == uid]
            yield f"message {uid} in {path} is {there} instead of {wanted}"
    if expected.deleted != found.deleted:
        yield f"deleted items are {found.deleted} instead of {expected.deleted}"
