"""Hashing in threads: right, wrong, nobody, and not without end."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.base.ids import SeededIds
from pillarbox.directory import passwords as module
from pillarbox.directory.passwords import PasswordCost, Passwords
from pillarbox.directory.scram import derive_keys
from pillarbox.model.failure import Failure

CHEAP = PasswordCost(passes=1, kibibytes=8, lanes=1, scram_iterations=4096)


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    made = Passwords(SeededIds(), CHEAP)
    yield made
    made.close()


def test_what_is_kept_of_a_password(passwords: Passwords, run: Any) -> None:
    secrets = run(passwords.secrets("pa\u00dfwort \u2168"))
    assert secrets.password_hash.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert secrets.keys == derive_keys("pa\u00dfwort IX", secrets.keys.salt, 4096)
    assert run(passwords.verify(secrets.password_hash, "pa\u00dfwort IX"))
    assert not run(passwords.verify(secrets.password_hash, "pa\u00dfwort ix"))
    assert not run(passwords.verify(secrets.password_hash, "bad\x00"))


def test_two_of_one_password_are_not_alike(passwords: Passwords, run: Any) -> None:
    first, second = run(passwords.secrets("x")), run(passwords.secrets("x"))
    assert first.password_hash != second.password_hash
    assert first.keys.salt != second.keys.salt


def test_nobody_has_no_password(passwords: Passwords, run: Any) -> None:
    for guess in ("", "nobody", "x" * 5000):
        assert not run(passwords.verify(None, guess))


def test_a_damaged_hash_is_never_right(passwords: Passwords, run: Any) -> None:
    assert not run(passwords.verify("$argon2id$nonsense", "x"))
    assert not run(passwords.verify("", ""))


@pytest.mark.parametrize("password", ["", "\x00", "x" * 1025])
def test_unusable(passwords: Passwords, run: Any, password: str) -> None:
    with pytest.raises(Failure, match="This password cannot be used") as raised:
        run(passwords.secrets(password))
    assert raised.value.kind is FailureKind.INVALID


def test_too_many_at_once_are_told_to_come_back(
    passwords: Passwords, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 5)

    async def flood() -> list[Any]:
        return await asyncio.gather(*[passwords.verify(None, "x") for _ in range(8)], return_exceptions=True)

    answers = run(flood())
    assert answers[:5] == [False] * 5
    assert [failure.kind for failure in answers[5:]] == [FailureKind.UNAVAILABLE] * 3
    assert run(passwords.verify(None, "x")) is False
