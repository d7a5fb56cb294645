"""Logging in, the same way for SMTP, IMAP and POP3: SASL exchanges and plain names with passwords.

`Logins` is one per server and knows the policy: which mechanisms a connection is offered, whether a password may come
in the clear (only from `[login] plaintext_networks`), and how long the answer to a failed login is held back.
`Logins.start` begins a `SaslLogin`; each of its steps answers either bytes, a challenge for the client (the last
one may carry the server's proof and is answered with an empty message), or the `Person` who has logged in.

Every refusal is a `Failure`, after the delay where somebody may be guessing:
LOGIN_FAILED, LOCKED_OUT, DISABLED as the directory says; NOT_ALLOWED where the client wants to act as somebody else;
PRIVACY_REQUIRED where TLS must come first; UNSUPPORTED for a mechanism that is not offered; INVALID where the
client broke the mechanism's grammar; UNAVAILABLE where the directory cannot answer.

Each outcome is logged once, with the name but never the password. Not here: base64 (the wire sessions do that),
lock-out and the cache of verified passwords (the directory does).
"""

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, Sequence

from pillarbox.base.failure import FailureKind
from pillarbox.base.ids import Ids
from pillarbox.base.saslprep import saslprep
from pillarbox.base.settings import Login
from pillarbox.model.directory import Directory, Person
from pillarbox.model.failure import Failure
from pillarbox.net.handler import Connection
from pillarbox.wire.sasl import mechanisms, steps
from pillarbox.wire.sasl.scram_keys import ScramKeys

Sleep = Callable[[float], Awaitable[None]]

_GUESSING = frozenset({FailureKind.LOGIN_FAILED, FailureKind.LOCKED_OUT, FailureKind.DISABLED, FailureKind.NOT_ALLOWED})


def _login_failed() -> Failure:
    return Failure(FailureKind.LOGIN_FAILED, "Wrong name or password.")


class Logins:
    """How people log in to one server; see the module's contract."""

    def __init__(
        self, directory: Directory, settings: Login, disguise_key: bytes, ids: Ids, sleep: Sleep = asyncio.sleep
    ) -> None:
        """`disguise_key` is the site's secret behind the salts that unknown names get (see `wire.sasl.mechanisms`)."""
        self._directory = directory
        self._disguise_key = disguise_key
        self._ids = ids
        self._sleep = sleep
        self._delay = settings.failure_delay
        self._networks = [ipaddress.ip_network(network) for network in settings.plaintext_networks]

    def clear_allowed(self, connection: Connection) -> bool:
        """Whether this connection may send a password as it stands: it is private, or comes from a trusted network."""
        if connection.tls is not None:
            return True
        try:
            address = ipaddress.ip_address(connection.peer.partition("%")[0])
        except ValueError:
            return False
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return any((mapped or address) in network for network in self._networks)

    def mechanisms(self, connection: Connection) -> tuple[str, ...]:
        """The SASL mechanisms to offer now, the best first."""
        bound = connection.tls is not None and bool(connection.tls.endpoint_binding)
        names = tuple(name for name in mechanisms.MECHANISMS if bound or not name.endswith("-PLUS"))
        return mechanisms.offered(names, connection.tls is not None, self.clear_allowed(connection))

    def start(self, connection: Connection, mechanism: str) -> "SaslLogin":
        """A new exchange with the mechanism of this name. Raises Failure UNSUPPORTED or PRIVACY_REQUIRED."""
        name = mechanism.upper()
        if name not in self.mechanisms(connection):
            if name in mechanisms.MECHANISMS and connection.tls is None:
                raise Failure(FailureKind.PRIVACY_REQUIRED, "Start TLS before you log in with this mechanism.")
            raise Failure(FailureKind.UNSUPPORTED, "No such authentication mechanism here.")
        binding = connection.tls.endpoint_binding if connection.tls is not None else b""
        exchange = mechanisms.start(name, binding or None, disguise_key=self._disguise_key, ids=self._ids)
        return SaslLogin(self, connection, name, exchange)

    async def password(self, connection: Connection, name: str, password: str, how: str = "LOGIN") -> Person:
        """The person, where the password is right; `how` names the command for the log."""
        if not self.clear_allowed(connection):
            raise Failure(FailureKind.PRIVACY_REQUIRED, "Start TLS before you log in.")
        prepared, secret = saslprep(name), saslprep(password)
        try:
            if not prepared or not secret:
                raise _login_failed()
            person = await self._directory.verify_password(prepared, secret, connection.peer)
        except Failure as failure:
            await self.refused(connection, how, name, failure)
            raise
        connection.log("logged in", name=person.address, how=how)
        return person

    async def refused(self, connection: Connection, how: str, name: str, failure: Failure, reason: str = "") -> None:
        """Logs a login that failed, and holds the answer back where somebody may be guessing."""
        connection.log("login refused", name=name, how=how, kind=failure.kind.value, reason=reason or failure.public)
        if failure.kind in _GUESSING and self._delay > 0:
            await self._sleep(self._delay)

    @property
    def directory(self) -> Directory:
        return self._directory


