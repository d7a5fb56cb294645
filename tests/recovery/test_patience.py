"""Patience: only with what may pass, and not for ever."""

import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.recovery.patience import DELAYS, patiently


class Flaky:
    def __init__(self, failures: int, kind: FailureKind = FailureKind.UNAVAILABLE) -> None:
        self.failures = failures
        self.kind = kind
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.failures:
            raise Failure(self.kind, "no")
        return "done"


def test_it_waits_longer_and_longer() -> None:
    waits: list[float] = []
    assert patiently(Flaky(len(DELAYS)), waits.append) == "done"
    assert tuple(waits) == DELAYS and sorted(waits) == waits


def test_it_ends() -> None:
    call = Flaky(100)
    with pytest.raises(Failure, match="no"):
        patiently(call, lambda seconds: None)
    assert call.calls == len(DELAYS) + 1


def test_what_does_not_pass_is_raised_at_once() -> None:
    for kind in (FailureKind.DISK_FULL, FailureKind.NOT_FOUND, FailureKind.NOT_ALLOWED, FailureKind.CORRUPT):
        call = Flaky(1, kind)
        with pytest.raises(Failure):
            patiently(call, lambda seconds: None)
        assert call.calls == 1


def test_it_stops_when_there_is_no_use() -> None:
    call = Flaky(100)
    with pytest.raises(Failure):
        patiently(call, lambda seconds: None, given_up=lambda: call.calls >= 2)
    assert call.calls == 2
