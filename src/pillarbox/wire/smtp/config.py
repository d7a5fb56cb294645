"""What an SMTP, submission or LMTP session is told when it is made."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pillarbox.wire.smtp.state import Role, State


@dataclass(frozen=True, slots=True)
class SmtpConfig:
    """Sizes in octets, times in seconds. One value serves any number of sessions."""

    role: Role
    hostname: str
    size_limit: int = 50 * 1024 * 1024
    line_limit: int = 1000
    """Longest line of a message, CRLF included (RFC 5321 section 4.5.3.1.6)."""
    max_recipients: int = 1000
    max_errors: int = 20
    """Errors after which the client is sent away with 421."""
    timeouts: Mapping[State, float] = field(default_factory=dict)
    """Where they differ from those in `state.STATES`."""
    starttls: bool = False
    """Whether STARTTLS is offered while there is no TLS."""
    tls_required: bool = False
    """Whether MAIL and the like are refused before TLS."""
    auth_mechanisms: tuple[str, ...] = ()
    """SASL mechanisms, the best first; none: AUTH is not offered."""
    tls_required_for_auth: bool = True
    auth_required: bool = False
    """Whether MAIL is refused before authentication."""
    smtputf8: bool = True
    chunking: bool = True
    """CHUNKING and BINARYMIME."""
    dsn: bool = True
