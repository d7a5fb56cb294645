"""Makes the session and the handler of each SMTP, submission or LMTP connection.

SMTP takes mail from anybody for people of this server and offers no AUTH; submission takes mail only from people who
have logged in; LMTP trusts whoever reaches it, which is why its port is bound to this machine alone.
"""

from pillarbox.net.handler import Connection
from pillarbox.servers.smtp.client import Client, Services
from pillarbox.servers.smtp.handler import SmtpHandler
from pillarbox.wire.sasl.mechanisms import MECHANISMS
from pillarbox.wire.smtp.config import SmtpConfig
from pillarbox.wire.smtp.session import SmtpSession
from pillarbox.wire.smtp.state import Role


class SmtpServer:
    """A `net.handler.Serve` for one role, with STARTTLS where `services.tls_offered` or TLS from the start."""

    def __init__(self, role: Role, services: Services) -> None:
        self._role = role
        self._services = services
        self._config = _config(role, services, clear_login=False)
        self._trusting_config = _config(role, services, clear_login=True)

    def __call__(self, connection: Connection) -> tuple[SmtpSession, SmtpHandler]:
        role, services = self._role, self._services
        trusted = role is Role.SUBMISSION and services.logins.clear_allowed(connection)
        session = SmtpSession(self._trusting_config if trusted else self._config)
        if connection.tls is not None:
            session.tls_started(connection.tls)
        return session, SmtpHandler(Client(services, role, connection, session))


def _config(role: Role, services: Services, clear_login: bool) -> SmtpConfig:
    """What a session is told; with `clear_login` a name and password may come without TLS."""
    settings = services.settings
    submission = role is Role.SUBMISSION
    return SmtpConfig(
        role=role,
        hostname=services.hostname,
        size_limit=settings.message_size,
        line_limit=settings.line_length,
        max_recipients=settings.recipients,
        max_errors=settings.errors,
        starttls=services.tls_offered,
        auth_mechanisms=MECHANISMS if submission else (),
        tls_required_for_auth=not clear_login,
        auth_required=submission,
    )
