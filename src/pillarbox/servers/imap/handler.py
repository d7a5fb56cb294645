"""The handler of an IMAP connection: a typed command in, replies out.

`COMMANDS` is the one table from a command's type to the function that does it, and `ImapHandler.handle` the one place
where a `Failure` becomes a tagged NO with its response code (`wire.imap.errors`). Anything else that escapes a command
goes on to the pump, which logs it and calls `crashed`.
"""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

from pillarbox.model.failure import Failure
from pillarbox.net.handler import Connection
from pillarbox.servers.imap import contexts
from pillarbox.servers.imap.commands import (
    append,
    copy,
    fetch,
    lists,
    login,
    mailboxes,
    multisearch,
    quota,
    search,
    select,
    session,
    sort,
    store,
)  # fmt: skip
from pillarbox.servers.imap.state import Client, MailboxGone, NoTarget, Refusal, Remounted, Services
from pillarbox.servers.imap.sync import sync
from pillarbox.wire.imap.commands import append as wire_append
from pillarbox.wire.imap.commands import copy as wire_copy
from pillarbox.wire.imap.commands import names, simple
from pillarbox.wire.imap.commands import quota as wire_quota
from pillarbox.wire.imap.commands.authenticate import Authenticate
from pillarbox.wire.imap.commands.cancelupdate import CancelUpdate
from pillarbox.wire.imap.commands.enable import Enable
from pillarbox.wire.imap.commands.esearch import Esearch
from pillarbox.wire.imap.commands.expunge import Expunge
from pillarbox.wire.imap.commands.fetch import Fetch
from pillarbox.wire.imap.commands.identify import Id
from pillarbox.wire.imap.commands.list import List, Lsub
from pillarbox.wire.imap.commands.login import Login
from pillarbox.wire.imap.commands.search import Search
from pillarbox.wire.imap.commands.select import Select
from pillarbox.wire.imap.commands.sort import Sort
from pillarbox.wire.imap.commands.status import Status as StatusCommand
from pillarbox.wire.imap.commands.store import Store
from pillarbox.wire.imap.commands.thread import Thread
from pillarbox.wire.imap.config import ImapConfig
from pillarbox.wire.imap.errors import SERVER_BUG, code_for
from pillarbox.wire.imap.replies import (
    AuthenticateCancelled,
    AuthenticateResponse,
    Bye,
    Greeting,
    IdleDone,
    ImapEvent,
    LiteralAnnounced,
    Tagged,
)  # fmt: skip
from pillarbox.wire.imap.responses import Status
from pillarbox.wire.imap.session import ImapSession
from pillarbox.wire.imap.state import WAITS, Phase, State, Wait
from pillarbox.wire.sasl.mechanisms import MECHANISMS

Run = Callable[[Client, Any], Awaitable[None]]

COMMANDS: Mapping[type, Run] = MappingProxyType(
    {
        simple.Capability: session.capability,
        simple.Noop: session.noop,
        simple.Check: session.noop,
        simple.Logout: session.logout,
        simple.StartTls: session.starttls,
        simple.Unauthenticate: session.unauthenticate,
        simple.Namespaces: session.namespace,
        simple.Idle: session.idle,
        IdleDone: session.idle_done,
        LiteralAnnounced: session.literal,
        Id: session.identify,
        Enable: session.enable,
        Login: login.login,
        Authenticate: login.authenticate,
        AuthenticateResponse: login.authenticate_response,
        AuthenticateCancelled: login.authenticate_cancelled,
        Select: select.select,
        simple.Close: select.close,
        simple.Unselect: select.unselect,
        names.Create: mailboxes.create,
        names.Delete: mailboxes.delete,
        names.Rename: mailboxes.rename,
        names.Subscribe: mailboxes.subscribe,
        names.Unsubscribe: mailboxes.subscribe,
        List: lists.list_,
        Lsub: lists.lsub,
        StatusCommand: lists.status,
        wire_quota.GetQuota: quota.getquota,
        wire_quota.GetQuotaRoot: quota.getquotaroot,
        wire_quota.SetQuota: quota.setquota,
        wire_append.AppendStart: append.append_start,
        wire_append.AppendNext: append.append_next,
        wire_append.AppendChunk: append.append_chunk,
        wire_append.AppendEnd: append.append_end,
        wire_append.AppendAborted: append.append_aborted,
        Search: search.search,
        Sort: sort.sort,
        Thread: sort.thread,
        Esearch: multisearch.esearch,
        CancelUpdate: contexts.cancel,
        Fetch: fetch.fetch,
        Store: store.store,
        wire_copy.Copy: copy.copy,
        wire_copy.Move: copy.move,
        Expunge: copy.expunge,
    }
)


