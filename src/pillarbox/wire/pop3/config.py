"""What a POP3 session is told when it is made."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pillarbox.wire.pop3.state import State


@dataclass(frozen=True, slots=True)
class Pop3Config:
    """Times in seconds. One value serves any number of sessions."""

    hostname: str
    max_errors: int = 20
    """Errors after which the client is sent away."""
    timeouts: Mapping[State, float] = field(default_factory=dict)
    """Where they differ from those in `state.STATES`."""
    starttls: bool = False
    """Whether STLS is offered while there is no TLS."""
    auth_mechanisms: tuple[str, ...] = ()
    """SASL mechanisms, the best first; none: AUTH is not offered."""
    tls_required_for_auth: bool = True
    """Whether USER, PASS and AUTH are refused before TLS."""
    login_delay: int = 0
    """Seconds between logins, announced where not 0; the handler enforces it."""
    expire_days: int = -1
    """Days a message is kept on the server, announced; -1: for ever."""
