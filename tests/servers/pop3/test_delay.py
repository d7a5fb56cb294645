"""LOGIN-DELAY, remembered in files that all processes share."""

from pathlib import Path

import pytest

from pillarbox.base.clock import FixedClock
from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.ids import AccountId
from pillarbox.servers.pop3.delay import LoginDelay

ALICE, BOB = AccountId(1), AccountId(2)


def test_from_login_to_login_in_whichever_worker(tmp_path: Path) -> None:
    clock = FixedClock()
    one, other = (LoginDelay(tmp_path / "logins", 60, clock) for _ in range(2))
    assert one.remaining(ALICE) == 0
    one.entered(ALICE)
    assert one.remaining(ALICE) == other.remaining(ALICE) == 60
    assert other.remaining(BOB) == 0
    clock.advance(0.5)
    assert other.remaining(ALICE) == 60
    clock.advance(59.4)
    assert other.remaining(ALICE) == 1
    clock.advance(0.1)
    assert other.remaining(ALICE) == 0
    other.entered(ALICE)
    assert one.remaining(ALICE) == 60


def test_a_clock_set_back_holds_nobody_up(tmp_path: Path) -> None:
    clock = FixedClock()
    delay = LoginDelay(tmp_path / "logins", 60, clock)
    delay.entered(ALICE)
    clock.advance(-3600)
    assert delay.remaining(ALICE) == 0


def test_without_a_delay_nothing_is_written(tmp_path: Path) -> None:
    delay = LoginDelay(tmp_path / "logins", 0, FixedClock())
    delay.entered(ALICE)
    assert delay.remaining(ALICE) == 0
    assert not list(tmp_path.iterdir())


def test_a_directory_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    delay = LoginDelay(tmp_path / "file" / "logins", 60, FixedClock())
    for ask in (delay.remaining, delay.entered):
        with pytest.raises(Failure) as raised:
            ask(ALICE)
        assert raised.value.kind is FailureKind.UNAVAILABLE
