"""Targets for tests: one in memory, and one that fails on demand.

`MemoryTarget.power_cut()` forgets what was put or replaced since the last `flush`. `FaultyTarget` stands before any
target and fails when it is told to; whether a put that failed was done all the same is one of the choices.
"""

import threading
from collections.abc import Callable, Iterator

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import Stored, Target
from pillarbox.recovery.names import valid_name


class MemoryTarget:
    """A target that lives in this process. `objects` and `durable` may be looked at and damaged."""

    def __init__(self, label: str = "memory") -> None:
        self.objects: dict[str, bytes] = {}
        self.durable: dict[str, bytes] = {}
        self._label = label
        self._lock = threading.Lock()

    @property
    def label(self) -> str:
        return self._label

    def put(self, name: str, data: bytes) -> None:
        self._check(name)
        with self._lock:
            self.objects[name] = bytes(data)

    def flush(self) -> None:
        with self._lock:
            self.durable = dict(self.objects)

    def get(self, name: str) -> bytes:
        self._check(name)
        with self._lock:
            if name not in self.objects:
                raise Failure(FailureKind.NOT_FOUND, f"{name} is not at {self._label}")
            return self.objects[name]

    def list(self, prefix: str) -> Iterator[Stored]:
        with self._lock:
            found = sorted(Stored(name, len(data)) for name, data in self.objects.items() if name.startswith(prefix))
        return iter(found)

    def delete(self, name: str) -> None:
        self._check(name)
        with self._lock:
            self.objects.pop(name, None)

    def power_cut(self) -> None:
        """Go back to what was durable."""
        with self._lock:
            self.objects = dict(self.durable)

    def flip(self, name: str, octet: int = -1) -> None:
        """Damage one bit of an object; -1: in its middle."""
        data = bytearray(self.objects[name])
        data[octet if octet >= 0 else len(data) // 2] ^= 1
        self.objects[name] = bytes(data)

    @staticmethod
    def _check(name: str) -> None:
        if not valid_name(name):
            raise Failure(FailureKind.INVALID, f"{name!r} is not a name for an object")


class FaultyTarget:
    """`inner`, whose calls fail as long as `broken(call number, what, name)` says so.

    `what` is "put", "flush", "get", "list" or "delete"; calls are numbered from 0. With `done_anyway` a put that fails
    was done nevertheless: the connection was cut before the answer came. `calls` counts all, `log` names them.
    """

    def __init__(
        self,
        inner: Target,
        broken: Callable[[int, str, str], bool] = lambda number, what, name: False,
        kind: FailureKind = FailureKind.UNAVAILABLE,
        done_anyway: bool = False,
    ) -> None:
        self.inner = inner
        self.broken = broken
        self.kind = kind
        self.done_anyway = done_anyway
        self.calls = 0
        self.log: list[tuple[str, str]] = []
        self._lock = threading.Lock()

    @property
    def label(self) -> str:
        return self.inner.label

    def put(self, name: str, data: bytes) -> None:
        failure = self._next("put", name)
        if failure is None or self.done_anyway:
            self.inner.put(name, data)
        if failure:
            raise failure

    def flush(self) -> None:
        self._pass("flush", "")
        self.inner.flush()

    def get(self, name: str) -> bytes:
        self._pass("get", name)
        return self.inner.get(name)

    def list(self, prefix: str) -> Iterator[Stored]:
        self._pass("list", prefix)
        return self.inner.list(prefix)

    def delete(self, name: str) -> None:
        self._pass("delete", name)
        self.inner.delete(name)

    def _pass(self, what: str, name: str) -> None:
        failure = self._next(what, name)
        if failure:
            raise failure

    def _next(self, what: str, name: str) -> Failure | None:
        with self._lock:
            number = self.calls
            self.calls += 1
            self.log.append((what, name))
        return Failure(self.kind, f"{self.label}: the connection was cut") if self.broken(number, what, name) else None


def after(calls: int) -> Callable[[int, str, str], bool]:
    """Broken for good once there were so many calls."""
    return lambda number, what, name: number >= calls


def between(first: int, last: int) -> Callable[[int, str, str], bool]:
    """Broken from call `first` on, and well again from call `last`."""
    return lambda number, what, name: first <= number < last


def on(name_part: str, what: str = "put") -> Callable[[int, str, str], bool]:
    """Broken for one kind of call on objects whose name contains a word."""
    return lambda number, call, name: call == what and name_part in name
