"""One target's side of the archive: what is there, what is on its way, and when to try again.

Everything at the target happens in one thread of the depot's own, one job at a time, so that a target that hangs holds
up nobody. Octets count as archived once they are flushed. After any failure what is there is uncertain: the target is
listed anew before the next try, which comes after 1, 2, 4 ... 60 seconds. All calls are made by the archiver's thread.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from typing import NamedTuple

from pillarbox.model.failure import Failure
from pillarbox.model.recovery import Span, Target
from pillarbox.recovery.archived import After, ArchivedLog, Segment

LONGEST_PAUSE = 60.0
_MANY = 32


class Shipment(NamedTuple):
    """An object to put, and those that are to be deleted when it is durable."""

    name: str
    span: Span
    data: bytes
    replaces: tuple[str, ...] = ()


class Depot:
    """One target and one database.

    `log` is what is archived; `known`: it was listed since the last failure. When it was, log behind `floor` may have
    been missing, and `leftovers` could be deleted.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self.log = ArchivedLog()
        self.known = False
        self.floor: After | None = None
        self.leftovers: list[str] = []
        self.trouble = ""
        self.complete_at = 0
        self._failures = 0
        self._retry_at = 0.0
        self._job: Future[Callable[[], None]] | None = None
        self._thread = ThreadPoolExecutor(1, "archive")

    @property
    def label(self) -> str:
        return self.target.label

    def ready(self, now: float) -> bool:
        """Whether something may be asked of the target at `now` (monotonic)."""
        return self._job is None and now >= self._retry_at

    def reset(self) -> None:
        """Begin anew, with another database's log."""
        self.log = ArchivedLog()
        self.known = False
        self.complete_at = 0

    def list(self, database: str, uuid: str) -> None:
        """Begin to find out what is there."""

        before = self.log

        def work() -> Callable[[], None]:
            log = ArchivedLog.read(self.target, database, uuid)
            self.target.flush()  # what an attempt that failed left there is not durable yet
            return lambda: self._take(log, before)

        self._job = self._thread.submit(work)

    def ship(self, shipments: Sequence[Shipment]) -> None:
        """Begin to put, make durable, and then delete what is superfluous."""
        log = self.log

        def work() -> Callable[[], None]:
            for shipment in shipments:
                if shipment.data:
                    self.target.put(shipment.name, shipment.data)
            self.target.flush()
            for shipment in shipments:
                for name in shipment.replaces:
                    self.target.delete(name)
            return lambda: self._shipped(log, shipments)

        self._job = self._thread.submit(work)

    def collect(self, now: float, patience: float) -> None:
        """Take up what the job did, if it is done within `patience` seconds."""
        if self._job is None:
            return
        try:
            done = self._job.result(patience)
        except NotYet:
            self.trouble = f"{self.label} does not answer"
            return
        except Failure as failure:
            self._job = None
            self._failed(failure, now)
            return
        self._job = None
        done()

    def at_rest(self) -> None:
        """The target has all there is to have."""
        self._failures, self.trouble = 0, ""

    def close(self) -> None:
        """Wait for the job at work, and stop."""
        self._thread.shutdown()

    def start_of(self, segment: Segment) -> int:
        """The octet at which the next span of a growing segment begins.

        That is where the last one ends; when there are many, the small ones at the end become part of the new one, so
        that a segment never has many objects, however slowly it fills.
        """
        spans = list(self.log.spans(segment).values())
        finish = start = self.log.reach(segment).finish
        if len(spans) < _MANY:
            return start
        for span in reversed(spans):
            # The first one is always taken; another one only if it is no larger than all behind it together.
            size = finish - start
            if span.finish != start or (size and span.finish - span.start > size):
                break
            start = span.start
        return start

    def _take(self, log: ArchivedLog, before: ArchivedLog) -> None:
        if self.log is before:  # else it is another database's by now
            self.log, self.floor, self.leftovers = log, log.floor(), log.superfluous()
            self.known = True

    def _shipped(self, log: ArchivedLog, shipments: Sequence[Shipment]) -> None:
        for shipment in shipments:
            if shipment.data:
                log.add(shipment.name, shipment.span)
            for name in shipment.replaces:
                log.remove(name)
        self.leftovers = []
        self._failures, self.trouble = 0, ""

    def _failed(self, failure: Failure, now: float) -> None:
        self.known = False
        self.trouble = failure.public
        self._retry_at = now + min(LONGEST_PAUSE, 2.0**self._failures)
        self._failures = min(self._failures + 1, 10)
