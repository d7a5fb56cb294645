"""PLAIN and LOGIN: what is asked, what is answered, what is refused."""

import pytest

from pillarbox.wire.sasl.mechanisms import start
from pillarbox.wire.sasl.steps import Challenge, CheckPassword, Exchange, Malformed, Rejected


def plain() -> Exchange:
    return start("PLAIN", None, disguise_key=b"k")


def login() -> Exchange:
    return start("LOGIN", None, disguise_key=b"k")


def test_plain_with_and_without_initial_response() -> None:
    assert plain().step(b"\0tim\0tanstaaftanstaaf") == CheckPassword("", "tim", "tanstaaftanstaaf")
    exchange = plain()
    assert exchange.step(None) == Challenge(b"")
    assert exchange.step(b"Ursel\0Kurt\0xipj3plmq") == CheckPassword("Ursel", "Kurt", "xipj3plmq")


def test_plain_prepares_names_and_passwords() -> None:
    assert plain().step("\0I\u00adX\0\u2168".encode()) == CheckPassword("", "IX", "IX")


@pytest.mark.parametrize("message", [b"", b"a", b"a\0b", b"\0\0p", b"\0a\0", b"\0a\0b\0c", b"\0\xff\0p", b"\0\0\0"])
def test_plain_refuses(message: bytes) -> None:
    assert isinstance(plain().step(message), Malformed)


def test_plain_refuses_prohibited_characters() -> None:
    assert isinstance(plain().step("\0a\u0007\0p".encode()), Rejected)


def test_plain_is_over_after_one_message() -> None:
    exchange = plain()
    exchange.step(b"\0a\0b")
    assert isinstance(exchange.step(b"\0a\0b"), Malformed)
    assert isinstance(exchange.step(None), Malformed)
    assert isinstance(exchange.keys(None), Malformed)


def test_login_asks_twice() -> None:
    exchange = login()
    assert exchange.step(None) == Challenge(b"Username:")
    assert exchange.step(b"alice") == Challenge(b"Password:")
    assert exchange.step(b"secret") == CheckPassword("", "alice", "secret")
    assert isinstance(exchange.step(b"more"), Malformed)


def test_login_takes_an_initial_response_as_the_name() -> None:
    exchange = login()
    assert exchange.step(b"alice") == Challenge(b"Password:")
    assert exchange.step(b"secret") == CheckPassword("", "alice", "secret")


@pytest.mark.parametrize("message", [b"", b"\xff", b"a\0b"])
def test_login_refuses(message: bytes) -> None:
    assert isinstance(login().step(message), Malformed)
    exchange = login()
    exchange.step(b"alice")
    assert isinstance(exchange.step(message), Malformed)
    assert isinstance(exchange.step(b"again"), Malformed)
