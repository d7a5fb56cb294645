"""The writer thread: takes all writes that wait, commits them together, wakes everyone who waited.

While one batch is on its way to the disk the next one gathers: the slower the disk, the larger the batches. Where
several writers are active the thread lingers a little before it begins, until those who were there lately are there
again: a commit costs about the same for one write as for ten. A writer who is alone never waits.

Where there is a `Safeguard` (a standby must have the record too), it answers those who wait, when it is time; the
thread goes on with the next batch meanwhile. Writers that it refuses get a Failure though their writes are committed
here: whoever sends again after a temporary error may do so twice.
"""

import asyncio
import concurrent.futures
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from pillarbox.base import metrics
from pillarbox.base.clock import Clock
from pillarbox.base.failure import FailureKind
from pillarbox.base.metrics import Counters
from pillarbox.database.checkpoint import Checkpointer
from pillarbox.database.commit import Committer, Request
from pillarbox.database.place import Tuning
from pillarbox.database.turn import take_turn
from pillarbox.model.failure import Failure
from pillarbox.model.logged import Commit, WriteCursor
from pillarbox.model.recovery import LogPoint
from pillarbox.model.standby import Safeguard

T = TypeVar("T")

_LINGER = 0.006  # seconds
_MOST = 100  # percent
_MOST_BY_TURN = 64


class Waiting(Request):
    """A request and who waits for it: a future of an event loop, or (`loop` None) of a blocked thread."""

    __slots__ = ("brief", "future", "loop")

    def __init__(
        self,
        fn: Callable[[WriteCursor], Any],
        size: int,
        future: "asyncio.Future[Any] | concurrent.futures.Future[Any]",
        loop: asyncio.AbstractEventLoop | None,
        brief: bool = False,
    ) -> None:
        super().__init__(fn, size)
        self.brief = brief
        self.future = future
        self.loop = loop

    def wake(self) -> None:
        """Hand over what came of it."""
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)
        elif isinstance(self.error, StopIteration):  # which no future can carry
            self.future.set_exception(RuntimeError("a write function raised StopIteration"))
        else:
            self.future.set_exception(self.error)


class Writer:
    """Owns the committer from `start` until `close` returns."""

    def __init__(
        self,
        name: str,
        committer: Committer,
        checkpointer: Checkpointer,
        tuning: Tuning,
        clock: Clock,
        counters: Counters,
        safeguard: Safeguard | None = None,
    ) -> None:
        self._name = name
        self._safeguard = safeguard
        self._checkpointer = checkpointer
        self._committer = committer
        self._tuning = tuning
        self._clock = clock
        self._counters = counters
        self._gate = threading.Condition()
        self._queue: deque[Waiting] = deque()
        self._enough = 1
        self._lately = 0
        self._closed = False
        self._subscribers: list[tuple[asyncio.AbstractEventLoop, Callable[[Commit], None]]] = []
        self._thread = threading.Thread(target=self._run, name=f"writer-{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, request: Waiting) -> None:
        """Queue a write. Raises Failure UNAVAILABLE once closed."""
        with self._gate:
            if self._closed:
                raise Failure(FailureKind.UNAVAILABLE, "The database is closed.")
            self._queue.append(request)
            if len(self._queue) == self._enough:
                self._gate.notify()

    def subscribe(self, callback: Callable[[Commit], None]) -> Callable[[], None]:
        entry = (asyncio.get_running_loop(), callback)
        self._subscribers = [*self._subscribers, entry]

        def stop() -> None:
            self._subscribers = [other for other in self._subscribers if other is not entry]

        return stop

    def close(self) -> None:
        """Commit what is queued, then end the thread."""
        with self._gate:
            self._closed = True
            self._gate.notify()
        self._thread.join()

    def _run(self) -> None:
        counters, database = self._counters, self._name
        while batch := self._gather():
            began = self._clock.monotonic()
            loop = _loop_for(batch)
            if loop is None:
                self._committer.commit(list(batch))
            else:
                self._committer.commit(list(batch), partial(take_turn, loop))
            position = self._committer.position
            if self._safeguard is None:
                self._deliver(batch, position.mark.lsn)
            else:
                generation, (lsn, segment, _, finish, _) = position.identity.generation, position.mark
                point = LogPoint(generation, lsn, segment, finish)
                self._safeguard.confirm(point, partial(self._answer, batch, lsn))
            counters.count(metrics.COMMITS, database=database)
            counters.observe(metrics.COMMIT_WRITES, len(batch), database=database)
            counters.observe(metrics.COMMIT_SECONDS, self._clock.monotonic() - began, database=database)
            self._checkpointer.note(self._committer.wal_pages)

    def _gather(self) -> list[Waiting]:
        """Wait for a write, and take with it all that wait too, up to the limits of a batch; empty once closed."""
        with self._gate:
            # How many writers are active: those of the last batch, and those who came while it was written.
            active = self._lately + len(self._queue)
            self._wait_for(1, None)
            self._wait_for(min(active * _MOST // 100, self._tuning.batch_count), _LINGER)
            self._enough = 0  # nobody need wake this thread while it works
            batch: list[Waiting] = []
            size = 0
            while self._queue and len(batch) < self._tuning.batch_count:
                size += self._queue[0].size
                if batch and size > self._tuning.batch_size:
                    break
                batch.append(self._queue.popleft())
            self._lately = len(batch)
            return batch

    def _wait_for(self, count: int, seconds: float | None) -> None:
        """Until `count` writes wait, the time is over, or the database is being closed."""
        self._enough = count
        self._gate.wait_for(lambda: self._closed or len(self._queue) >= count, seconds)

    def _answer(self, batch: list[Waiting], lsn: int, failure: Failure | None) -> None:
        if failure is not None:
            for request in batch:
                request.error = request.error or Failure(failure.kind, failure.public, failure.cause)
        self._deliver(batch, lsn)

    def _deliver(self, batch: list[Waiting], lsn: int) -> None:
        """Publish, then wake: who waited for a write finds its notices already delivered."""
        changes = [change for request in batch if request.error is None for change in request.published]
        if changes:
            commit = Commit(self._name, lsn, changes)
            for loop, callback in self._subscribers:
                _call(loop, callback, commit)
        by_loop: dict[asyncio.AbstractEventLoop | None, list[Waiting]] = {}
        for request in batch:
            by_loop.setdefault(request.loop, []).append(request)
        for waiting_loop, requests in by_loop.items():
            if waiting_loop is None:
                _wake(requests)
            else:
                _call(waiting_loop, _wake, requests)


def _loop_for(batch: list[Waiting]) -> asyncio.AbstractEventLoop | None:
    """The loop that may run a batch by turn: all of it comes from there and is brief."""
    loop = batch[0].loop
    if len(batch) > _MOST_BY_TURN or not all(request.brief and request.loop is loop for request in batch):
        return None
    return loop


def _wake(requests: list[Waiting]) -> None:
    for request in requests:
        request.wake()


def _call(loop: asyncio.AbstractEventLoop, function: Callable[[T], None], argument: T) -> None:
    with suppress(RuntimeError):  # the loop was closed: nobody is left to hear of it
        loop.call_soon_threadsafe(function, argument)
