"""When guessing passwords is stopped, for how long, and at what cost in memory."""

import pytest

from pillarbox.base.clock import FixedClock
from pillarbox.base.failure import FailureKind
from pillarbox.directory.lockout import Lockout
from pillarbox.model.failure import Failure


def locked(lockout: Lockout, login: str = "alice", client: str = "192.0.2.1") -> bool:
    try:
        lockout.check(login, client)
    except Failure as failure:
        assert failure.kind is FailureKind.LOCKED_OUT
        assert failure.temporary
        return True
    return False


def fail(lockout: Lockout, times: int, login: str = "alice", client: str = "192.0.2.1") -> None:
    for _ in range(times):
        lockout.failed(login, client)


def test_the_limit_locks_that_name_from_that_client_alone() -> None:
    lockout = Lockout(3, 60, FixedClock())
    fail(lockout, 2)
    assert not locked(lockout)
    fail(lockout, 1)
    assert locked(lockout)
    assert not locked(lockout, "bob")
    assert not locked(lockout, client="192.0.2.2")


def test_the_sentence_says_how_long() -> None:
    clock = FixedClock()
    lockout = Lockout(1, 60, clock)
    fail(lockout, 1)
    clock.advance(15)
    with pytest.raises(Failure, match="try again in 45 seconds"):
        lockout.check("alice", "192.0.2.1")


def test_a_lock_ends_and_the_count_starts_again() -> None:
    clock = FixedClock()
    lockout = Lockout(3, 60, clock)
    fail(lockout, 3)
    clock.advance(59.9)
    assert locked(lockout)
    clock.advance(0.1)
    assert not locked(lockout)
    fail(lockout, 2)
    assert not locked(lockout)


def test_failures_count_within_a_sliding_window() -> None:
    clock = FixedClock()
    lockout = Lockout(3, 60, clock)
    for _ in range(10):
        fail(lockout, 1)
        clock.advance(31)
        assert not locked(lockout)
    fail(lockout, 2)
    assert locked(lockout)


def test_success_forgets() -> None:
    lockout = Lockout(3, 60, FixedClock())
    fail(lockout, 2)
    lockout.succeeded("alice", "192.0.2.1")
    fail(lockout, 2)
    assert not locked(lockout)


def test_no_limit() -> None:
    lockout = Lockout(0, 60, FixedClock())
    fail(lockout, 100)
    assert not locked(lockout)


def test_memory_is_bounded_and_the_newest_are_kept() -> None:
    lockout = Lockout(3, 60, FixedClock(), most=100)
    fail(lockout, 3)
    for number in range(99):
        fail(lockout, 1, f"user{number}")
    assert locked(lockout)
    fail(lockout, 1000)
    for number in range(99):
        fail(lockout, 1, f"other{number}")
    assert len(lockout) == 100
    assert locked(lockout)
    fail(lockout, 1, "one more")
    assert not locked(lockout)
