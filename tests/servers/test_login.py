"""Logging in: the policy, the exchanges, and what a failed login costs."""

import asyncio
import hashlib
import hmac
from base64 import b64decode, b64encode

import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.base.ids import SeededIds
from pillarbox.base.settings import Login
from pillarbox.model.directory import Person, Resolution, Route, ScramKeys
from pillarbox.model.failure import Failure
from pillarbox.model.ids import AccountId
from pillarbox.servers.login import Logins
from pillarbox.testing.connection import FakeConnection
from pillarbox.wire.sasl.scram_keys import make_scram_keys
from pillarbox.wire.session import TlsInfo

ALICE = Person(AccountId(1), "alice@example.test", "Alice", "mailboxes", True, 0, 0)
TLS = TlsInfo("TLSv1.3", "cipher", b"certificate hash")
PASSWORD = "open sesame"


class OnlyAlice:
    """A directory with one person; remembers what SCRAM exchanges came to."""

    def __init__(self) -> None:
        self.outcomes: list[bool] = []
        self.locked = False

    async def resolve(self, address: str) -> Resolution:
        return Resolution(Route.UNKNOWN)

    async def is_local_domain(self, domain: str) -> bool:
        return False

    async def verify_password(self, login: str, password: str, client: str) -> Person:
        if login != ALICE.address or password != PASSWORD:
            raise Failure(FailureKind.LOGIN_FAILED, "Wrong name or password.")
        return ALICE

    async def scram_keys(self, login: str, client: str) -> ScramKeys | None:
        if self.locked:
            raise Failure(FailureKind.LOCKED_OUT, "Too many failed logins.")
        return ScramKeys(*make_scram_keys(PASSWORD, b"salt")) if login == ALICE.address else None

    async def scram_finished(self, login: str, client: str, verified: bool) -> Person:
        self.outcomes.append(verified)
        if not verified:
            raise Failure(FailureKind.LOGIN_FAILED, "Wrong name or password.")
        return ALICE

    async def person(self, login: str) -> Person | None:
        return ALICE if login == ALICE.address else None


