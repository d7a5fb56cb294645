"""Commands about the connection itself: CAPABILITY, NOOP, CHECK, ID, LOGOUT, STARTTLS, ENABLE, NAMESPACE, IDLE."""

import asyncio

from pillarbox.model.mailbox import DELIMITER
from pillarbox.servers.imap.state import Client, Refusal
from pillarbox.servers.imap.sync import sync
from pillarbox.wire.imap import codes, responses
from pillarbox.wire.imap.commands.enable import Enable
from pillarbox.wire.imap.commands.identify import Id
from pillarbox.wire.imap.commands.simple import (
    Capability,
    Check,
    Idle,
    Logout,
    Namespaces,
    Noop,
    StartTls,
    Unauthenticate,
)
from pillarbox.wire.imap.config import capabilities
from pillarbox.wire.imap.nouns import Namespace
from pillarbox.wire.imap.replies import Bye, Continue, IdleDone, LiteralAnnounced
from pillarbox.wire.imap.responses import Status
from pillarbox.wire.imap.state import State

NAME = "Pillarbox"
_CONDSTORE = frozenset({"CONDSTORE", "QRESYNC"})


async def capability(client: Client, command: Capability) -> None:
    client.untagged(responses.capability(client.session.capabilities()))
    client.ok(command.tag, "That is what I can do.")


async def noop(client: Client, command: Noop | Check) -> None:
    """NOOP and CHECK: a look at what has changed; everything is on disk already (RFC 3501 section 6.4.1)."""
    await sync(client)
    client.ok(command.tag, "Done.")


async def identify(client: Client, command: Id) -> None:
    """ID; what the client says of itself goes to the log (RFC 2971). Our version is nobody's business."""
    client.connection.log("client identified", **{f"id_{name}": value or "" for name, value in command.fields})
    client.untagged(responses.identity([("name", NAME)]))
    client.ok(command.tag, "Pleased to meet you.")


async def logout(client: Client, command: Logout) -> None:
    client.send(Bye("Until next time."))
    client.ok(command.tag, "Logged out.")


async def starttls(client: Client, command: StartTls) -> None:
    client.ok(command.tag, "Begin TLS now.")


async def enable(client: Client, command: Enable) -> None:
    """ENABLE; what is enabled already is not named again (RFC 9051 section 6.3.1).

    QRESYNC enables CONDSTORE too; a client that has a mailbox selected already is told where it stands.
    """
    names = client.session.config.acceptable(command.capabilities)
    client.untagged(responses.enabled(name for name in names if name not in client.session.enabled))
    selected = client.selected
    if not client.condstore and not _CONDSTORE.isdisjoint(names):
        client.enable_condstore()
        if selected is not None and not selected.withheld:
            code = codes.highestmodseq(selected.modseq)
            client.untagged(responses.status_line(b"*", Status.OK, "The latest change you know of.", code))
    client.ok(command.tag, "Enabled what I know of.")


async def unauthenticate(client: Client, command: Unauthenticate) -> None:
    """UNAUTHENTICATE: nothing is left of the person or of what was enabled (RFC 8437); TLS stays."""
    client.leave()
    session = client.session
    names = capabilities(session.config, State.NOT_AUTHENTICATED, session.secure)
    client.ok(command.tag, "Who is next?", codes.capability(names))


async def namespace(client: Client, command: Namespaces) -> None:
    """NAMESPACE: everybody has only mailboxes of their own, without a prefix."""
    client.untagged(responses.namespace([Namespace("", DELIMITER)], utf8=client.utf8))
    client.ok(command.tag, "That is all.")


async def idle(client: Client, command: Idle) -> None:
    """IDLE (RFC 9051 section 6.3.13): changes are told as they come, and looked for from time to time."""
    client.send(Continue("Idling."))
    await sync(client)
    rearm(client)


def rearm(client: Client) -> None:
    """Looks again after a while, even if no notice comes."""
    client.arm_sweep(client.services.sweep_seconds, asyncio.get_running_loop().call_later)


async def idle_done(client: Client, event: IdleDone) -> None:
    client.disarm_sweep()
    if event.reason:
        raise Refusal(event.reason, status=Status.BAD)
    await sync(client)
    client.ok(event.tag, "Idle no more.")


async def literal(client: Client, event: LiteralAnnounced) -> None:
    """An argument within the limits: let it come."""
    client.send(Continue("Go on."))
