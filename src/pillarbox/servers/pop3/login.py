"""USER, PASS and AUTH (RFC 1939 section 7, RFC 5034), and what else comes before login: CAPA, STLS, UTF8.

`servers.login` judges; whoever is let in gets their maildrop here: its lock first (RFC 1939 section 4), then
LOGIN-DELAY, then the inbox as it is. Where any of that fails nobody is logged in, and the lock is free again.
"""

from collections.abc import Awaitable
from contextlib import ExitStack
from typing import TypeVar

from pillarbox.base import metrics
from pillarbox.model.directory import Person
from pillarbox.model.failure import Failure
from pillarbox.servers.pop3.maildrop import Maildrop
from pillarbox.servers.pop3.state import Client, Opened, Refusal
from pillarbox.wire.pop3 import replies
from pillarbox.wire.pop3.capa import capa_reply
from pillarbox.wire.pop3.commands import Auth, AuthCancelled, AuthResponse, Capa, Pass, Stls, User, Utf8
from pillarbox.wire.pop3.replies import Continue, Err, Ok

T = TypeVar("T")


async def capa(client: Client, command: Capa) -> None:
    client.send(capa_reply(client.session))


async def stls(client: Client, command: Stls) -> None:
    client.send(replies.BEGIN_TLS)


async def utf8(client: Client, command: Utf8) -> None:
    client.send(replies.UTF8_ON)


async def user(client: Client, command: User) -> None:
    client.send(replies.SEND_PASSWORD)


async def password(client: Client, command: Pass) -> None:
    logins = client.services.logins
    await _enter(client, await _judged(client, logins.password(client.connection, *command, how="USER")))


async def auth(client: Client, command: Auth) -> None:
    client.exchange = client.services.logins.start(client.connection, command.mechanism)
    await _step(client, command.initial)


async def auth_response(client: Client, event: AuthResponse) -> None:
    await _step(client, event.data)


async def auth_cancelled(client: Client, event: AuthCancelled) -> None:
    client.exchange = None
    raise Refusal(replies.AUTH_CANCELLED)


async def _step(client: Client, response: bytes | None) -> None:
    exchange, client.exchange = client.exchange, None
    assert exchange is not None, "the wire session gives responses only during an exchange"
    answer = await _judged(client, exchange.step(response))
    if isinstance(answer, Person):
        await _enter(client, answer)
    else:
        client.exchange = exchange
        client.send(Continue(answer))


async def _judged(client: Client, step: Awaitable[T]) -> T:
    """What a step of a login came to; failures are counted."""
    try:
        return await step
    except Failure:
        client.failed_logins += 1
        client.services.counters.count(metrics.LOGINS, protocol="pop3", outcome="failed")
        raise


async def _enter(client: Client, person: Person) -> None:
    """Opens the maildrop of whoever has logged in."""
    services = client.services
    services.counters.count(metrics.LOGINS, protocol="pop3", outcome="ok")
    store = services.stores.store(person.database)
    await store.open_account(person.account, person.octet_limit, person.message_limit)
    with ExitStack() as undo:
        unlock = store.acquire(person.account)
        undo.callback(unlock)
        left = services.delay.remaining(person.account)
        if left:
            raise Refusal(Err("LOGIN-DELAY", f"You logged in a moment ago; log in again in {left} seconds"))
        drop = await Maildrop.open(store, person.account, services.settings.expire_days, services.clock.now())
        services.delay.entered(person.account)
        client.opened(Opened(person, store, drop, unlock))
        undo.pop_all()
    client.send(Ok(f"{drop.count} messages ({drop.octets} octets)"))
