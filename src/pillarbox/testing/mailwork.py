"""A day's work on mailboxes, by chance: deliveries, flags, copies, moves, expunges, mailboxes made, renamed, deleted.

    driver = Driver(store, model, random.Random(seed), clock, lambda: engine.position)
    await driver.begin()       opens the accounts
    await driver.step()        one operation on the store; once acknowledged, on the model as well

Each operation is drawn once and done alike to both, so that they agree as long as the store keeps its promises. A
refusal that is the operation's own fault (no such mailbox) must be the same of both. `Unanswered`: the store could not
keep it (its disk failed, the power went off); whether it was done is open, and `settle` finds out.
"""

import random
from collections.abc import Callable
from functools import partial

from pillarbox.base.clock import FixedClock
from pillarbox.base.failure import FailureKind
from pillarbox.mime.prepared import prepare
from pillarbox.model.content import Body
from pillarbox.model.email import FlagChange, FlagMode
from pillarbox.model.failure import Failure
from pillarbox.model.ids import AccountId, Uid
from pillarbox.model.mailbox import Mailbox
from pillarbox.model.store import MailStore, Upload
from pillarbox.model.transaction import Delivery, Drop
from pillarbox.testing.letters import letters
from pillarbox.testing.mailmodel import MailModel, Operation, differences, read_state

_PATHS = ("INBOX", "INBOX", "INBOX", "Archive", "Trash", "Work", "Work/Old", "Lists", "Lists/dev")
_MOVABLE = ("Work", "Work/Old", "Lists", "Lists/dev", "Lists/dev/x")
_WORDS = ("red", "blue", "$Junk", "$Forwarded")
_UNKEPT = (FailureKind.UNAVAILABLE, FailureKind.DISK_FULL, FailureKind.CORRUPT)


class Unanswered(Exception):
    """An operation was not acknowledged; `operation` is what it was."""

    def __init__(self, operation: Operation, failure: Failure) -> None:
        super().__init__(str(failure))
        self.operation = operation
        self.failure = failure


