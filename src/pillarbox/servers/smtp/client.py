"""What the server knows of one connection: who is at the other end, and how far they have come.

`Services` is what all connections of a listener share, `Client` one connection. Not here: what the state of the
dialog allows (the wire session knows), and the transaction under way (`transaction.py`).
"""

from dataclasses import dataclass
from pathlib import Path

from pillarbox.base.clock import Clock
from pillarbox.base.metrics import Counters
from pillarbox.base.settings import Smtp
from pillarbox.model.directory import Person
from pillarbox.model.transaction import Intake
from pillarbox.net.handler import Connection
from pillarbox.servers.login import Logins, SaslLogin
from pillarbox.servers.smtp.transaction import Transaction
from pillarbox.wire.smtp.replies import LmtpReplies, Reply
from pillarbox.wire.smtp.session import SmtpSession
from pillarbox.wire.smtp.state import Role


@dataclass(frozen=True, slots=True)
class Services:
    """What every connection of a server uses. `spool` is the directory where large messages wait."""

    hostname: str
    intake: Intake
    logins: Logins
    settings: Smtp
    spool: Path
    tls_offered: bool
    counters: Counters
    clock: Clock


class Client:
    """One connection."""

    __slots__ = (
        "connection",
        "failed_logins",
        "hello",
        "login",
        "messages",
        "person",
        "protocol",
        "role",
        "services",
        "session",
        "transaction",
        "verb",
    )

    def __init__(self, services: Services, role: Role, connection: Connection, session: SmtpSession) -> None:
        self.services = services
        self.role = role
        self.protocol = role.value
        self.connection = connection
        self.session = session
        self.verb = ""  # EHLO, HELO or LHLO, as it was last accepted
        self.hello = ""
        self.person: Person | None = None  # who has logged in
        self.login: SaslLogin | None = None  # an exchange under way
        self.failed_logins = 0
        self.messages = 0  # how many have been accepted
        self.transaction: Transaction | None = None

    def send(self, reply: Reply | LmtpReplies) -> None:
        """Answers."""
        self.connection.write(self.session.send(reply))

    def forget_transaction(self) -> None:
        """Ends the transaction under way, if there is one, and lets go of what it has received."""
        if self.transaction is not None:
            self.transaction.discard()
            self.transaction = None

    def forget(self) -> None:
        """Everything that was learned before TLS counts for nothing after it (RFC 3207 section 4.2)."""
        self.forget_transaction()
        self.verb = self.hello = ""
        self.person = self.login = None
