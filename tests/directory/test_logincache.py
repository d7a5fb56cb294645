"""How long a verified login is remembered, and what ends it."""

from pillarbox.base.clock import FixedClock
from pillarbox.directory.logincache import LoginCache
from pillarbox.model.ids import AccountId

ALICE, BOB = AccountId(1), AccountId(2)
KEY = b"k" * 32


def test_knows_the_very_password_of_the_very_version() -> None:
    cache = LoginCache(300, FixedClock(), KEY)
    cache.remember(ALICE, 1, "secret")
    assert cache.knows(ALICE, 1, "secret")
    assert not cache.knows(ALICE, 1, "Secret")
    assert not cache.knows(BOB, 1, "secret")
    assert cache.knows(ALICE, 1, "secret")
    assert not cache.knows(ALICE, 2, "secret")
    assert not cache.knows(ALICE, 1, "secret")


def test_ends_a_set_time_after_it_was_verified_however_often_it_is_used() -> None:
    clock = FixedClock()
    cache = LoginCache(300, clock, KEY)
    cache.remember(ALICE, 1, "secret")
    clock.advance(299)
    assert cache.knows(ALICE, 1, "secret")
    clock.advance(1)
    assert not cache.knows(ALICE, 1, "secret")
    assert len(cache) == 0


def test_can_be_switched_off() -> None:
    cache = LoginCache(0, FixedClock(), KEY)
    cache.remember(ALICE, 1, "secret")
    assert not cache.knows(ALICE, 1, "secret")


def test_memory_is_bounded() -> None:
    cache = LoginCache(300, FixedClock(), KEY, most=10)
    for number in range(20):
        cache.remember(AccountId(number), 1, "secret")
    assert len(cache) == 10
    assert cache.knows(AccountId(19), 1, "secret")
    assert not cache.knows(AccountId(9), 1, "secret")