_REMOUNTED = Bye("Your mailboxes were out of service and are back; log in again.", b"UNAVAILABLE")


class ImapHandler:
    """One connection; see the module. Implements `net.handler.Handler`."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def connected(self) -> None:
        self.client.send(Greeting("Pillarbox at your service."))

    async def handle(self, event: ImapEvent) -> None:
        client = self.client
        tag = client.receiving.tag if isinstance(event, wire_append.AppendChunk) and client.receiving else b""
        try:
            client.check_store()
            await COMMANDS[type(event)](client, event)
        except Failure as failure:
            if failure.cause is not None or failure.__cause__ is not None:
                cause = failure.cause or failure.__cause__
                client.connection.log("refused", kind=failure.kind.value, reason=failure.public, cause=repr(cause))
            client.drop_receiving()
            code = code_for(failure.kind, target=isinstance(failure, NoTarget))
            client.send(Tagged(_tag(event) or tag, Status.NO, failure.public, code))
        except Refusal as refusal:
            client.send(Tagged(_tag(event) or tag, refusal.status, refusal.text, refusal.code))
        except MailboxGone:
            client.send(Bye("The selected mailbox was deleted."))
        except Remounted:
            client.drop_receiving()
            client.send(_REMOUNTED)

    async def woken(self) -> None:
        """Something changed, or it is time to look: an idling client is told."""
        client = self.client
        if not client.session.idling:
            return
        try:
            client.check_store()
            await sync(client)
        except MailboxGone:
            client.send(Bye("The selected mailbox was deleted."))
        except Remounted:
            client.send(_REMOUNTED)
        except Failure as failure:
            # The next look finds what this one could not.
            client.connection.log("changes could not be read", kind=failure.kind.value, reason=failure.public)
        if client.session.idling:
            session.rearm(client)

    async def shutting_down(self) -> None:
        self.client.send(Bye("The server is going down; try again soon.", b"UNAVAILABLE"))

    async def timed_out(self) -> None:
        self.client.send(Bye("You were silent for too long."))

    async def crashed(self) -> None:
        self.client.send(Bye("Something went wrong here; it was logged.", SERVER_BUG))

    def closed(self) -> None:
        self.client.release()


def _tag(event: ImapEvent) -> bytes:
    return b"" if isinstance(event, wire_append.AppendChunk) else event.tag


class ImapServer:
    """Makes the session and the handler of each connection: a `net.handler.Serve`."""

    def __init__(self, services: Services, *, tls_from_start: bool) -> None:
        self._services = services
        self._tls_from_start = tls_from_start
        settings = services.settings
        self._waits = MappingProxyType(
            {state: _patient(state, wait, settings.idle_timeout) for state, wait in WAITS.items()}
        )

    def __call__(self, connection: Connection) -> tuple[ImapSession, ImapHandler]:
        services = self._services
        config = ImapConfig(
            mechanisms=MECHANISMS,
            plaintext_login=services.logins.clear_allowed(connection),
            tls_available=services.tls_available,
            tls_active=self._tls_from_start,
            append_limit=services.settings.message_size,
            max_errors=services.settings.errors,
            waits=self._waits,
        )
        wire = ImapSession(config)
        return wire, ImapHandler(Client(services, connection, wire))


def _patient(state: State | Phase, wait: Wait, idle_timeout: float) -> Wait:
    """Once logged in a client may be silent for as long as the settings say."""
    if state in (State.AUTHENTICATED, State.SELECTED, Phase.IDLING):
        return Wait(idle_timeout, wait.phrase)
    return wait
