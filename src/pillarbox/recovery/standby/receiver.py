"""The standby's side: messages of the active server in, answers out, the databases follow.

No input or output but what the followers write. What does not fit a database (a checksum, a record that does not
follow) makes it ask for a fresh copy; a disk that fails raises the follower's `Failure`, after which the connection is
to be closed and tried again later.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pillarbox.base.clock import MICROSECONDS
from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.standby import LogFollower
from pillarbox.recovery.standby.messages import (
    PROTOCOL,
    Ack,
    CopyBegin,
    CopyEnd,
    CopyPiece,
    CopyRequest,
    DatabaseState,
    Hello,
    Message,
    Refused,
    Replaced,
    Ship,
    Tick,
)
from pillarbox.recovery.standby.shipper import Lag


class Diverged(NamedTuple):
    """A database here held records that do not count any more: `lost` of them (None: nobody knows how many) after
    record `after`, where generation `generation` began on the server that took over."""

    database: str
    generation: int
    after: int
    lost: int | None


class Receiver:
    """See the module. `diverged` gathers what happened, for who reports it."""

    def __init__(self, followers: Mapping[str, LogFollower], site: str, program: str) -> None:
        self.peer = ""
        self.diverged: list[Diverged] = []
        self.unknown: list[str] = []
        self.uuids: dict[str, str] = {}
        self.positions: dict[str, list[int]] = {}
        self.now = 0
        self._followers = followers
        self._site = site
        self._program = program
        self._waiting: set[str] = set()  # asked for a copy, and ignoring what is still on its way until it begins
        self._copying: dict[str, int] = {}
        self._keep: set[str] = set()
        self._sent: dict[str, int] = {}

    def hello(self) -> Hello:
        """What the standby says first."""
        states = tuple(
            DatabaseState(each.name, each.uuid, each.schema_name, each.schema_version, each.end())
            for each in self._followers.values()
        )
        return Hello(PROTOCOL, self._program, self._site, "standby", states)

    def receive(self, message: Message) -> Iterator[Message]:
        """Do what a message says; the answers. Raises Failure."""
        match message:
            case Hello():
                self._greeted(message)
            case Tick(time, positions):
                self.now, self.positions = time, positions
                yield from self._acks()
            case Refused(reason):
                raise Failure(FailureKind.UNAVAILABLE, f"{self.peer or 'The active server'} refuses: {reason}")
            case Ship(database) if database in self._followers:
                yield from self._shipped(self._followers[database], message)
            case Replaced(database) if database in self._followers:
                self._replaced(self._followers[database], message)
            case CopyBegin(database) | CopyPiece(database) | CopyEnd(database) if database in self._followers:
                self._copied(self._followers[database], message)
            case _:
                raise Failure(FailureKind.INVALID, f"The active server sent {type(message).__name__}: not expected.")

    def _greeted(self, hello: Hello) -> None:
        if hello.protocol != PROTOCOL:
            raise Failure(
                FailureKind.WRONG_VERSION,
                f"{hello.site} speaks version {hello.protocol} of the standby protocol, this server {PROTOCOL}.",
            )
        if hello.role != "active":
            raise Failure(FailureKind.UNAVAILABLE, f"{hello.site} is a standby itself.")
        self.peer = hello.site
        self.uuids = {state.name: state.uuid for state in hello.databases}
        self.unknown = [state.name for state in hello.databases if state.name not in self._followers]

    def _shipped(self, follower: LogFollower, message: Ship) -> Iterator[Message]:
        name = follower.name
        self._sent[name] = message.sent
        if name in self._waiting or name in self._copying:
            return
        try:
            follower.append(message.shipment)
        except Failure as failure:
            if failure.kind is not FailureKind.CORRUPT:
                raise
            self._waiting.add(name)
            yield CopyRequest(name, failure.public)
            return
        yield self._ack(follower, message.sent)

    def _ack(self, follower: LogFollower, sent: int) -> Ack:
        return Ack(follower.name, follower.end(), follower.applied(), follower.time, follower.applied_time, sent)

    def _acks(self) -> Iterator[Message]:
        for name, follower in self._followers.items():
            if name in self._waiting or name in self._copying:
                continue
            if follower.damage is not None:
                self._waiting.add(name)
                yield CopyRequest(name, follower.damage)
            elif follower.uuid:
                yield self._ack(follower, 0)

    def _replaced(self, follower: LogFollower, message: Replaced) -> None:
        self._keep.add(follower.name)
        lost = max(0, follower.end().lsn - message.after) if message.generation else None
        self.diverged.append(Diverged(follower.name, message.generation, message.after, lost))

    def _copied(self, follower: LogFollower, message: CopyBegin | CopyPiece | CopyEnd) -> None:
        name = follower.name
        if isinstance(message, CopyBegin):
            self._waiting.discard(name)
            self._copying[name] = 0
            end = follower.end()
            if end.finish and (follower.uuid, end.generation) != (message.head.uuid, message.head.point.generation):
                self._keep.add(name)
            follower.begin_copy(message.head)
        elif isinstance(message, CopyPiece):
            follower.add_piece(message.offset, message.octets)
            self._copying[name] += len(message.octets)
        else:
            follower.finish_copy(name in self._keep)
            self._keep.discard(name)
            del self._copying[name]

    # --- how it goes ----------------------------------------------------------------------------------------------

    def copied(self) -> dict[str, int]:
        """The databases that are being copied, and how many octets of each are here."""
        return dict(self._copying)

    def lag(self, name: str) -> Lag | None:
        """How far the database here is behind that of the active server; None where that is not known. The octets are
        not known here (0)."""
        follower, position = self._followers[name], self.positions.get(name)
        if position is None or name in self._copying or not follower.uuid:
            return None
        applied = follower.applied()
        if [applied.generation, applied.lsn] >= position:
            return Lag(0, 0, 0.0)
        seconds = (self.now - follower.applied_time) / MICROSECONDS if follower.applied_time else 0.0
        return Lag(max(0, position[1] - applied.lsn), 0, max(0.0, seconds))
