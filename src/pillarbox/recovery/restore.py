"""Bringing a database back: copy a backup, gather the log, play it forward, check.

`Restore` works through a plan with a `RecoveryDatabase`, a directory beside the live thing, which it never touches. It
may be broken off anywhere, by `Failure` or by death: run again with a plan of the same backup it goes on where it was.
A phase counts as done when what it wrote is durable. `restore_database` plans, goes on with an unfinished restore if
there is one, and falls back to an older backup, loudly, where one turns out to be damaged at every target.

Durations in seconds, sizes in plain octets, times in microseconds since 1970 UTC.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from pillarbox.base.clock import Clock
from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import LiveDatabase, Played, RecoveryDatabase
from pillarbox.recovery.catalog import Catalog
from pillarbox.recovery.codec import Codec
from pillarbox.recovery.copying import copy_pieces
from pillarbox.recovery.fetch import Fetcher
from pillarbox.recovery.files import sync_file, translated
from pillarbox.recovery.logcopy import LogCopy
from pillarbox.recovery.plan import Choice, RestorePlan, plan_restore
from pillarbox.recovery.restorestate import (
    CHECKING,
    COPYING,
    DONE,
    LOG,
    PLAYING,
    RestoreState,
    boot_id,
    resumable_set,
)

_BESIDE = ("", "-wal", "-shm")


class SetDamaged(Failure):
    """A backup cannot be used: no target has all of it whole."""

    def __init__(self, set: str, failure: Failure) -> None:
        super().__init__(failure.kind, f"Backup {set} cannot be used: {failure.public}", failure)
        self.set = set


class RestoreProgress(NamedTuple):
    """`done` of `total` octets in `phase` ("copying", "log", "playing", "checking"); while playing also `records` and
    the `time` of the last one."""

    database: str
    phase: str
    done: int
    total: int
    records: int = 0
    time: int = 0


class RestoreResult(NamedTuple):
    """How a restore went. `read_octets`: of the copy and of log, as far as not there from an earlier attempt.

    `generation`, `lsn` and `time` are of the last record contained (`time` of the backup if none was played).
    `newest_generation`: what goes on from here must begin a later one. `findings`: what is wrong with the database.
    `notes`: what went otherwise than it should, and was made up for.
    """

    database: str
    set: str
    size: int
    read_octets: int
    log_octets: int
    records: int
    copy_seconds: float
    fetch_seconds: float
    play_seconds: float
    check_seconds: float
    generation: int
    lsn: int
    time: int
    newest_generation: int
    findings: tuple[str, ...]
    notes: tuple[str, ...]
    uuid: str = ""


Hear = Callable[[RestoreProgress], None]


class Means(NamedTuple):
    """What a restore works with. `threads`: pieces fetched at once; `warn` hears of each note at once, from any
    thread."""

    codec: Codec
    clock: Clock
    threads: int = 4
    pause: Callable[[float], None] = time.sleep
    warn: Callable[[str], None] = lambda text: None


class Restore:
    """One database brought back as planned. `state_path`: the file that remembers how far it is."""

    def __init__(self, plan: RestorePlan, recovery: RecoveryDatabase, state_path: Path, means: Means) -> None:
        self.plan = plan
        self._recovery = recovery
        self._means = means
        self._state = RestoreState.load(state_path, plan, boot_id())
        self._fetcher = Fetcher(plan.targets, means.codec, self._note, means.pause)
        self._notes = list(plan.notes)
        self._read = 0

    def run(self, hear: Hear = lambda progress: None) -> RestoreResult:
        """All that is left to do. `hear` is called by this thread.

        Raises `SetDamaged` where the backup cannot be used, otherwise what ports and `fetch.py` raise.
        """
        self._begin()
        if self._state.phase == COPYING:
            self._timed(COPYING, lambda: self._copy(hear))
            self._enter(LOG)
        self._timed(LOG, lambda: self._gather(hear))
        self._enter(PLAYING)
        played = self._play(hear)
        self._enter(CHECKING)
        findings = self._check(hear)
        self._enter(DONE)
        return self._result(played, findings)

    def _begin(self) -> None:
        """Throw away what belongs to another attempt, or cannot be trusted."""
        state, file = self._state, self._recovery.file
        if state.begun and (
            not file.exists() or (state.phase == COPYING and file.stat().st_size < self.plan.copy.size)
        ):
            state = self._state = RestoreState(state.path, state.key, state.boot)
        with translated(f"{file.parent} cannot be used"):
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not state.begun:
                for end in _BESIDE:
                    file.with_name(file.name + end).unlink(missing_ok=True)
        state.save()

    def _enter(self, phase: str) -> None:
        self._state.phase = phase
        self._state.save()

    def _timed(self, phase: str, work: Callable[[], None]) -> None:
        begun = self._means.clock.monotonic()
        try:
            work()
        finally:
            spent = self._means.clock.monotonic() - begun
            self._state.seconds[phase] = self._state.seconds.get(phase, 0.0) + spent
            self._state.save()

    def _copy(self, hear: Hear) -> None:
        copy = self.plan.copy

        def progress(done: int) -> None:
            hear(RestoreProgress(copy.name, COPYING, done, copy.size))

        try:
            self._read += copy_pieces(
                copy.pieces, self._fetcher, self._recovery.file, self._state, self._means.threads, progress
            )
        except Failure as failure:
            if failure.kind in (FailureKind.CORRUPT, FailureKind.NOT_FOUND):
                raise SetDamaged(self.plan.set, failure) from failure
            raise

    def _gather(self, hear: Hear) -> None:
        def progress(done: int) -> None:
            hear(RestoreProgress(self.plan.copy.name, LOG, done, self.plan.log_octets))

        self._read += LogCopy(self.plan, self._recovery, self._fetcher, self._state, self._note).run(progress)

    def _play(self, hear: Hear) -> Played:
        before = dict(self._state.played)

        def heard(played: Played) -> None:
            self._state.played = {
                "records": before.get("records", 0) + played.records,
                "octets": before.get("octets", 0) + played.octets,
                "time": played.time or before.get("time", 0),
            }
            self._state.save()
            reached = self._state.played
            hear(
                RestoreProgress(
                    self.plan.copy.name,
                    PLAYING,
                    reached["octets"],
                    self.plan.log_octets,
                    reached["records"],
                    reached["time"],
                )
            )

        done: list[Played] = []
        self._timed(PLAYING, lambda: done.append(self._recovery.play(self.plan.choice.until, heard)))
        heard(done[0])
        with translated(f"{self._recovery.file} cannot be made durable"):
            for end in _BESIDE[:2]:
                sync_file(self._recovery.file.with_name(self._recovery.file.name + end))
        return done[0]

    def _check(self, hear: Hear) -> list[str]:
        size = self.plan.copy.size
        hear(RestoreProgress(self.plan.copy.name, CHECKING, 0, size))
        findings: list[str] = []
        self._timed(CHECKING, lambda: findings.extend(self._recovery.check()))
        hear(RestoreProgress(self.plan.copy.name, CHECKING, size, size))
        return findings

    def _result(self, played: Played, findings: list[str]) -> RestoreResult:
        until, copy, state = self.plan.choice.until, self.plan.copy, self._state
        wanted = self.plan.last if until.lsn is None else until.lsn
        if until.time is None and played.lsn < wanted:
            findings = [f"the replay ended with record {played.lsn}, but record {wanted} is in the log", *findings]
        return RestoreResult(
            copy.name,
            self.plan.set,
            copy.size,
            self._read,
            state.played.get("octets", 0),
            state.played.get("records", 0),
            state.seconds.get(COPYING, 0.0),
            state.seconds.get(LOG, 0.0),
            state.seconds.get(PLAYING, 0.0),
            state.seconds.get(CHECKING, 0.0),
            played.generation,
            played.lsn,
            state.played.get("time", 0) or copy.time,
            self.plan.newest_generation,
            tuple(findings),
            tuple(self._notes),
            copy.uuid,
        )

    def _note(self, text: str) -> None:
        self._notes.append(text)
        self._means.warn(text)


def restore_database(
    catalogs: Sequence[Catalog],
    choice: Choice,
    live: LiveDatabase | None,
    recovery: RecoveryDatabase,
    state_path: Path,
    means: Means,
    hear: Hear = lambda progress: None,
) -> RestoreResult:
    """Plan and restore; where a backup is damaged everywhere, again from the one before.

    Raises what `plan_restore` and `Restore.run` raise; `SetDamaged` if the last backup left was damaged too, or if
    `choice.set` names it.
    """
    plan = _first_plan(catalogs, choice, live, state_path)
    notes: list[str] = []
    while True:
        try:
            result = Restore(plan, recovery, state_path, means).run(hear)
            return result._replace(notes=(*notes, *result.notes))
        except SetDamaged as damaged:
            if choice.set:
                raise
            older = choice._replace(before_set=damaged.set, uuid=plan.copy.uuid)
            try:
                plan = plan_restore(catalogs, older, live)
            except Failure:
                raise damaged from None
            text = f"{damaged.public.rstrip('.')}. Backup {plan.set} is used instead, with more log to play"
            notes.append(text)
            means.warn(text)


def _first_plan(
    catalogs: Sequence[Catalog], choice: Choice, live: LiveDatabase | None, state_path: Path
) -> RestorePlan:
    """That of an unfinished restore, if its backup is still there."""
    unfinished = "" if choice.set else resumable_set(state_path, choice.database, choice.until)
    if unfinished:
        try:
            return plan_restore(catalogs, choice._replace(set=unfinished), live)
        except Failure as failure:
            if failure.kind is not FailureKind.NOT_FOUND:
                raise
    return plan_restore(catalogs, choice, live)


def restore_all(
    restores: Mapping[str, Callable[[], RestoreResult]], workers: int
) -> dict[str, RestoreResult | Failure]:
    """Several databases, `workers` at a time, in the order given; one that fails does not hold up the others.

    Each is called in a thread; playing is work for a processor, so it gains most where the callable has it done in a
    process of its own.
    """

    def one(restore: Callable[[], RestoreResult]) -> RestoreResult | Failure:
        try:
            return restore()
        except Failure as failure:
            return failure

    with ThreadPoolExecutor(max(1, workers), "restore-all") as pool:
        results = pool.map(one, restores.values())
        return dict(zip(restores, results, strict=True))
