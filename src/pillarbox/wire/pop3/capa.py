"""The answer to CAPA: what this connection offers now (RFC 2449)."""

from pillarbox.wire.pop3.replies import Listing
from pillarbox.wire.pop3.session import Pop3Session


def capabilities(session: Pop3Session) -> list[str]:
    """The capabilities, in the order in which they are shown."""
    config = session.config
    words = ["TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING"]
    words.append("EXPIRE NEVER" if config.expire_days < 0 else f"EXPIRE {config.expire_days}")
    if config.login_delay:
        words.append(f"LOGIN-DELAY {config.login_delay}")
    if session.login_allowed:
        words += ["USER", "UTF8 USER"]
        if session.auth_mechanisms:
            words.append("SASL " + " ".join(session.auth_mechanisms))
    else:
        words.append("UTF8")
    if config.starttls and session.tls is None and not session.logged_in:
        words.append("STLS")
    words.append("IMPLEMENTATION Pillarbox")
    return words


def capa_reply(session: Pop3Session) -> Listing:
    """+OK and the capabilities."""
    return Listing("Capability list follows", [word.encode() for word in capabilities(session)])
