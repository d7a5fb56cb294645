"""The writer thread: takes all writes that wait, commits them together, wakes everyone who waited.

While one batch is on its way to the disk the next one gathers: the slower the disk, the larger the batches.
"""

import asyncio
import concurrent.futures
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from pillarbox.base.failure import FailureKind
from pillarbox.database.checkpoint import Checkpointer
from pillarbox.database.commit import Committer, Request
from pillarbox.database.place import Tuning
from pillarbox.model.failure import Failure
from pillarbox.model.logged import Commit, WriteCursor

T = TypeVar("T")


class Waiting(Request):
    """A request and who waits for it: a future of an event loop, or (`loop` None) of a blocked thread."""

    __slots__ = ("future", "loop")

    def __init__(
        self,
        fn: Callable[[WriteCursor], Any],
        size: int,
        future: "asyncio.Future[Any] | concurrent.futures.Future[Any]",
        loop: asyncio.AbstractEventLoop | None,
    ) -> None:
        super().__init__(fn, size)
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

    def __init__(self, name: str, committer: Committer, checkpointer: Checkpointer, tuning: Tuning) -> None:
        self._name = name
        self._checkpointer = checkpointer
        self._committer = committer
        self._tuning = tuning
        self._queue: queue.SimpleQueue[Waiting | None] = queue.SimpleQueue()
        self._gate = threading.Lock()
        self._closed = False
        self._left: Waiting | None = None
        self._ending = False
        self._subscribers: list[tuple[asyncio.AbstractEventLoop, Callable[[Commit], None]]] = []
        self._thread = threading.Thread(target=self._run, name=f"writer-{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, request: Waiting) -> None:
        """Queue a write. Raises Failure UNAVAILABLE once closed."""
        with self._gate:
            if self._closed:
                raise Failure(FailureKind.UNAVAILABLE, "The database is closed.")
            self._queue.put(request)

    def subscribe(self, callback: Callable[[Commit], None]) -> Callable[[], None]:
        entry = (asyncio.get_running_loop(), callback)
        self._subscribers = [*self._subscribers, entry]

        def stop() -> None:
            self._subscribers = [other for other in self._subscribers if other is not entry]

        return stop

    def close(self) -> None:
        """Commit what is queued, then end the thread."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while not self._ending:
            batch = self._gather()
            if batch:
                self._committer.commit(list(batch))
                self._deliver(batch)
                self._checkpointer.note(self._committer.wal_pages)

    def _gather(self) -> list[Waiting]:
        """Wait for a write, and take with it all that wait too, up to the limits of a batch."""
        batch: list[Waiting] = []
        size = 0
        request = self._left or self._queue.get()
        self._left = None
        while request is not None:
            if batch and size + request.size > self._tuning.batch_size:
                self._left = request
                return batch
            batch.append(request)
            size += request.size
            if len(batch) >= self._tuning.batch_count:
                return batch
            try:
                request = self._queue.get_nowait()
            except queue.Empty:
                return batch
        self._ending = True
        return batch

    def _deliver(self, batch: list[Waiting]) -> None:
        """Publish, then wake: who waited for a write finds its notices already delivered."""
        changes = [change for request in batch if request.error is None for change in request.published]
        if changes:
            commit = Commit(self._name, self._committer.position.mark.lsn, changes)
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


def _wake(requests: list[Waiting]) -> None:
    for request in requests:
        request.wake()


def _call(loop: asyncio.AbstractEventLoop, function: Callable[[T], None], argument: T) -> None:
    with suppress(RuntimeError):  # the loop was closed: nobody is left to hear of it
        loop.call_soon_threadsafe(function, argument)
