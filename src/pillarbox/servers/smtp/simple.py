"""The commands outside of transactions: greetings, STARTTLS, and those that only ask."""

from pillarbox.servers.smtp.client import Client
from pillarbox.wire.smtp import replies
from pillarbox.wire.smtp.commands import Expand, Hello, Help, Noop, Quit, Rset, StartTls, Verify
from pillarbox.wire.smtp.ehlo import hello_reply
from pillarbox.wire.smtp.replies import reply

HELP = reply(214, "2.0.0", "This is Pillarbox; what it offers is in the answer to EHLO (LHLO). See RFC 5321")


async def hello(client: Client, event: Hello) -> None:
    """EHLO, HELO, LHLO; ends a transaction as RSET does (RFC 5321 section 4.1.4)."""
    client.forget_transaction()
    client.verb, client.hello = event
    client.send(hello_reply(client.session, event))


async def starttls(client: Client, _: StartTls) -> None:
    """STARTTLS."""
    client.send(replies.READY_FOR_TLS)
    client.forget()


async def rset(client: Client, _: Rset) -> None:
    """RSET."""
    client.forget_transaction()
    client.send(replies.RESET)


async def verify(client: Client, _: Verify) -> None:
    """VRFY: nobody learns here who exists (RFC 5321 section 7.3)."""
    client.send(replies.CANNOT_VERIFY)


async def expand(client: Client, _: Expand) -> None:
    """EXPN: nor who is in a list."""
    client.send(replies.NOT_IMPLEMENTED)


async def help_(client: Client, _: Help) -> None:
    """HELP."""
    client.send(HELP)


async def noop(client: Client, _: Noop) -> None:
    """NOOP."""
    client.send(replies.OK)


async def quit_(client: Client, _: Quit) -> None:
    """QUIT."""
    client.send(replies.BYE)
