"""One standby as the active server sees it: what it has, what is on its way to it, what it needs next.

No input or output but reading the log: messages come in by `receive`, `next_messages` gives those to be sent now, and
is to be asked again after each commit, each message that came, and each second. Of each database, no more than
`WINDOW` shipments are unanswered: while they are on their way, commits gather for the next one. Fresh copies are made
by who owns the connection: `wanted_copy` names one, `copy_begins` and `copy_ended` are to be called around it.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pillarbox.base.clock import MICROSECONDS, Clock
from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import LogPoint, Pinned
from pillarbox.model.standby import Bond, CopyHead, LogEnd, LogSource
from pillarbox.recovery.standby.messages import (
    PROTOCOL,
    Ack,
    CopyBegin,
    CopyRequest,
    DatabaseState,
    Hello,
    Message,
    Replaced,
    Ship,
    Tick,
)

WINDOW = 2
MOST = 1 << 20
_TICK_SECONDS = 1.0


class Lag(NamedTuple):
    """How far a standby's log is behind: records, octets, and seconds since its last record was written (0: all)."""

    records: int
    octets: int
    seconds: float


class Link:
    """One database and the standby's copy of it."""

    __slots__ = ("acked", "applied", "caught_up", "copying", "flying", "sent", "source", "time")

    def __init__(self, source: LogSource) -> None:
        self.source = source
        self.sent: LogEnd | None = None  # None: the standby needs a copy first
        self.flying = 0
        self.copying = False
        self.acked: LogEnd | None = None
        self.applied = LogPoint(0, 0, 0, 0)
        self.time = 0
        self.caught_up = False


class Shipper:
    """See the module."""

    def __init__(self, sources: Mapping[str, LogSource], site: str, program: str, clock: Clock) -> None:
        self.links: dict[str, Link] = {}
        self.peer = "a standby"
        self._sources = sources
        self._site = site
        self._program = program
        self._clock = clock
        self._ticked = -_TICK_SECONDS
        self._urgent: list[Message] = []

    def hello(self) -> Hello:
        """What the active server says first."""
        return active_hello(self._sources, self._site, self._program)

    # --- what comes in --------------------------------------------------------------------------------------------

    def receive(self, message: Message) -> None:
        """Take a message of the standby. Raises Failure INVALID where it is none of its."""
        if isinstance(message, Hello):
            self._greeted(message)
        elif isinstance(message, Ack) and message.database in self.links:
            self._acknowledged(self.links[message.database], message)
        elif isinstance(message, CopyRequest) and message.database in self.links:
            self._restart(self.links[message.database])
        else:
            raise Failure(FailureKind.INVALID, f"{self.peer} sent {type(message).__name__}, which a standby does not.")

    def _greeted(self, hello: Hello) -> None:
        if hello.protocol != PROTOCOL:
            raise Failure(
                FailureKind.WRONG_VERSION,
                f"{hello.site} speaks version {hello.protocol} of the standby protocol, this server {PROTOCOL}.",
            )
        self.peer = hello.site
        for state in hello.databases:
            source = self._sources.get(state.name)
            if source is None:
                continue
            link = self.links[state.name] = Link(source)
            if state.uuid == "":
                continue
            if state.uuid != source.uuid:
                self._urgent.append(Replaced(state.name, 0, 0))
                continue
            self._trace(link, state)

    def _trace(self, link: Link, state: DatabaseState) -> None:
        bond, generation, after = link.source.trace(state.end)
        if bond is Bond.CONTINUES:
            link.sent = link.acked = state.end
        elif bond is Bond.REPLACED:
            self._urgent.append(Replaced(state.name, generation, after))

    def _acknowledged(self, link: Link, ack: Ack) -> None:
        if ack.sent:
            link.flying = max(0, link.flying - 1)
        if link.sent is None or link.copying:
            return  # it speaks of the database that the copy is going to replace
        link.acked, link.applied, link.time = ack.end, ack.applied, ack.time
        if not link.caught_up and (ack.end.generation, ack.end.lsn) >= link.source.committed()[:2]:
            link.caught_up = True

    def _restart(self, link: Link) -> None:
        if not link.copying:
            link.sent = link.acked = None
            link.caught_up = False
            link.flying = 0

    # --- what goes out --------------------------------------------------------------------------------------------

    def next_messages(self) -> Iterator[Message]:
        """Whatever is to be sent now."""
        urgent, self._urgent = self._urgent, []
        yield from urgent
        now = self._clock.monotonic()
        if now - self._ticked >= _TICK_SECONDS:
            self._ticked = now
            yield Tick(self._clock.now(), {name: list(link.source.look()[:2]) for name, link in self.links.items()})
        for name, link in self.links.items():
            yield from self._shipments(name, link)

    def _shipments(self, name: str, link: Link) -> Iterator[Ship]:
        while link.sent is not None and not link.copying and link.flying < WINDOW:
            try:
                found = link.source.read(link.sent, MOST)
            except Failure as failure:
                if failure.kind is not FailureKind.NOT_FOUND:
                    raise
                self._restart(link)
                return
            if found is None:
                return
            shipment, link.sent = found
            link.flying += 1
            yield Ship(name, self._clock.now(), shipment)

    # --- fresh copies ---------------------------------------------------------------------------------------------

    def wanted_copy(self) -> str | None:
        """A database that the standby needs a fresh copy of, one at a time."""
        if any(link.copying for link in self.links.values()):
            return None
        return next((name for name, link in self.links.items() if link.sent is None), None)

    def copy_begins(self, name: str, pinned: Pinned) -> CopyBegin:
        """The message before the first piece."""
        self.links[name].copying = True
        head = CopyHead(pinned.size, pinned.uuid, pinned.schema_name, pinned.schema_version, pinned.point)
        return CopyBegin(name, head)

    def copy_ended(self, name: str, point: LogPoint) -> None:
        """All of it was sent: the log follows, from the segment that `point` lies in."""
        link = self.links[name]
        link.copying, link.flying = False, 0
        link.sent = LogEnd(point.generation, point.segment - 1, point.segment, 0, 0, 0)

    # --- how it goes ----------------------------------------------------------------------------------------------

    @property
    def caught_up(self) -> bool:
        """Whether the standby once had every database's log on this connection: from then on it can be waited for."""
        return len(self.links) == len(self._sources) and all(link.caught_up for link in self.links.values())

    @property
    def complete(self) -> bool:
        """Whether the standby has all of the log at this moment."""
        return self.caught_up and all(
            link.acked is not None and (link.acked.generation, link.acked.lsn) >= link.source.look()[:2]
            for link in self.links.values()
        )

    def lag(self, name: str) -> Lag | None:
        """How far a database is behind; None where that is not known, since it is being copied."""
        link = self.links.get(name)
        if link is None or link.acked is None:
            return None
        committed = link.source.committed()
        if (link.acked.generation, link.acked.lsn) >= committed[:2]:
            return Lag(0, 0, 0.0)
        seconds = (self._clock.now() - link.time) / MICROSECONDS if link.time else 0.0
        return Lag(max(0, committed.lsn - link.acked.lsn), link.source.behind(link.acked), max(0.0, seconds))


def active_hello(sources: Mapping[str, LogSource], site: str, program: str) -> Hello:
    """How an active server with these databases introduces itself."""
    states = []
    for name, source in sources.items():
        generation, lsn, segment, finish = source.look()
        states.append(DatabaseState(name, source.uuid, "", 0, LogEnd(generation, lsn, segment, 0, finish, 0)))
    return Hello(PROTOCOL, program, site, "active", tuple(states))
