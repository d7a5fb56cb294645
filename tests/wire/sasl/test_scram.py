"""SCRAM-SHA-256: the exchange of RFC 7677 section 3, a foreign client, and every way it may go wrong."""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable

import pytest
from scramp import ScramException, ScramMechanism
from scramp.core import ScramClient

from pillarbox.base.ids import SeededIds
from pillarbox.wire.sasl.mechanisms import start
from pillarbox.wire.sasl.scram_keys import ScramKeys, make_scram_keys
from pillarbox.wire.sasl.steps import Challenge, Exchange, Malformed, NeedKeys, Rejected, Step, Verified

SALT = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
KEYS = make_scram_keys("pencil", SALT, 4096)
BINDING = b"certificate hash"


def begin(mechanism: str = "SCRAM-SHA-256", binding: bytes | None = None, seed: int = 1) -> Exchange:
    return start(mechanism, binding, disguise_key=b"site secret", ids=SeededIds(seed))


def test_keys_of_rfc_7677_section_3() -> None:
    """The proof and the server signature printed there follow from these keys."""
    nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    auth_message = (
        f"n=user,r=rOprNGfwEbeRWgbNEkqO,r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r={nonce}".encode()
    )
    proof = base64.b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    signature = hmac.digest(KEYS.stored_key, auth_message, "sha256")
    client_key = bytes(a ^ b for a, b in zip(proof, signature, strict=True))
    assert hashlib.sha256(client_key).digest() == KEYS.stored_key
    server_signature = hmac.digest(KEYS.server_key, auth_message, "sha256")
    assert base64.b64encode(server_signature) == b"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def test_the_exchange_of_rfc_7677_section_3() -> None:
    exchange = begin()
    assert exchange.step(b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO") == NeedKeys("user")
    # The nonce printed there is no base64, as ours are.
    exchange._nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"  # type: ignore[attr-defined]
    server_first = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    assert exchange.keys(KEYS) == Challenge(server_first)
    client_final = (
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    )
    assert exchange.step(client_final) == Verified("", "user", b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")


def foreign_client(user: str, password: str, binding: bytes | None = None) -> ScramClient:
    """scramp's client, for the mechanism with channel binding where `binding` is given."""
    mechanism = "SCRAM-SHA-256-PLUS" if binding else "SCRAM-SHA-256"
    bound = ("tls-server-end-point", binding) if binding else None
    return ScramClient([mechanism], user, password, channel_binding=bound)


def talk(client: ScramClient, exchange: Exchange, keys: ScramKeys | None) -> Step:
    """Runs an exchange up to the server's verdict."""
    step = exchange.step(client.get_client_first().encode())
    if not isinstance(step, NeedKeys):
        return step
    challenge = exchange.keys(keys)
    assert isinstance(challenge, Challenge)
    client.set_server_first(challenge.data.decode())
    return exchange.step(client.get_client_final().encode())


def test_a_foreign_client_proves_itself_and_us() -> None:
    client = foreign_client("user", "pencil")
    step = talk(client, begin(), KEYS)
    assert isinstance(step, Verified) and step.authcid == "user"
    client.set_server_final(step.final.decode())


def test_a_foreign_client_with_channel_binding() -> None:
    client = foreign_client("user", "pencil", BINDING)
    step = talk(client, begin("SCRAM-SHA-256-PLUS", BINDING), KEYS)
    assert isinstance(step, Verified)
    client.set_server_final(step.final.decode())


def test_a_foreign_client_whose_name_needs_escapes_and_preparation() -> None:
    keys = make_scram_keys("IX", SALT, 4096)
    step = talk(foreign_client("us,e=r", "\u2168"), begin(), keys)
    assert isinstance(step, Verified) and step.authcid == "us,e=r"


def test_wrong_passwords_are_rejected_with_the_name_for_the_log() -> None:
    assert talk(foreign_client("user", "pen"), begin(), KEYS) == Rejected("wrong proof", "user")


def test_another_certificate_in_the_binding_is_rejected() -> None:
    step = talk(foreign_client("user", "pencil", b"of a man in the middle"), begin("SCRAM-SHA-256-PLUS", BINDING), KEYS)
    assert step == Rejected("channel bindings do not match", "user")


def test_unknown_people_look_like_known_ones_until_the_end() -> None:
    def server_first(seed: int, name: str) -> str:
        exchange = begin(seed=seed)
        assert exchange.step(f"n,,n={name},r=abc".encode()) == NeedKeys(name)
        step = exchange.keys(None)
        assert isinstance(step, Challenge)
        return step.data.decode()

    first, again, other = server_first(1, "nobody"), server_first(2, "nobody"), server_first(3, "someone")
    assert re.fullmatch(r"r=abc[^,]+,s=[A-Za-z0-9+/]{22}==,i=4096", first)
    assert first.split(",")[1] == again.split(",")[1] != other.split(",")[1]
    assert first.split(",")[0] != again.split(",")[0]
    assert talk(foreign_client("nobody", "pencil"), begin(), None) == Rejected("unknown name", "nobody")


def test_a_client_that_was_told_there_is_no_channel_binding_is_rejected() -> None:
    step = begin("SCRAM-SHA-256", BINDING).step(b"y,,n=user,r=abc")
    assert isinstance(step, Rejected) and "downgrade" in step.reason
    assert begin("SCRAM-SHA-256", None).step(b"y,,n=user,r=abc") == NeedKeys("user")


@pytest.mark.parametrize(
    ("mechanism", "binding", "message", "kind"),
    [
        ("SCRAM-SHA-256", None, b"p=tls-server-end-point,,n=user,r=abc", Malformed),
        ("SCRAM-SHA-256-PLUS", BINDING, b"n,,n=user,r=abc", Malformed),
        ("SCRAM-SHA-256-PLUS", BINDING, b"p=tls-unique,,n=user,r=abc", Rejected),
        ("SCRAM-SHA-256-PLUS", None, b"p=tls-server-end-point,,n=user,r=abc", Rejected),
        ("SCRAM-SHA-256", None, b"", Malformed),
        ("SCRAM-SHA-256", None, b"n,,", Malformed),
        ("SCRAM-SHA-256", None, b"n,,n=,r=abc", Malformed),
        ("SCRAM-SHA-256", None, b"n,,n=user,r=", Malformed),
        ("SCRAM-SHA-256", None, b"n,,m=x,n=user,r=abc", Malformed),
        ("SCRAM-SHA-256", None, b"n,,n=us=2cer,r=abc", Malformed),
        ("SCRAM-SHA-256", None, b"n,,n=us=er,r=abc", Malformed),
        ("SCRAM-SHA-256", None, b"n,a==,n=user,r=abc", Malformed),
        ("SCRAM-SHA-256", None, b"n,,n=us\xffer,r=abc", Malformed),
        ("SCRAM-SHA-256", None, b"n,,n=us\x07er,r=abc", Rejected),
        ("SCRAM-SHA-256", None, b"n,,n=user,r=a b", Malformed),
    ],
)
def test_first_messages_that_are_refused(mechanism: str, binding: bytes | None, message: bytes, kind: type) -> None:
    exchange = begin(mechanism, binding)
    assert isinstance(exchange.step(message), kind)
    assert isinstance(exchange.step(message), Malformed)
    assert isinstance(exchange.keys(KEYS), Malformed)


@pytest.mark.parametrize(
    "edit",
    [
        lambda final: final.replace("c=biws", "c=eSws"),
        lambda final: re.sub(r"r=[^,]+", "r=abc", final),
        lambda final: re.sub(r"p=.*", "p=AAAA", final),
        lambda final: re.sub(r"p=.*", "p=" + base64.b64encode(bytes(32)).decode(), final),
        lambda final: re.sub(r",p=.*", "", final),
        lambda final: final + ",x=1",
        lambda final: final.replace("c=biws", "c=*"),
        lambda final: "",
    ],
)
def test_last_messages_that_are_refused(edit: Callable[[str], str]) -> None:
    client = foreign_client("user", "pencil")
    exchange = begin()
    exchange.step(client.get_client_first().encode())
    challenge = exchange.keys(KEYS)
    assert isinstance(challenge, Challenge)
    client.set_server_first(challenge.data.decode())
    final = client.get_client_final()
    assert isinstance(exchange.step(edit(final).encode()), (Malformed, Rejected))
    assert isinstance(exchange.step(final.encode()), Malformed)


def test_the_authorization_identity_is_passed_on() -> None:
    exchange = begin()
    assert exchange.step(b"n,a=ad=2Cmin,n=user,r=abc") == NeedKeys("user")
    assert exchange._authzid == "ad,min"  # type: ignore[attr-defined]


def test_without_initial_response_the_client_is_asked_to_begin() -> None:
    exchange = begin()
    assert exchange.step(None) == Challenge(b"")
    assert exchange.step(b"n,,n=user,r=abc") == NeedKeys("user")
    assert isinstance(exchange.step(None), Malformed)


def test_our_keys_are_those_the_library_makes() -> None:
    salt, stored_key, server_key, iterations = ScramMechanism("SCRAM-SHA-256").make_auth_info(
        "pencil", iteration_count=4096, salt=SALT
    )
    assert ScramKeys(salt, iterations, stored_key, server_key) == KEYS


def test_the_library_notices_a_false_server() -> None:
    client = foreign_client("user", "pencil")
    step = talk(client, begin(), KEYS)
    assert isinstance(step, Verified)
    with pytest.raises(ScramException):
        client.set_server_final("v=" + base64.b64encode(bytes(32)).decode())
