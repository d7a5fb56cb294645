"""The log archive: what is committed to a database's log goes to every target, within a second or two.

The growing segment goes as small spans, each with what came since the last step. Once it is closed the whole of it is
put as one object, made durable, and then the small ones are deleted. Each span is read and encoded once for all
targets. A target that fails or hangs does not hold up the others; it is tried again and catches up by itself.

Invariants. What `state` and `coverage` say is archived has been flushed at the target. Only committed log is sent.
Nothing is deleted at a target before the object that holds the same octets is durable there.

`step` never raises `Failure`: what is wrong is a sentence in the lags. What a target lacks and the log volumes do not
have any more is said too, until a backup made after it heals it (`note_backup`). Calls from several threads wait for
each other, except for `state`.
"""

import threading
from collections.abc import Sequence
from typing import NamedTuple

from pillarbox.base.clock import MICROSECONDS, Clock
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import LiveDatabase, Span, Target
from pillarbox.recovery.archived import Chain, Hole, Mark, Segment
from pillarbox.recovery.codec import Codec
from pillarbox.recovery.depot import Depot, Shipment
from pillarbox.recovery.logview import LogView
from pillarbox.recovery.names import span_name

_BUDGET = 128 << 20
"""Octets of log read in one step; who is further behind gets the rest in the next ones."""

_UNREADABLE_SECONDS = 60.0


class Lag(NamedTuple):
    """How far one target is behind: the newest record that is there, and what is waiting.

    `records` and `octets` are not there yet; `seconds` is how much would be lost with the machine (at most), 0 when
    nothing is waiting. `alarm` is what an operator must hear about, or empty.
    """

    target: str
    generation: int
    lsn: int
    records: int
    octets: int
    seconds: float
    alarm: str


class Coverage(NamedTuple):
    """What of the log is at one target without a hole, its newest record included; None: nothing, or not known."""

    target: str
    chain: Chain | None


