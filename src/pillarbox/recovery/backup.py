"""Making a backup: every database held still in turn, read once, and stored at all targets at once.

`run_backup` writes a set to targets, `stream_backup` one to a stream. A database is pinned while it is read and let go
right after; its file is read in pieces, each hashed, compressed, encrypted and put by one of a few threads, which hold
one piece each. An incremental set stores only pieces that are not in the newest set of that target; a target that has
none gets a full one. The manifest comes last, so that a backup that was broken off leaves no set, but a journal with
what is durable already, and the next backup of the same kind goes on with it.

A target that fails does not hold up the others, and a database that cannot be read does not either: it is named in the
result and in the manifest. Raises `Failure` only for IN_USE, where a backup is running already.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from pillarbox.base.clock import Clock
from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import LiveDatabase, Pinned, Target
from pillarbox.recovery.codec import Codec
from pillarbox.recovery.exclusive import exclusively
from pillarbox.recovery.journal import Begun, Journal
from pillarbox.recovery.line import Line, Sink, TargetResult
from pillarbox.recovery.manifest import PIECE, DatabaseCopy, Manifest, Piece
from pillarbox.recovery.names import Kind, piece_name, site_name
from pillarbox.recovery.preparing import prepare

LOCK = "backup.lock"
JOURNAL = "backup.jsonl"
_AHEAD = 2
_CHECKPOINT = 64
"""Pieces after which all targets are flushed and the journal is written: what an interruption costs at most."""


class Order(NamedTuple):
    """What to back up and how. `site` is the tar of settings and certificates; `state` a directory on the server for
    the lock and the journal; `threads` how many pieces are worked on at once."""

    databases: Sequence[LiveDatabase]
    site: bytes
    kind: Kind
    codec: Codec
    hostname: str
    program: str
    state: Path
    threads: int = 8


class Progress(NamedTuple):
    """Octets of a database read so far and in all; octets stored so far in the whole backup, at the target that took
    most."""

    database: str
    done: int
    total: int
    stored: int


class Outcome(NamedTuple):
    """How a backup went: at each target, which databases are missing in it and why, octets read, seconds."""

    results: tuple[TargetResult, ...]
    missing: tuple[tuple[str, Failure], ...]
    octets: int
    seconds: float

    @property
    def complete(self) -> bool:
        """Whether everything is everywhere."""
        return not self.missing and all(result.failure is None for result in self.results)


def run_backup(
    order: Order,
    targets: Sequence[Target],
    clock: Clock,
    progress: Callable[[Progress], None] = lambda progress: None,
    pause: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Back up to all targets. `progress` is called by this thread, after each piece."""
    with exclusively(order.state / LOCK, "another backup"):
        journal = Journal(order.state / JOURNAL)
        begun = Begun(clock.now(), order.kind, order.codec.suffix, order.codec.recipients)
        started, lines = prepare(begun, targets, journal, pause)
        outcome = _Run(order, started, lines, journal, clock, progress).run()
        if outcome.complete:
            journal.end()
        return outcome


def stream_backup(
    order: Order, sink: Sink, clock: Clock, progress: Callable[[Progress], None] = lambda progress: None
) -> Outcome:
    """Back up everything into a stream, whatever kind is ordered. What the stream refuses is not tried again."""
    with exclusively(order.state / LOCK, "another backup"):
        line = Line(sink, time.sleep, delays=())
        started = clock.now()
        line.begin(started, Kind.FULL)
        return _Run(order._replace(kind=Kind.FULL), started, [line], None, clock, progress).run()


class _Source(NamedTuple):
    """Where a piece comes from."""

    file: int
    path: Path
    database: str
    uuid: str
    offset: int
    size: int


