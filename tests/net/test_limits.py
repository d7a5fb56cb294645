"""Who counts as one client, and how many connections they get."""

import pytest

from pillarbox.net.limits import Limits, canonical, client_of


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("::1", "::1"),
    ],
)
def test_canonical(address: str, expected: str) -> None:
    assert canonical(address) == expected


def test_an_ipv6_client_is_its_64() -> None:
    assert client_of("2001:db8:1:2::1") == client_of("2001:db8:1:2:ffff::9") != client_of("2001:db8:1:3::1")
    assert client_of("192.0.2.1") != client_of("192.0.2.2")
    assert client_of("not:an address") == "not:an address"


def test_each_client_gets_its_share() -> None:
    limits = Limits(per_client=2)
    assert limits.enter("192.0.2.1") and limits.enter("192.0.2.1")
    assert not limits.enter("192.0.2.1")
    assert limits.enter("192.0.2.2")
    limits.leave("192.0.2.1")
    assert limits.enter("192.0.2.1")


def test_all_together_are_limited_too() -> None:
    limits = Limits(total=2)
    assert limits.enter("192.0.2.1") and limits.enter("192.0.2.2")
    assert not limits.enter("192.0.2.3")
    limits.leave("192.0.2.1")
    assert limits.enter("192.0.2.3")
    assert limits.open == 2


def test_without_limits_everybody_is_welcome_and_nothing_is_left_behind() -> None:
    limits = Limits()
    for _ in range(1000):
        assert limits.enter("2001:db8::1")
    for _ in range(1000):
        limits.leave("2001:db8::1")
    assert limits.open == 0
    assert limits._clients == {}
