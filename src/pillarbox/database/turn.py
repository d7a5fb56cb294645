"""Running a piece of the writer thread's work on the event loop's thread.

Each SQLite call lets go of Python's global lock and must get it back; beside a busy event loop that takes longer than
the call. On the loop's own thread there is nobody to get it back from. Only for work that is brief; what waits for a
disk or for another process stays in the writer thread (docs/decisions/0007).
"""

import asyncio
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

PATIENCE = 0.01
"""Seconds the writer thread waits for the loop to come to its work before it does the work itself."""


def take_turn(loop: asyncio.AbstractEventLoop, work: Callable[[], T]) -> T:
    """The result of `work`, done on `loop`, or here if the loop does not come to it; raises what it raised."""
    turn = _Turn(work)
    try:
        loop.call_soon_threadsafe(turn.run)
    except RuntimeError:  # the loop was closed
        return work()
    return turn.result()


class _Turn(Generic[T]):
    """One piece of work, done exactly once by whoever claims it first."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._claim = threading.Lock()
        self._done = threading.Event()
        self._value: T
        self._error: BaseException | None = None

    def run(self) -> None:
        """Does the work unless it is claimed already."""
        if not self._claim.acquire(blocking=False):
            return
        try:
            self._value = self._work()
        except BaseException as error:
            self._error = error
        finally:
            self._done.set()

    def result(self) -> T:
        """What came of the work; claims it after a while."""
        if not self._done.wait(PATIENCE):
            self.run()
            self._done.wait()
        if self._error is not None:
            raise self._error
        return self._value
