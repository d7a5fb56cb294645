"""One target's part in a backup: what is there already, what is put, and whether it still works.

A line fails for good when a call failed for longer than patience allows; from then on it takes nothing more and the
other lines go on. Only the thread that runs the backup changes `copies` and `waiting`; `piece` and `put` may be called
by many threads.
"""

import threading
from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.recovery import manifest
from pillarbox.recovery.journal import Entry
from pillarbox.recovery.manifest import DatabaseCopy, Manifest, Piece
from pillarbox.recovery.names import Kind, manifest_name, set_id
from pillarbox.recovery.patience import DELAYS, patiently


class Sink(Protocol):
    """What a backup needs to write: a `Target`, or a stream."""

    @property
    def label(self) -> str: ...

    def put(self, name: str, data: bytes) -> None: ...

    def flush(self) -> None: ...


class TargetResult(NamedTuple):
    """How a backup went at one target: its manifest, or why there is none. Octets as stored: put now, and found there
    already (of the base set, or of the backup that this one goes on with)."""

    label: str
    manifest: Manifest | None
    failure: Failure | None
    stored: int
    reused: int


class Line:
    """See above. `begin` and `know` come before anything is put."""

    def __init__(self, sink: Sink, pause: Callable[[float], None], delays: tuple[float, ...] = DELAYS) -> None:
        self.sink = sink
        self.set = ""
        self.kind = Kind.FULL
        self.base = ""
        self.copies: list[DatabaseCopy] = []
        self.waiting: list[Entry] = []
        self.stored = 0
        self.reused = 0
        self._pause = pause
        self._delays = delays
        self._known: dict[tuple[str, int], list[Piece]] = {}
        self._failure: Failure | None = None
        self._lock = threading.Lock()

    @property
    def failed(self) -> bool:
        return self._failure is not None

    def begin(self, time: int, kind: Kind, base: str = "") -> None:
        """Which set is written here."""
        self.set, self.kind, self.base = set_id(time, kind), kind, base

    def know(self, uuid: str, pieces: Iterable[Piece]) -> None:
        """These pieces of a database are at the target."""
        for piece in pieces:
            self._known.setdefault((uuid, piece.offset), []).append(piece)

    def known(self, uuid: str, offset: int, size: int, sha256: str) -> Piece | None:
        """The piece there that holds just these octets."""
        for piece in self._known.get((uuid, offset), ()):
            if piece.sha256 == sha256 and piece.size == size:
                return piece
        return None

    def put(self, name: str, data: bytes) -> None:
        """Store an object, or fail."""
        self.attempt(lambda: self.sink.put(name, data))

    def flush(self) -> None:
        self.attempt(self.sink.flush)

    def attempt(self, call: Callable[[], None]) -> None:
        """Do something at the target, patiently; never raises `Failure`."""
        if self.failed:
            return
        try:
            patiently(call, self._pause, self._delays, given_up=lambda: self.failed)
        except Failure as failure:
            self.fail(failure)

    def fail(self, failure: Failure) -> None:
        with self._lock:
            self._failure = self._failure or failure

    def take(self, uuid: str, piece: Piece) -> None:
        """Note a piece that is here now; it becomes durable with the next flush."""
        if self.known(uuid, piece.offset, piece.size, piece.sha256) is not None:
            self.reused += piece.stored
            return
        self.stored += piece.stored
        self.waiting.append(Entry(self.sink.label, uuid, piece))

    def finish(self, finished: Manifest) -> TargetResult:
        """Complete the set: everything durable first, then the manifest, then that durable."""
        self.flush()
        self.put(manifest_name(self.set), manifest.encode(finished))
        self.flush()
        return self.result(finished)

    def result(self, finished: Manifest | None) -> TargetResult:
        failure = self._failure
        if failure is None and finished is None:
            failure = Failure(FailureKind.UNAVAILABLE, "no database could be read")
        return TargetResult(self.sink.label, None if failure else finished, failure, self.stored, self.reused)
