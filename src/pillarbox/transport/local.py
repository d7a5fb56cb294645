"""The first transport: mail for people of this server, from anybody; mail for others from nobody yet.

Implements `Intake`. What `accept` answers None for is committed in the recipients' databases. A message for several
people of one database is one commit; with several databases, or where some are refused for now, a client will send
again what some have already: `ledger.py` and, between databases, the mailboxes themselves tell who has it
(docs/decisions/0011-one-answer-for-all.md).

Senders: whoever logged in may use, as the reverse-path, any address that leads to them alone; mail from outside may
claim any sender, until the mail authentication that a later transport brings.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from pillarbox.base.clock import Clock
from pillarbox.base.failure import FailureKind
from pillarbox.base.ids import Ids
from pillarbox.base.settings import Settings
from pillarbox.mime.prepared import Prepared, prepare
from pillarbox.model.content import Body
from pillarbox.model.directory import Directory, Person, Resolution, Route
from pillarbox.model.failure import Failure
from pillarbox.model.ids import AccountId
from pillarbox.model.mailbox import INBOX
from pillarbox.model.store import MailStore, Stores
from pillarbox.model.transaction import Addressee, Delivery, Drop, DsnRequest, MailFrom, Origin
from pillarbox.transport.ledger import Ledger, digest_of
from pillarbox.transport.plan import Outcomes, Plan, answer, make_plan
from pillarbox.transport.trail import Marks, Trail

T = TypeVar("T")

IN_THREAD_ABOVE = 256 * 1024
"""Messages larger than this are read in a thread, so that the event loop goes on meanwhile."""

_LOOK_AT = 3
"""How many people of a database are asked whether they have a message before all are."""

_NO_RELAY = "mail to other servers is not available on this server yet"


class LocalIntake:
    """Takes mail for people of the mailbox databases."""

    def __init__(self, directory: Directory, stores: Stores, settings: Settings, clock: Clock, ids: Ids) -> None:
        self._directory = directory
        self._stores = stores
        self._smtp = settings.smtp
        self._hostname = settings.server.hostname
        self._clock = clock
        self._ids = ids
        self._ledger = Ledger(clock)

    async def check_sender(self, mail: MailFrom, origin: Origin) -> None:
        sender = origin.sender
        if sender is None or not mail.reverse_path:
            return
        resolution = await self._directory.resolve(mail.reverse_path)
        accounts = [recipient.person.account for recipient in resolution.recipients]
        if accounts != [sender.account] or resolution.foreign:
            raise Failure(
                FailureKind.NOT_ALLOWED, f"{sender.address} may not send as {mail.reverse_path}, which is not theirs"
            )

    async def check_recipient(self, address: str, dsn: DsnRequest, mail: MailFrom, origin: Origin) -> Addressee:
        resolution = await self._directory.resolve(address)
        if resolution.route is not Route.LOCAL or resolution.foreign:
            raise _refusal(address, resolution, origin)
        if len(resolution.recipients) == 1:
            await self._check_room(resolution.recipients[0].person, mail.size)
        else:
            for database in {recipient.person.database for recipient in resolution.recipients}:
                self._stores.store(database)
        return Addressee(address, resolution.recipients, dsn)

    async def _check_room(self, person: Person, size: int) -> None:
        """Refuses before the message is sent what would not fit: SMTP has no answer for one recipient after it."""
        store = self._stores.store(person.database)
        if not person.octet_limit and not person.message_limit:
            return
        usage = await store.usage(person.account)
        full_octets = person.octet_limit and usage.octets + max(size, 1) > person.octet_limit
        full_messages = person.message_limit and usage.messages >= person.message_limit
        if full_octets or full_messages:
            raise Failure(FailureKind.OVER_QUOTA, f"The mailbox of {person.address} is full")

    async def accept(
        self, mail: MailFrom, addressees: tuple[Addressee, ...], body: Body, origin: Origin
    ) -> list[Failure | None]:
        if body.size > self._smtp.message_size:
            raise Failure(FailureKind.TOO_LARGE, f"A message may have {self._smtp.message_size} octets at most")
        trail = Trail(body.data, self._smtp.received_limit)
        answers = [trail.loop_at(addressee.address) for addressee in addressees]
        open_ones = tuple([a for a, loop in zip(addressees, answers, strict=True) if loop is None])
        if open_ones:
            outcomes = await self._commit(self._plan(mail, open_ones, origin), body)
            answers = [
                answer(addressee, outcomes) if loop is None else loop
                for addressee, loop in zip(addressees, answers, strict=True)
            ]
            await self._note(body, outcomes, answers)
        return answers

    def _plan(self, mail: MailFrom, addressees: tuple[Addressee, ...], origin: Origin) -> Plan:
        only = addressees[0].address if len(addressees) == 1 else ""
        name = origin.message or f"{origin.session}.{self._ids.token(6)}"
        marks = Marks(mail, origin, self._hostname, name, only, self._clock.now())
        return make_plan(addressees, marks.for_recipient, self._smtp.detail_to_mailbox)

    async def _commit(self, plan: Plan, body: Body) -> Outcomes:
        """Puts the message where it is to go; what became of it for each account."""
        stores = {database: self._stores.store(database) for database in plan.databases}
        prepared = await _read(body, partial(prepare, body.data))
        held: frozenset[AccountId] = frozenset()
        if self._ledger:
            held = self._ledger.holders(await _read(body, partial(digest_of, body.data)))
        if len(stores) > 1 and prepared.message_id:
            held |= await self._holders(plan.without(held), stores, body)
        outcomes: Outcomes = dict.fromkeys(held)
        todo = plan.without(held).drops
        at = self._clock.now()
        if len(todo) == 1:
            ((database, drops),) = todo.items()
            outcomes |= await _deliver(stores[database], body, prepared, tuple(drops.values()), at)
        elif todo:
            work = [
                _deliver(stores[database], body, prepared, tuple(drops.values()), at)
                for database, drops in todo.items()
            ]
            for done in await asyncio.gather(*work):
                outcomes |= done
        return outcomes

    async def _holders(self, plan: Plan, stores: dict[str, MailStore], body: Body) -> frozenset[AccountId]:
        """Who has these very bytes in the mailbox they would go to: the sender tries again after one of several
        databases could not be written, perhaps in another process."""
        found: set[AccountId] = set()
        for database, drops in plan.drops.items():
            for number, drop in enumerate(drops.values()):
                if number >= _LOOK_AT and found.isdisjoint(drops):
                    break
                if await _has(stores[database], drop, body):
                    found.add(drop.account)
        return frozenset(found)

    async def _note(self, body: Body, outcomes: Outcomes, answers: list[Failure | None]) -> None:
        """Keeps in mind who has a message that will be sent again."""
        again = any(failure is not None and failure.temporary for failure in answers)
        if not again and not self._ledger:
            return
        digest = await _read(body, partial(digest_of, body.data))
        if again:
            kept = frozenset([account for account, failure in outcomes.items() if failure is None])
            self._ledger.remember(digest, kept)
        else:
            self._ledger.forget(digest)


def _refusal(address: str, resolution: Resolution, origin: Origin) -> Failure:
    """Why mail for an address is not taken."""
    if resolution.foreign:
        return Failure(FailureKind.RELAY_DENIED, f"{address} leads to other servers, and {_NO_RELAY}")
    match resolution.route:
        case Route.FOREIGN if origin.sender is not None:
            return Failure(FailureKind.RELAY_DENIED, _NO_RELAY[0].upper() + _NO_RELAY[1:])
        case Route.FOREIGN:
            return Failure(FailureKind.RELAY_DENIED, f"Relaying denied: {address} is not an address of this server")
        case Route.DISABLED:
            return Failure(FailureKind.DISABLED, f"{address} does not take mail")
        case Route.LOOP:
            return Failure(FailureKind.LOOP, f"{address} leads in circles and never to a person")
        case _:
            return Failure(FailureKind.NOT_FOUND, f"There is nobody at {address}")


async def _deliver(store: MailStore, body: Body, prepared: Prepared, drops: tuple[Drop, ...], at: int) -> Outcomes:
    """One database's share. A failure of the whole is the failure of each."""
    try:
        outcomes = await store.deliver(Delivery(body, prepared, drops, at))
    except Failure as failure:
        return {drop.account: failure for drop in drops}
    return {drop.account: outcome for drop, outcome in zip(drops, outcomes, strict=True)}


async def _has(store: MailStore, drop: Drop, body: Body) -> bool:
    """Whether the message lies where the drop would put it."""
    for path in dict.fromkeys((drop.mailbox, INBOX)):
        try:
            mailbox = await store.mailbox(drop.account, path)
            return (await store.has_content(mailbox.id, [body]))[0]
        except Failure:
            continue
    return False


async def _read(body: Body, work: Callable[[], T]) -> T:
    """`work` that reads the whole message: at once, or in a thread where that would take long."""
    if body.size <= IN_THREAD_ABOVE:
        return work()
    return await asyncio.to_thread(work)