class Archiver:
    """Keeps the log of one database at some targets. `patience`: how long a step waits for a target, seconds."""

    def __init__(
        self,
        database: LiveDatabase,
        targets: Sequence[Target],
        codec: Codec,
        clock: Clock,
        patience: float = 1.0,
    ) -> None:
        self._database = database
        self._codec = codec
        self._clock = clock
        self._patience = patience
        self._depots = [Depot(target) for target in targets]
        self._view = LogView(database)
        self._uuid = ""
        self._generation = 0
        self._started = clock.now()
        self._looked_at = self._started
        self._healed: Mark = (0, 0)
        self._trouble = ""
        self._unreadable: dict[Segment, tuple[float, str]] = {}
        self._lags: tuple[Lag, ...] = ()
        self._lock = threading.Lock()

    def step(self) -> tuple[Lag, ...]:
        """Send what is new; one lag for each target, in the order of the targets."""
        with self._lock:
            return self._step()

    def _step(self) -> tuple[Lag, ...]:
        for depot in self._depots:
            depot.collect(self._clock.monotonic(), 0)
        try:
            self._find_out()
            self._send()
            self._trouble = ""
        except Failure as failure:
            self._trouble = f"The log of {self._database.name} cannot be archived: {failure.public}"
        self._lags = tuple(self._lag(depot) for depot in self._depots)
        return self._lags

    def state(self) -> tuple[Lag, ...]:
        """What the last step said."""
        return self._lags

    def coverage(self) -> list[Coverage]:
        """What every target has."""
        with self._lock:
            return [Coverage(depot.label, depot.log.chain()) for depot in self._depots]

    def aged(self, time: int) -> Mark | None:
        """The last record of the closed segments, from the oldest on, all of whose records are of `time` or before.

        As the target says that has the most log; None if there is none.
        """
        with self._lock:
            return max((mark for depot in self._depots if (mark := depot.log.aged(time)) is not None), default=None)

    def note_backup(self, point: Mark) -> None:
        """There is a backup up to this record: log that was missed before it is not needed any more."""
        with self._lock:
            self._healed = max(self._healed, point)

    def close(self) -> None:
        """Wait for what is on its way."""
        for depot in self._depots:
            depot.close()

    def _find_out(self) -> None:
        """List targets that are not known, and see what is new in the live log."""
        uuid = self._database.uuid
        if uuid != self._uuid:
            self._uuid, self._view = uuid, LogView(self._database)
            self._healed, self._generation = (0, 0), 0
            self._unreadable.clear()
            for depot in self._depots:
                depot.reset()
        for depot in self._ready():
            if not depot.known:
                depot.list(self._database.name, uuid)
        self._collect()
        if any(_newest(depot) > self._generation for depot in self._depots):
            self._generation = self._database.position().generation
        # Behind the log of a later generation than ours, which another server wrote, nothing of ours is known.
        floors = [depot.floor if _newest(depot) <= self._generation else None for depot in self._depots if depot.known]
        if floors:
            now = self._clock.now()
            self._view.begin(min(floors, key=lambda floor: floor or (0, 0, 0)))
            self._view.look()
            self._generation = max([self._generation, *(generation for generation, _ in self._view.spans)])
            self._looked_at = now
            for segment in self._unreadable.keys() - self._view.spans.keys():
                del self._unreadable[segment]

    def _send(self) -> None:
        depots = [depot for depot in self._ready() if depot.known]
        waiting: dict[int, list[Shipment]] = {
            index: [Shipment(name, _NOTHING, b"", (name,)) for name in depot.leftovers]
            for index, depot in enumerate(depots)
        }
        budget = _BUDGET
        for segment, span in sorted(self._view.spans.items()):
            lacking = {index: depot for index, depot in enumerate(depots) if _lacks(depot, segment, span)}
            if not lacking:
                self._forget(segment)
            elif budget > 0 and self._clock.monotonic() >= self._unreadable.get(segment, (0.0, ""))[0]:
                budget -= self._load(segment, span, lacking, waiting)
        for index, depot in enumerate(depots):
            if waiting[index]:
                depot.ship(waiting[index])
            elif all(not _lacks(depot, *item) for item in self._view.spans.items()):
                depot.at_rest()
        self._collect()

    def _load(self, segment: Segment, span: Span, lacking: dict[int, Depot], waiting: dict[int, list[Shipment]]) -> int:
        """Read what the depots lack of a segment, and make shipments of it; how many octets that were."""
        starts = {index: 0 if span.closed else depot.start_of(segment) for index, depot in lacking.items()}
        begin = min(starts.values())
        first = {0: segment[1]}
        for depot in lacking.values():
            found = depot.log.reach(segment)
            first[found.finish] = found.last + 1
            first |= {part.start: part.first for part in depot.log.spans(segment).values()}
        try:
            plain = self._database.read_log(span._replace(start=begin, first=first[begin]))
        except Failure as failure:
            self._view.again()
            self._view.look()
            if segment in self._view.spans:  # else it was pruned, or put away with its database
                self._unreadable[segment] = (self._clock.monotonic() + _UNREADABLE_SECONDS, failure.public)
            return 0
        self._unreadable.pop(segment, None)
        shipments: dict[int, tuple[str, Span, bytes]] = {}
        for index, start in starts.items():
            if start not in shipments:
                part = span._replace(start=start, first=first[start])
                name = span_name(self._database.name, self._uuid, part, self._codec.suffix)
                shipments[start] = (name, part, self._codec.encode(plain[start - begin :] if start > begin else plain))
            name, part, data = shipments[start]
            replaced = [
                other
                for other, old in lacking[index].log.spans(segment).items()
                if other != name and part.start <= old.start and old.finish <= part.finish
            ]
            waiting[index].append(Shipment(name, part, data, tuple(replaced)))
        return len(plain)

    def _forget(self, segment: Segment) -> None:
        """Not to be looked at again where every target has it for good."""
        if all(depot.known and depot.log.whole(segment) for depot in self._depots):
            self._view.forget(segment)

    def _ready(self) -> list[Depot]:
        now = self._clock.monotonic()
        return [depot for depot in self._depots if depot.ready(now)]

    def _collect(self) -> None:
        patience = self._patience
        for depot in self._depots:
            begun = self._clock.monotonic()
            depot.collect(begun, patience)
            patience = max(0.0, patience - (self._clock.monotonic() - begun))

    def _lag(self, depot: Depot) -> Lag:
        records = octets = 0
        for segment, span in self._view.spans.items():
            found = depot.log.reach(segment)
            records += max(0, span.last - found.last)
            octets += max(0, span.finish - found.finish)
        chain = depot.log.chain()
        generation, lsn = chain.last if chain else (0, 0)
        if records == 0 and depot.known:
            depot.complete_at = self._looked_at
        seconds = 0.0
        if records or not depot.known:
            newest = depot.log.reach(depot.log.segments()[-1]).time if chain else 0
            safe = max(newest, depot.complete_at) or self._started
            seconds = max(0.0, (self._clock.now() - safe) / MICROSECONDS)
        return Lag(depot.label, generation, lsn, records, octets, seconds, self._alarm(depot))

    def _alarm(self, depot: Depot) -> str:
        sentences = [self._trouble, depot.trouble]
        sentences += [f"Log of {self._database.name} is unreadable: {text}" for _, text in self._unreadable.values()]
        for segment, span in self._view.spans.items():
            if depot.known and _ahead(depot, segment, span):
                found = depot.log.reach(segment)
                sentences.append(
                    f"{depot.label} has log of {self._database.name} up to record {found.last} in segment "
                    f"{segment[0]}-{segment[1]:016x}, but the database only up to {span.last}: a database that was "
                    "brought back must begin a new generation"
                )
        if _newest(depot) > self._generation > 0:
            sentences.append(
                f"{depot.label} has log of {self._database.name} of generation {_newest(depot)}, and here it is "
                f"{self._generation}: another server has gone on with this database there; one of the two needs a "
                "target of its own"
            )
        sentences += [self._missing(depot, hole) for hole in self._holes(depot)]
        return ". ".join(sentence.rstrip(".") for sentence in sentences if sentence)

    def _holes(self, depot: Depot) -> list[Hole]:
        return [hole for hole in depot.log.holes() if (hole.generation, hole.last) > self._healed]

    def _missing(self, depot: Depot, hole: Hole) -> str:
        return (
            f"{depot.label} lacks records {hole.first} to {hole.last} of {self._database.name}, and the log volumes do "
            "not have them any more: make a backup, so that they are not needed"
        )


_NOTHING = Span(0, 0, 0, 0, 0, 0, 0, False)


def _newest(depot: Depot) -> int:
    """The newest generation whose log is at a target."""
    segments = depot.log.segments()
    return segments[-1][0] if segments else 0


def _lacks(depot: Depot, segment: Segment, span: Span) -> bool:
    """Whether the target lacks something of a segment that can be sent to it."""
    if depot.log.whole(segment) is not None or _ahead(depot, segment, span):
        return False
    return span.closed or span.finish > depot.log.reach(segment).finish


def _ahead(depot: Depot, segment: Segment, span: Span) -> bool:
    """Whether the target has more of a segment than there is: the log of another history."""
    found = depot.log.reach(segment)
    return found.finish > span.finish or (found.closed and found.finish < span.finish)