class Driver:
    """See the module. `steps` counts what was acknowledged."""

    def __init__(
        self,
        store: MailStore,
        model: MailModel,
        chance: random.Random,
        clock: FixedClock,
        position: Callable[[], int],
        most: int = 40_000,
    ) -> None:
        """`most`: octets of the largest letters."""
        self.store = store
        self.model = model
        self.steps = 0
        self.position = position
        self._chance = chance
        self._clock = clock
        self._letters = [letter[:most] for letter in letters(40, chance.randrange(1000))]
        self._letters.append(self._letters[0] + bytes(most))

    async def begin(self) -> None:
        """Open the accounts."""
        for account in self.model.accounts:
            await self.perform(partial(_open, account=account))

    async def step(self) -> None:
        """Do one thing. Raises Unanswered."""
        self._clock.advance(self._chance.choice([0.001, 1.0, 61.5]))
        await self.perform(self._draw())

    async def perform(self, operation: Operation) -> None:
        """Do this to both. Raises Unanswered."""
        refused = None
        try:
            await operation(self.store)
        except Failure as failure:
            if failure.kind in _UNKEPT:
                raise Unanswered(operation, failure) from failure
            refused = failure.kind
        try:
            await self.model.do(operation)
        except Failure as failure:
            assert failure.kind is refused, f"{failure.kind} instead of {refused}"
        else:
            assert refused is None, f"refused: {refused}"
        self.steps += 1
        await self.model.remember(self.position())

    async def settle(self, unanswered: Unanswered) -> None:
        """The store is back: see whether an operation was done, and bring the model to the same."""
        await self.store.purge(0, 0)  # finishes what was broken off
        found = await read_state(self.store, self.model.accounts)
        if found != await self.model.state():
            await self.model.do(unanswered.operation)
        await self.model.remember(self.position())
        wrong = differences(await self.model.state(), found)
        assert not wrong, wrong

    def _draw(self) -> Operation:
        kinds = [self._deliver] * 6 + [self._flag] * 5 + [self._copy_or_move] * 4 + [self._remove] * 2
        kinds += [self._append, self._tend_mailboxes]
        return self._chance.choice(kinds)()

    def _account(self) -> AccountId:
        return self._chance.choice(self.model.accounts)

    def _deliver(self) -> Operation:
        accounts = self._chance.sample(self.model.accounts, self._chance.randint(1, len(self.model.accounts)))
        letter = b"X-Number: %d\r\n" % self._chance.getrandbits(48) + self._chance.choice(self._letters)
        trace = b"Return-Path: <a@b.test>\r\n"
        drops = tuple(Drop(account, self._chance.choice(_PATHS), trace, 0, 0) for account in accounts)
        delivery = Delivery(Body(letter), prepare(letter), drops, self._clock.now())

        async def deliver(store: MailStore) -> None:
            for outcome in await store.deliver(delivery):
                if outcome is not None:
                    raise outcome

        return deliver

    def _append(self) -> Operation:
        account, path = self._account(), self._chance.choice(_PATHS)
        upload = [
            Upload(Body(letter), prepare(letter), self._chance.randrange(32), self._some_words(), self._clock.now())
            for letter in self._chance.sample(self._letters, 2)
        ]

        async def append(store: MailStore) -> None:
            await store.append((await store.mailbox(account, path)).id, upload)

        return append

    def _flag(self) -> Operation:
        pick, mode = self._pick(), self._chance.choice(list(FlagMode))
        change = FlagChange(mode, self._chance.randrange(32), self._some_words())

        async def flag(store: MailStore) -> None:
            box, uids = await pick(store)
            await store.set_flags(box.id, uids, change)

        return flag

    def _copy_or_move(self) -> Operation:
        pick, goal, move = self._pick(), self._chance.choice(_PATHS), self._chance.random() < 0.6

        async def copy_or_move(store: MailStore) -> None:
            box, uids = await pick(store)
            target = await store.mailbox(pick.account, goal)
            await (store.move if move else store.copy)(box.id, uids, target.id)

        return copy_or_move

    def _remove(self) -> Operation:
        pick, expunge = self._pick(), self._chance.random() < 0.7

        async def remove(store: MailStore) -> None:
            box, uids = await pick(store)
            await (store.expunge(box.id, None) if expunge else store.remove(box.id, uids[:1]))

        return remove

    def _tend_mailboxes(self) -> Operation:
        account = self._account()
        one, other = self._chance.sample(_MOVABLE, 2)
        what = self._chance.choice(["create", "create", "rename", "delete", "subscribe"])

        async def tend(store: MailStore) -> None:
            if what == "create":
                await store.create_mailbox(account, one)
            elif what == "rename":
                await store.rename_mailbox(account, one, other)
            elif what == "delete":
                await store.delete_mailbox(account, one)
            else:
                await store.subscribe(account, one, len(other) > len(one))

        return tend

    def _some_words(self) -> frozenset[str]:
        return frozenset(self._chance.sample(_WORDS, self._chance.randrange(3)))

    def _pick(self) -> "_Pick":
        ranks = tuple(self._chance.random() for _ in range(self._chance.choice([1, 1, 2, 6])))
        return _Pick(self._account(), self._chance.choice(_PATHS), ranks)


async def _open(store: MailStore, account: AccountId) -> None:
    await store.open_account(account, 0, 0)
    for path in ("Work/Old", "Lists/dev"):
        await store.create_mailbox(account, path)


class _Pick:
    """Some messages of a mailbox, the same in every store that holds the same."""

    def __init__(self, account: AccountId, path: str, ranks: tuple[float, ...]) -> None:
        self.account = account
        self._path = path
        self._ranks = ranks

    async def __call__(self, store: MailStore) -> tuple[Mailbox, list[Uid]]:
        box = await store.mailbox(self.account, self._path)
        uids, _ = await store.uids(box.id)
        return box, sorted({uids[int(rank * len(uids))] for rank in self._ranks} if uids else ())
