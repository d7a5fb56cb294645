"""The handler of an SMTP, submission or LMTP connection: an event in, replies out.

`COMMANDS` is the one table from an event's type to the function that does it; a `Failure` it raises becomes a reply in
`refusals.refuse`. Anything else goes on to the pump, which logs it and calls `crashed`.
"""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

from pillarbox.model.failure import Failure
from pillarbox.servers.smtp import auth, mail, refusals, simple
from pillarbox.servers.smtp.client import Client
from pillarbox.wire.smtp import commands, replies
from pillarbox.wire.smtp.replies import reply
from pillarbox.wire.smtp.state import State

Run = Callable[[Client, Any], Awaitable[None]]

COMMANDS: Mapping[type, Run] = MappingProxyType(
    {
        commands.Hello: simple.hello,
        commands.StartTls: simple.starttls,
        commands.Auth: auth.auth,
        commands.AuthResponse: auth.response,
        commands.AuthCancelled: auth.cancelled,
        commands.Mail: mail.mail,
        commands.Rcpt: mail.rcpt,
        commands.DataStart: mail.data,
        commands.BodyChunk: mail.chunk,
        commands.BdatChunkEnd: mail.chunk_end,
        commands.BodyEnd: mail.end,
        commands.BodyFailed: mail.failed,
        commands.Rset: simple.rset,
        commands.Verify: simple.verify,
        commands.Expand: simple.expand,
        commands.Help: simple.help_,
        commands.Noop: simple.noop,
        commands.Quit: simple.quit_,
    }
)

_RECEIVING = frozenset({State.DATA, State.CHUNK, State.BDAT})


class SmtpHandler:
    """One connection; see the module. Implements `net.handler.Handler`."""

    __slots__ = ("client",)

    def __init__(self, client: Client) -> None:
        self.client = client

    async def connected(self) -> None:
        client = self.client
        language = "LMTP" if client.session.lmtp else "ESMTP"
        client.send(reply(220, "", f"{client.services.hostname} {language} Pillarbox"))

    async def handle(self, event: commands.SmtpEvent) -> None:
        try:
            await COMMANDS[type(event)](self.client, event)
        except Failure as failure:
            refusals.refuse(self.client, event, failure)

    async def woken(self) -> None:
        """Nothing here asks for it."""

    async def shutting_down(self) -> None:
        """A message that is coming in may end; the pump asks again after it."""
        if self.client.session.state not in _RECEIVING:
            self.client.send(replies.SHUTTING_DOWN)

    async def timed_out(self) -> None:
        self.client.send(replies.TIMED_OUT)

    async def crashed(self) -> None:
        self.client.send(replies.CRASHED)

    def closed(self) -> None:
        self.client.forget_transaction()
