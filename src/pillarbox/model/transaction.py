"""A mail transaction on its way in: who sends what to whom, and what came of it.

The nouns between the SMTP and LMTP servers, the transport, and the mailbox databases.
"""

from typing import NamedTuple, Protocol

from pillarbox.mime.prepared import Prepared
from pillarbox.model.content import Body
from pillarbox.model.directory import Person, Recipient
from pillarbox.model.failure import Failure
from pillarbox.model.ids import AccountId


class Origin(NamedTuple):
    """How a transaction reached us. `protocol` is the Received header's "with" word (RFC 3848), `sender` the
    person who logged in, None for mail from outside. `session` is the id on every log line, `message` what the
    peer and the log call this message."""

    client: str
    hello: str
    protocol: str
    sender: Person | None
    session: str
    tls: str = ""
    message: str = ""


class DsnRequest(NamedTuple):
    """Delivery status wishes of one recipient (RFC 3461): NOTIFY words and ORCPT, kept as given."""

    notify: str = ""
    orcpt: str = ""


class Addressee(NamedTuple):
    """One RCPT of a transaction, as the directory resolved it when it was accepted."""

    address: str
    recipients: tuple[Recipient, ...]
    dsn: DsnRequest


class MailFrom(NamedTuple):
    """The MAIL command: `reverse_path` without brackets ("" for the null sender); RET and ENVID of RFC 3461.

    `size` is what the client announced with SIZE (RFC 1870), 0 where it did not.
    """

    reverse_path: str
    ret: str = ""
    envid: str = ""
    smtputf8: bool = False
    body: str = "7BIT"
    size: int = 0


class Drop(NamedTuple):
    """One copy of a delivery: into `mailbox` (a path; where it does not exist, the inbox) of `account`.

    `trace` is what is put before the content for this recipient alone: Return-Path, Delivered-To, Received. With
    `beyond_quota` it is placed (and counted) whatever the limits say, as for the members of a group.
    """

    account: AccountId
    mailbox: str
    trace: bytes
    octet_limit: int
    message_limit: int
    beyond_quota: bool = False


class Delivery(NamedTuple):
    """A message for several people of one mailbox database: stored once, placed for each."""

    body: Body
    prepared: Prepared
    drops: tuple[Drop, ...]
    received_at: int


class Intake(Protocol):
    """What the SMTP, submission and LMTP servers ask of the transport."""

    async def check_sender(self, mail: MailFrom, origin: Origin) -> None:
        """Raises Failure where mail may not come from there."""

    async def check_recipient(self, address: str, dsn: DsnRequest, mail: MailFrom, origin: Origin) -> Addressee:
        """The addressee, where mail may go there.

        Raises Failure NOT_FOUND, DISABLED, RELAY_DENIED, LOOP, OVER_QUOTA or UNAVAILABLE.
        """

    async def accept(
        self, mail: MailFrom, addressees: tuple[Addressee, ...], body: Body, origin: Origin
    ) -> list[Failure | None]:
        """Commits the message for every addressee; one outcome for each, None where it is kept safely.

        Returns after the commit. Raises Failure where the message as a whole is refused (LOOP, TOO_LARGE, INVALID).
        """
