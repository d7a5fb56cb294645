"""An intake that keeps what it accepts in a list: for tests of the SMTP and LMTP servers.

Says what a test told it to say: failures by sender, by recipient at RCPT, by recipient at the end of the data, or
for a message as a whole. Everything else is accepted.
"""

from typing import NamedTuple

from pillarbox.model.content import Body
from pillarbox.model.directory import Directory, Recipient, Route
from pillarbox.model.failure import Failure
from pillarbox.model.transaction import Addressee, DsnRequest, MailFrom, Origin


class Accepted(NamedTuple):
    """One message that was kept, with the addresses it was kept for."""

    mail: MailFrom
    addresses: tuple[str, ...]
    data: bytes
    origin: Origin


class MemoryIntake:
    """`Intake` that records and fails on demand."""

    def __init__(self, directory: Directory | None = None) -> None:
        """With a directory, addressees carry the people it knows; without, every recipient is taken, for nobody."""
        self._directory = directory
        self.accepted: list[Accepted] = []
        self.addressees: list[Addressee] = []
        self.sender_failures: dict[str, Failure] = {}
        self.recipient_failures: dict[str, Failure] = {}
        self.outcomes: dict[str, Failure] = {}
        self.message_failure: Failure | None = None

    async def check_sender(self, mail: MailFrom, origin: Origin) -> None:
        if failure := self.sender_failures.get(mail.reverse_path):
            raise failure

    async def check_recipient(self, address: str, dsn: DsnRequest, mail: MailFrom, origin: Origin) -> Addressee:
        if failure := self.recipient_failures.get(address):
            raise failure
        recipients: tuple[Recipient, ...] = ()
        if self._directory is not None:
            resolution = await self._directory.resolve(address)
            if resolution.route is Route.LOCAL:
                recipients = resolution.recipients
        addressee = Addressee(address, recipients, dsn)
        self.addressees.append(addressee)
        return addressee

    async def accept(
        self, mail: MailFrom, addressees: tuple[Addressee, ...], body: Body, origin: Origin
    ) -> list[Failure | None]:
        if self.message_failure is not None:
            raise self.message_failure
        outcomes = [self.outcomes.get(addressee.address) for addressee in addressees]
        kept = tuple(a.address for a, failure in zip(addressees, outcomes, strict=True) if failure is None)
        if kept:
            self.accepted.append(Accepted(mail, kept, bytes(body.data), origin))
        return outcomes
