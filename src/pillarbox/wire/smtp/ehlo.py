"""The answer to EHLO, HELO and LHLO: what this connection offers now (RFC 5321 section 4.1.1.1)."""

from pillarbox.wire.smtp.commands import Hello
from pillarbox.wire.smtp.replies import Reply
from pillarbox.wire.smtp.session import SmtpSession


def extensions(session: SmtpSession) -> list[str]:
    """The EHLO keywords, in the order in which they are shown."""
    config = session.config
    words = ["PIPELINING", f"SIZE {config.size_limit}", "8BITMIME", "ENHANCEDSTATUSCODES"]
    if config.smtputf8:
        words.append("SMTPUTF8")
    if config.chunking:
        words += ["CHUNKING", "BINARYMIME"]
    if config.dsn:
        words.append("DSN")
    if config.starttls and session.tls is None:
        words.append("STARTTLS")
    if session.auth_mechanisms:
        words.append("AUTH " + " ".join(session.auth_mechanisms))
    return words


def ehlo_reply(session: SmtpSession) -> Reply:
    """250 with our name and the extensions; for EHLO and LHLO."""
    return Reply(250, "", (session.config.hostname, *extensions(session)))


def hello_reply(session: SmtpSession, hello: Hello) -> Reply:
    """The answer that fits the verb: HELO gets our name alone."""
    if hello.verb == "HELO":
        return Reply(250, "", (session.config.hostname,))
    return ehlo_reply(session)
