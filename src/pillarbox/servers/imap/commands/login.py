"""LOGIN and AUTHENTICATE (RFC 9051 sections 6.2.2 and 6.2.3): `servers.login` decides, this translates."""

from pillarbox.base.failure import FailureKind
from pillarbox.model.directory import Person
from pillarbox.model.failure import Failure
from pillarbox.servers.imap.state import Client, Refusal
from pillarbox.wire.imap import codes
from pillarbox.wire.imap.commands.authenticate import Authenticate
from pillarbox.wire.imap.commands.login import Login
from pillarbox.wire.imap.config import capabilities
from pillarbox.wire.imap.replies import AuthenticateCancelled, AuthenticateResponse, Challenge
from pillarbox.wire.imap.responses import Status
from pillarbox.wire.imap.state import State


async def login(client: Client, command: Login) -> None:
    person = await client.services.logins.password(client.connection, command.user, command.password)
    await _enter(client, command.tag, person)


async def authenticate(client: Client, command: Authenticate) -> None:
    client.exchange = client.services.logins.start(client.connection, command.mechanism)
    await _step(client, command.tag, command.initial)


async def authenticate_response(client: Client, event: AuthenticateResponse) -> None:
    await _step(client, event.tag, event.data)


async def authenticate_cancelled(client: Client, event: AuthenticateCancelled) -> None:
    client.exchange = None
    raise Refusal(event.reason, status=Status.BAD)


async def _step(client: Client, tag: bytes, response: bytes | None) -> None:
    assert client.exchange is not None, "the wire session gives responses only during an exchange"
    try:
        answer = await client.exchange.step(response)
    except Failure as failure:
        client.exchange = None
        if failure.kind is FailureKind.INVALID:
            raise Refusal(failure.public, status=Status.BAD) from failure
        if failure.kind is FailureKind.NOT_ALLOWED:
            raise Refusal(failure.public, b"AUTHORIZATIONFAILED") from failure
        raise
    if isinstance(answer, Person):
        client.exchange = None
        await _enter(client, tag, answer)
    else:
        client.send(Challenge(answer))


async def _enter(client: Client, tag: bytes, person: Person) -> None:
    await client.enter(person)
    session = client.session
    names = capabilities(session.config, State.AUTHENTICATED, session.secure)
    client.ok(tag, "Logged in.", codes.capability(names))