class Bench:
    """Logins over that directory; `slept` is what was waited."""

    def __init__(self) -> None:
        self.directory = OnlyAlice()
        self.slept: list[float] = []
        self.logins = Logins(self.directory, Login(), b"secret", SeededIds(), self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def password(self, connection: FakeConnection, name: str, password: str) -> Person:
        return asyncio.run(self.logins.password(connection, name, password))

    def sasl(self, connection: FakeConnection, mechanism: str, *messages: bytes | None) -> bytes | Person:
        async def run() -> bytes | Person:
            exchange = self.logins.start(connection, mechanism)
            answer: bytes | Person = b""
            for message in messages:
                answer = await exchange.step(message)
            return answer

        return asyncio.run(run())

    def scram(self, connection: FakeConnection, name: str, password: str, plus: bool) -> bytes | Person:
        mechanism = "SCRAM-SHA-256-PLUS" if plus else "SCRAM-SHA-256"
        gs2 = "p=tls-server-end-point,," if plus else "n,,"
        binding = gs2.encode() + (TLS.endpoint_binding if plus else b"")

        async def run() -> bytes | Person:
            exchange = self.logins.start(connection, mechanism)
            bare = f"n={name},r=nonce"
            first = await exchange.step((gs2 + bare).encode())
            assert isinstance(first, bytes)
            parts = dict(part.split("=", 1) for part in first.decode().split(","))
            keys_salt, rounds = b64decode(parts["s"]), int(parts["i"])
            salted = hashlib.pbkdf2_hmac("sha256", password.encode(), keys_salt, rounds)
            client_key = hmac.digest(salted, b"Client Key", "sha256")
            final = f"c={b64encode(binding).decode()},r={parts['r']}"
            message = f"{bare},{first.decode()},{final}".encode()
            signature = hmac.digest(hashlib.sha256(client_key).digest(), message, "sha256")
            proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
            server_proof = await exchange.step(f"{final},p={b64encode(proof).decode()}".encode())
            assert isinstance(server_proof, bytes)
            assert server_proof.startswith(b"v=")
            return await exchange.step(b"")

        return asyncio.run(run())


@pytest.fixture
def bench() -> Bench:
    return Bench()


def refused(caught: pytest.ExceptionInfo[Failure]) -> FailureKind:
    return caught.value.kind


def test_the_right_password(bench: Bench) -> None:
    connection = FakeConnection()
    assert bench.password(connection, "alice@example.test", PASSWORD) == ALICE
    assert connection.logged == [("logged in", {"name": "alice@example.test", "how": "LOGIN"})]
    assert bench.slept == []


@pytest.mark.parametrize("password", ["wrong", "", "bell\a"])
def test_a_wrong_password_is_answered_late_and_logged_without_it(bench: Bench, password: str) -> None:
    connection = FakeConnection()
    with pytest.raises(Failure) as caught:
        bench.password(connection, "alice@example.test", password)
    assert refused(caught) is FailureKind.LOGIN_FAILED
    assert bench.slept == [2.0]
    assert connection.logged[0][0] == "login refused"
    assert password == "" or password not in str(connection.logged)


def test_a_password_in_the_clear_is_for_trusted_networks_only(bench: Bench) -> None:
    stranger = FakeConnection(peer="192.0.2.1")
    with pytest.raises(Failure) as caught:
        bench.password(stranger, "alice@example.test", PASSWORD)
    assert refused(caught) is FailureKind.PRIVACY_REQUIRED
    assert bench.logins.mechanisms(stranger) == ()
    assert bench.logins.mechanisms(FakeConnection(peer="::ffff:127.0.0.1")) == ("SCRAM-SHA-256", "PLAIN", "LOGIN")
    assert not bench.logins.clear_allowed(FakeConnection(peer="no address"))


def test_tls_makes_every_mechanism_possible(bench: Bench) -> None:
    private = FakeConnection(peer="192.0.2.1", tls=TLS)
    assert bench.password(private, "alice@example.test", PASSWORD) == ALICE
    assert bench.logins.mechanisms(private) == ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN")
    unbound = FakeConnection(peer="192.0.2.1", tls=TlsInfo("TLSv1.3", "cipher", b""))
    assert bench.logins.mechanisms(unbound) == ("SCRAM-SHA-256", "PLAIN", "LOGIN")


@pytest.mark.parametrize(
    ("peer", "mechanism", "kind"),
    [
        ("192.0.2.1", "PLAIN", FailureKind.PRIVACY_REQUIRED),
        ("192.0.2.1", "plain", FailureKind.PRIVACY_REQUIRED),
        ("127.0.0.1", "SCRAM-SHA-256-PLUS", FailureKind.PRIVACY_REQUIRED),
        ("127.0.0.1", "CRAM-MD5", FailureKind.UNSUPPORTED),
    ],
)
def test_mechanisms_that_are_not_offered(bench: Bench, peer: str, mechanism: str, kind: FailureKind) -> None:
    with pytest.raises(Failure) as caught:
        bench.sasl(FakeConnection(peer=peer), mechanism, None)
    assert refused(caught) is kind


def test_plain_with_and_without_an_initial_response(bench: Bench) -> None:
    message = b"\0alice@example.test\0open sesame"
    assert bench.sasl(FakeConnection(), "PLAIN", message) == ALICE
    assert bench.sasl(FakeConnection(), "PLAIN", None, message) == ALICE
    assert bench.sasl(FakeConnection(), "PLAIN", None) == b""


def test_login_asks_twice(bench: Bench) -> None:
    assert bench.sasl(FakeConnection(), "LOGIN", None) == b"Username:"
    assert bench.sasl(FakeConnection(), "LOGIN", None, b"alice@example.test") == b"Password:"
    assert bench.sasl(FakeConnection(), "LOGIN", None, b"alice@example.test", PASSWORD.encode()) == ALICE


def test_nobody_acts_as_somebody_else(bench: Bench) -> None:
    assert bench.sasl(FakeConnection(), "PLAIN", b"Alice@Example.test\0alice@example.test\0open sesame") == ALICE
    with pytest.raises(Failure) as caught:
        bench.sasl(FakeConnection(), "PLAIN", b"bob@example.test\0alice@example.test\0open sesame")
    assert refused(caught) is FailureKind.NOT_ALLOWED
    assert bench.slept == [2.0]


def test_nonsense_costs_nothing_and_says_why(bench: Bench) -> None:
    with pytest.raises(Failure) as caught:
        bench.sasl(FakeConnection(), "PLAIN", b"nonsense")
    assert refused(caught) is FailureKind.INVALID
    assert bench.slept == []


@pytest.mark.parametrize("plus", [False, True])
def test_scram_ends_with_the_servers_proof_and_an_empty_message(bench: Bench, plus: bool) -> None:
    connection = FakeConnection(tls=TLS)
    assert bench.scram(connection, "alice@example.test", PASSWORD, plus) == ALICE
    assert bench.directory.outcomes == [True]
    assert [event for event, _ in connection.logged] == ["logged in"]


@pytest.mark.parametrize(("name", "password"), [("alice@example.test", "wrong"), ("nobody@example.test", PASSWORD)])
def test_scram_counts_a_wrong_proof_and_hides_who_exists(bench: Bench, name: str, password: str) -> None:
    with pytest.raises(Failure) as caught:
        bench.scram(FakeConnection(), name, password, False)
    assert refused(caught) is FailureKind.LOGIN_FAILED
    assert bench.directory.outcomes == [False]
    assert bench.slept == [2.0]


def test_a_lock_out_is_said_at_once_but_late(bench: Bench) -> None:
    bench.directory.locked = True
    with pytest.raises(Failure) as caught:
        bench.scram(FakeConnection(), "alice@example.test", PASSWORD, False)
    assert refused(caught) is FailureKind.LOCKED_OUT
    assert bench.slept == [2.0]
