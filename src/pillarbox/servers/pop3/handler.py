"""The handler of a POP3 connection: a typed command in, a reply out.

`COMMANDS` is the one table from a command's type to the function that does it, and `Pop3Handler.handle` the one place
where a `Failure` becomes -ERR with its response code (`wire.pop3.errors`). Anything else that escapes a command goes on
to the pump, which logs it and calls `crashed`. `make_pop3` makes the server.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pillarbox.base import metrics
from pillarbox.base.clock import Clock
from pillarbox.base.metrics import Counters
from pillarbox.base.settings import Pop3
from pillarbox.model.failure import Failure
from pillarbox.model.store import Stores
from pillarbox.net.handler import Connection, Serve
from pillarbox.servers.login import Logins
from pillarbox.servers.pop3 import login, reading, update
from pillarbox.servers.pop3.delay import LoginDelay
from pillarbox.servers.pop3.state import Client, Refusal, Services
from pillarbox.wire.pop3 import commands, replies
from pillarbox.wire.pop3.commands import Pop3Event
from pillarbox.wire.pop3.config import Pop3Config
from pillarbox.wire.pop3.errors import failure_reply
from pillarbox.wire.pop3.replies import Ok
from pillarbox.wire.pop3.session import Pop3Session
from pillarbox.wire.pop3.state import State
from pillarbox.wire.sasl.mechanisms import MECHANISMS

Run = Callable[[Client, Any], Awaitable[None]]

COMMANDS: Mapping[type, Run] = MappingProxyType(
    {
        commands.Capa: login.capa,
        commands.Stls: login.stls,
        commands.Utf8: login.utf8,
        commands.User: login.user,
        commands.Pass: login.password,
        commands.Auth: login.auth,
        commands.AuthResponse: login.auth_response,
        commands.AuthCancelled: login.auth_cancelled,
        commands.Noop: reading.noop,
        commands.Stat: reading.stat,
        commands.List: reading.list_,
        commands.Uidl: reading.uidl,
        commands.Retr: reading.retr,
        commands.Top: reading.top,
        commands.Dele: update.dele,
        commands.Rset: update.rset,
        commands.Quit: update.quit_,
    }
)


class Pop3Handler:
    """One connection; see the module. Implements `net.handler.Handler`."""

    __slots__ = ("client",)

    def __init__(self, client: Client) -> None:
        self.client = client

    async def connected(self) -> None:
        self.client.send(Ok(f"{self.client.services.hostname} POP3 ready"))

    async def handle(self, event: Pop3Event) -> None:
        client = self.client
        try:
            await COMMANDS[type(event)](client, event)
        except Failure as failure:
            self._failed(failure)
        except Refusal as refusal:
            client.send(refusal.reply)

    def _failed(self, failure: Failure) -> None:
        client, services = self.client, self.client.services
        services.counters.count(metrics.FAILURES, protocol="pop3", kind=failure.kind.value)
        if failure.cause is not None:
            client.connection.log("refused", kind=failure.kind.value, reason=failure.public, cause=repr(failure.cause))
        if client.failed_logins > services.settings.errors:
            client.farewell(replies.TOO_MANY_ERRORS)
        else:
            client.send(failure_reply(failure.kind, failure.public))

    async def woken(self) -> None:
        """Nothing in POP3 is told unasked."""

    async def shutting_down(self) -> None:
        self.client.farewell(replies.SHUTTING_DOWN)

    async def timed_out(self) -> None:
        """Says why, but to nobody with a maildrop: that one is closed without a word (RFC 1939 section 3)."""
        if self.client.has_maildrop:
            self.client.session.farewell(replies.TIMED_OUT)
        else:
            self.client.farewell(replies.TIMED_OUT)

    async def crashed(self) -> None:
        self.client.farewell(replies.CRASHED)

    def closed(self) -> None:
        self.client.release()


def make_pop3(
    logins: Logins,
    stores: Stores,
    settings: Pop3,
    *,
    hostname: str,
    tls_offered: bool,
    counters: Counters,
    clock: Clock,
    delays: Path,
) -> Serve:
    """A POP3 server, for the port that begins in the clear and for the one that begins with TLS.

    `tls_offered` says whether its listeners have a certificate, so that STLS works. `delays` is a directory that all
    workers share, made when it is needed: what keeps `login_delay` in them all.
    """
    delay = LoginDelay(delays, settings.login_delay, clock)
    services = Services(logins, stores, settings, hostname, counters, clock, delay)
    private = Pop3Config(
        hostname=hostname,
        max_errors=settings.errors,
        timeouts=MappingProxyType({State.TRANSACTION: settings.timeout}),
        starttls=tls_offered,
        auth_mechanisms=MECHANISMS,
        tls_required_for_auth=True,
        login_delay=settings.login_delay,
        expire_days=settings.expire_days,
    )
    trusting = replace(private, tls_required_for_auth=False)

    def serve(connection: Connection) -> tuple[Pop3Session, Pop3Handler]:
        session = Pop3Session(trusting if logins.clear_allowed(connection) else private)
        if connection.tls is not None:
            session.tls_started(connection.tls)
        return session, Pop3Handler(Client(services, connection, session))

    return serve
