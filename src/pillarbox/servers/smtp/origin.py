"""Where a transaction comes from, in the words of the Received header."""

from pillarbox.model.transaction import Origin
from pillarbox.servers.smtp.client import Client


def protocol_word(verb: str, private: bool, authenticated: bool, smtputf8: bool) -> str:
    """The "with" keyword: SMTP, ESMTP, ESMTPS, ESMTPA, ESMTPSA, LMTP and so on, UTF8SMTP and so on.

    RFC 3848 section 1, RFC 6531 section 4.3. `verb` is the greeting that the client chose; after HELO there is
    nothing but SMTP.
    """
    if verb == "HELO":
        return "SMTP"
    lmtp = verb == "LHLO"
    base = ("UTF8LMTP" if lmtp else "UTF8SMTP") if smtputf8 else ("LMTP" if lmtp else "ESMTP")
    return base + ("S" if private else "") + ("A" if authenticated else "")


def origin_of(client: Client, smtputf8: bool) -> Origin:
    """How a transaction that begins now reached us."""
    tls, person = client.session.tls, client.person
    return Origin(
        client=client.connection.peer,
        hello=client.hello,
        protocol=protocol_word(client.verb, tls is not None, person is not None, smtputf8),
        sender=person,
        session=client.connection.session_id,
        tls=f"{tls.version} {tls.cipher}" if tls is not None else "",
        message=f"{client.connection.session_id}.{client.messages + 1}",
    )