class _Run:
    """One backup."""

    def __init__(
        self,
        order: Order,
        started: int,
        lines: list[Line],
        journal: Journal | None,
        clock: Clock,
        progress: Callable[[Progress], None],
    ) -> None:
        self._order = order
        self._started = started
        self._lines = lines
        self._journal = journal
        self._clock = clock
        self._progress = progress
        self._octets = 0
        self._since_checkpoint = 0
        self._missing: list[tuple[str, Failure]] = []

    def run(self) -> Outcome:
        begun = self._clock.monotonic()
        pool = ThreadPoolExecutor(self._order.threads, "backup", initializer=_step_back)
        try:
            for database in self._order.databases:
                if self._alive():
                    try:
                        self._copy(database, pool)
                    except Failure as failure:
                        self._missing.append((database.name, failure))
        finally:
            pool.shutdown(cancel_futures=True)
        results = tuple(self._finish(line) for line in self._lines)
        return Outcome(results, tuple(self._missing), self._octets, self._clock.monotonic() - begun)

    def _alive(self) -> bool:
        return any(not line.failed for line in self._lines)

    def _copy(self, database: LiveDatabase, pool: ThreadPoolExecutor) -> None:
        """Back up one database. Raises `Failure` where it cannot be read."""
        with database.pin() as pinned, _opened(pinned.path) as file:
            moment = self._clock.now()
            pieces: list[list[Piece]] = [[] for _ in self._lines]
            self._report(database.name, 0, pinned.size)
            running: deque[Future[list[Piece | None]]] = deque()
            try:
                for offset in range(0, pinned.size, PIECE):
                    size = min(PIECE, pinned.size - offset)
                    source = _Source(file, pinned.path, database.name, pinned.uuid, offset, size)
                    running.append(pool.submit(self._store, source))
                    if len(running) >= self._order.threads * _AHEAD:
                        self._take(running.popleft().result(), pieces, pinned, database.name)
                    if not self._alive():
                        return
                while running:
                    self._take(running.popleft().result(), pieces, pinned, database.name)
            finally:
                for future in running:
                    future.cancel()
                _wait(running)
        self._checkpoint()
        for line, stored in zip(self._lines, pieces, strict=True):
            line.copies.append(_describe(database.name, pinned, moment, stored))

    def _store(self, source: _Source) -> list[Piece | None]:
        """Read a piece and bring it to every line that lacks it; by a thread of the pool."""
        plain = _read(source)
        digest = sha256(plain).hexdigest()
        stored, stored_digest = b"", ""
        pieces: list[Piece | None] = []
        for line in self._lines:
            piece = line.known(source.uuid, source.offset, source.size, digest)
            if piece is None and not line.failed:
                if not stored_digest:
                    stored = self._order.codec.encode(plain)
                    stored_digest = sha256(stored).hexdigest() if stored is not plain else digest
                name = piece_name(line.set, source.database, source.offset, self._order.codec.suffix)
                piece = Piece(name, source.offset, source.size, len(stored), digest, stored_digest)
                line.put(name, stored)
            pieces.append(piece)
        return pieces

    def _take(self, done: list[Piece | None], pieces: list[list[Piece]], pinned: Pinned, name: str) -> None:
        """Note a piece that is stored everywhere."""
        for line, mine, piece in zip(self._lines, pieces, done, strict=True):
            if piece is not None and not line.failed:
                line.take(pinned.uuid, piece)
                mine.append(piece)
        size = next((piece.size for piece in done if piece is not None), 0)
        reached = next((piece.offset + piece.size for piece in done if piece is not None), 0)
        self._octets += size
        self._since_checkpoint += 1
        if self._since_checkpoint >= _CHECKPOINT:
            self._checkpoint()
        self._report(name, reached, pinned.size)

    def _report(self, name: str, done: int, total: int) -> None:
        self._progress(Progress(name, done, total, max(line.stored for line in self._lines)))

    def _checkpoint(self) -> None:
        """Make durable what was put, then write down that it is."""
        self._since_checkpoint = 0
        if self._journal is None:
            return
        for line in self._lines:
            waiting, line.waiting = line.waiting, []
            line.flush()
            if waiting and not line.failed:
                self._journal.append(waiting)

    def _finish(self, line: Line) -> TargetResult:
        if not line.copies or line.failed:
            return line.result(None)
        stored = self._order.codec.encode(self._order.site)
        name = site_name(line.set, self._order.codec.suffix)
        line.put(name, stored)
        site = Piece(
            name,
            0,
            len(self._order.site),
            len(stored),
            sha256(self._order.site).hexdigest(),
            sha256(stored).hexdigest(),
        )
        return line.finish(
            Manifest(
                line.set,
                line.kind,
                line.base,
                self._started,
                self._clock.now(),
                self._order.hostname,
                self._order.program,
                self._order.codec.recipients,
                site,
                tuple(line.copies),
                tuple(database for database, _ in self._missing),
            )
        )


def _describe(name: str, pinned: Pinned, moment: int, pieces: list[Piece]) -> DatabaseCopy:
    return DatabaseCopy(
        name,
        pinned.uuid,
        pinned.schema_name,
        pinned.schema_version,
        pinned.size,
        pinned.point,
        moment,
        tuple(pieces),
    )


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise Failure(FailureKind.UNAVAILABLE, f"{path} cannot be opened: {error.strerror}", error) from error
    try:
        with suppress(OSError):
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_SEQUENTIAL)
        yield file
    finally:
        os.close(file)


def _read(source: _Source) -> bytes:
    try:
        data = os.pread(source.file, source.size, source.offset)
    except OSError as error:
        public = f"{source.path} cannot be read at octet {source.offset}: {error.strerror}"
        raise Failure(FailureKind.UNAVAILABLE, public, error) from error
    if len(data) != source.size:
        public = f"{source.path} ends at octet {source.offset + len(data)}, before its time"
        raise Failure(FailureKind.CORRUPT, public)
    return data


def _wait(futures: "deque[Future[list[Piece | None]]]") -> None:
    """Until none of them uses the file any more."""
    for future in futures:
        if not future.cancelled():
            with suppress(Exception):
                future.result()


def _step_back() -> None:
    """Let those go first who serve clients: a backup takes what is left of the processors.

    Being nice is not enough: a nice thread still ends its turn before one that wakes up gets the processor.
    """
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))  # this thread