class SaslLogin:
    """One SASL exchange under way. Once it has raised or answered a `Person` it is over."""

    __slots__ = ("_connection", "_exchange", "_logins", "_mechanism", "_person")

    def __init__(self, logins: Logins, connection: Connection, mechanism: str, exchange: steps.Exchange) -> None:
        self._logins = logins
        self._connection = connection
        self._mechanism = mechanism
        self._exchange = exchange
        self._person: Person | None = None  # verified; the server's proof is on its way to the client

    async def step(self, response: bytes | None) -> bytes | Person:
        """Takes the client's message (None: no initial response was sent); a challenge to send, or who logged in."""
        if self._person is not None:
            if response:
                raise Failure(FailureKind.INVALID, "An empty message was expected.")
            return self._finished(self._person)
        step = self._exchange.step(response)
        if isinstance(step, steps.Challenge):
            return step.data
        if isinstance(step, steps.Malformed):
            raise Failure(FailureKind.INVALID, f"Authentication broken off: {step.reason}.")
        name = step.authcid
        try:
            answer = await self._judge(step)
        except Failure as failure:
            reason = step.reason if isinstance(step, steps.Rejected) else ""
            await self._logins.refused(self._connection, self._mechanism, name, failure, reason)
            raise
        if isinstance(answer, Person) and isinstance(step, steps.Verified) and step.final:
            self._person = answer
            return step.final
        return self._finished(answer) if isinstance(answer, Person) else answer

    async def _judge(
        self, step: steps.CheckPassword | steps.NeedKeys | steps.Verified | steps.Rejected
    ) -> bytes | Person:
        directory, peer = self._logins.directory, self._connection.peer
        if isinstance(step, steps.NeedKeys):
            keys = await directory.scram_keys(step.authcid, peer)
            following = self._exchange.keys(ScramKeys(*keys) if keys is not None else None)
            if isinstance(following, steps.Challenge):
                return following.data
            raise _login_failed()
        if isinstance(step, steps.Rejected):
            if step.authcid:
                await directory.scram_finished(step.authcid, peer, False)
            raise _login_failed()
        if isinstance(step, steps.CheckPassword):
            person = await directory.verify_password(step.authcid, step.password, peer)
        else:
            person = await directory.scram_finished(step.authcid, peer, True)
        _check_identity(step.authzid, (step.authcid, person.address))
        return person

    def _finished(self, person: Person) -> Person:
        self._connection.log("logged in", name=person.address, how=self._mechanism)
        return person


def _check_identity(authzid: str, own: Sequence[str]) -> None:
    """Nobody may act as somebody else (RFC 4422 section 3.4.1). Raises Failure(NOT_ALLOWED)."""
    if authzid and authzid.casefold() not in {name.casefold() for name in own}:
        raise Failure(FailureKind.NOT_ALLOWED, "You may not act as somebody else.")
