"""Who gets a message, where, and what became of it: from addressees to drops and back to an answer for each.

Each person gets a message once, however many of its addressees lead to them; the first one decides the trace and
the mailbox. Members of a group get what is sent to it even when their quota is used up: otherwise one full mailbox
would hold up a list, or its other members would get every attempt.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from pillarbox.model.directory import Recipient
from pillarbox.model.failure import Failure
from pillarbox.model.ids import AccountId
from pillarbox.model.mailbox import INBOX
from pillarbox.model.transaction import Addressee, Drop

Outcomes = dict[AccountId, Failure | None]


class Plan(NamedTuple):
    """The drops of one message by database and account."""

    drops: Mapping[str, Mapping[AccountId, Drop]]

    @property
    def databases(self) -> list[str]:
        return list(self.drops)

    def without(self, accounts: frozenset[AccountId]) -> "Plan":
        """What is left to do where these accounts have the message."""
        if not accounts:
            return self
        left = {
            database: {account: drop for account, drop in drops.items() if account not in accounts}
            for database, drops in self.drops.items()
        }
        return Plan({database: drops for database, drops in left.items() if drops})


def make_plan(addressees: tuple[Addressee, ...], trace: Callable[[str], bytes], details: bool) -> Plan:
    """Where the message goes. `trace` makes the fields for an address; with `details` a detail names a mailbox."""
    drops: dict[str, dict[AccountId, Drop]] = {}
    for addressee in addressees:
        group = len(addressee.recipients) > 1
        marks = trace(addressee.address)
        for recipient in addressee.recipients:
            person = recipient.person
            into = drops.setdefault(person.database, {})
            known = into.get(person.account)
            if known is None:
                into[person.account] = _drop(recipient, marks, details, group)
            elif group and not known.beyond_quota:
                into[person.account] = known._replace(beyond_quota=True)
    return Plan(drops)


def _drop(recipient: Recipient, trace: bytes, details: bool, group: bool) -> Drop:
    person = recipient.person
    mailbox = recipient.detail if details and recipient.detail else INBOX
    return Drop(person.account, mailbox, trace, person.octet_limit, person.message_limit, group)


def answer(addressee: Addressee, outcomes: Outcomes) -> Failure | None:
    """None where everybody has the message; else the failure that says most: a temporary one before all others."""
    failures = [
        failure for recipient in addressee.recipients if (failure := outcomes[recipient.person.account]) is not None
    ]
    return next((failure for failure in failures if failure.temporary), failures[0] if failures else None)
