"""AUTH: logging in by SASL (RFC 4954). The mechanisms, the privacy and the delays are `servers.login`'s."""

from pillarbox.base import metrics
from pillarbox.model.directory import Person
from pillarbox.servers.login import SaslLogin
from pillarbox.servers.smtp.client import Client
from pillarbox.wire.smtp import replies
from pillarbox.wire.smtp.commands import Auth, AuthCancelled, AuthResponse
from pillarbox.wire.smtp.replies import challenge


async def auth(client: Client, event: Auth) -> None:
    """Begins an exchange."""
    client.login = client.services.logins.start(client.connection, event.mechanism)
    await _step(client, client.login, event.initial)


async def response(client: Client, event: AuthResponse) -> None:
    """The client's next message."""
    assert client.login is not None, "the session waits for a response only after a challenge"
    await _step(client, client.login, event.data)


async def cancelled(client: Client, _: AuthCancelled) -> None:
    """The client gave up."""
    client.login = None
    client.send(replies.AUTH_CANCELLED)


async def _step(client: Client, login: SaslLogin, message: bytes | None) -> None:
    answer = await login.step(message)
    if isinstance(answer, Person):
        client.login = None
        client.person = answer
        client.services.counters.count(metrics.LOGINS, protocol=client.protocol, outcome="ok")
        client.send(replies.AUTHENTICATED)
    else:
        client.send(challenge(answer))
