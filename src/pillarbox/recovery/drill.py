"""A drill: every database is brought back in a scratch place, checked, and compared with the living one.

`run_drill` knows nothing of targets and engines: it is handed a `Rehearsal` for each database. All are restored first,
several at a time as a recovery would do it; how long that takes is held against the promised hours. Then each is
compared with the live database at the very log record that was reached, and thrown away.

Whatever goes wrong with one database is written into the record, and the others go on. Raises `Failure` only where
the record cannot be written down. A drill that is killed leaves no record: `alarms.missed` notices.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from typing import NamedTuple, Protocol

from pillarbox.base.clock import Clock
from pillarbox.base.ids import Ids
from pillarbox.model.failure import Failure
from pillarbox.recovery.history import DatabaseDrill, DrillRecord, History, Trigger


class Restored(Protocol):
    """What a restore says of itself when it is done (`restore.RestoreResult`). Seconds and octets."""

    @property
    def set(self) -> str:
        """The backup that it began with."""

    @property
    def size(self) -> int:
        """Of the restored database file."""

    @property
    def read_octets(self) -> int:
        """Read from targets and log volumes."""

    @property
    def log_octets(self) -> int:
        """Of log played."""

    @property
    def records(self) -> int:
        """Of log played."""

    @property
    def copy_seconds(self) -> float: ...

    @property
    def fetch_seconds(self) -> float:
        """Of getting the log together."""

    @property
    def play_seconds(self) -> float: ...

    @property
    def check_seconds(self) -> float: ...

    @property
    def generation(self) -> int: ...

    @property
    def lsn(self) -> int:
        """The last record it contains."""

    @property
    def findings(self) -> Sequence[str]:
        """What is wrong with it, a sentence each."""

    @property
    def notes(self) -> Sequence[str]:
        """What is worth telling but not wrong."""


class Rehearsal(NamedTuple):
    """One database's part in a drill; the calls block.

    `compare` says how what was restored differs from the live database at the record it reached, a sentence for each
    difference; `discard` throws the scratch copy away and is called in any case. All may raise `Failure`.
    """

    database: str
    restore: Callable[[], Restored]
    compare: Callable[[Restored], Iterable[str]]
    discard: Callable[[], None]


class Step(Enum):
    """Where one database is in its drill."""

    RESTORING = "restoring"
    COMPARING = "comparing"
    DONE = "done"


Told = Callable[[str, Step], None]
"""Called with a database's name when its next step begins, from several threads."""


class DrillPlan(NamedTuple):
    """How a drill is held: so many databases at a time, and in how many hours all is to be back."""

    trigger: Trigger
    workers: int
    promised_hours: float


def run_drill(
    rehearsals: Sequence[Rehearsal], plan: DrillPlan, history: History, clock: Clock, ids: Ids, told: Told
) -> DrillRecord:
    """Hold a drill, write it into the history, and say how it went."""
    if not rehearsals:
        raise ValueError("a drill needs at least one database")
    when, begin = clock.now(), clock.monotonic()
    with ThreadPoolExecutor(max(plan.workers, 1), thread_name_prefix="drill") as pool:
        attempts = list(pool.map(lambda rehearsal: _restore(rehearsal, told), rehearsals))
        seconds = clock.monotonic() - begin
        drills = list(pool.map(lambda attempt: _finish(attempt, clock, told), attempts))
    record = DrillRecord(
        id=ids.token(),
        when=when,
        trigger=plan.trigger,
        seconds=seconds,
        total_seconds=clock.monotonic() - begin,
        workers=min(max(plan.workers, 1), len(rehearsals)),
        promised_hours=plan.promised_hours,
        databases=tuple(drills),
    )
    history.append(record)
    return record


class _Attempt(NamedTuple):
    rehearsal: Rehearsal
    restored: Restored | None
    failure: str


def _restore(rehearsal: Rehearsal, told: Told) -> _Attempt:
    told(rehearsal.database, Step.RESTORING)
    try:
        return _Attempt(rehearsal, rehearsal.restore(), "")
    except Exception as error:  # finding out what goes wrong, whatever it is, is what a drill is for
        return _Attempt(rehearsal, None, _sentence("could not be restored", error))


def _finish(attempt: _Attempt, clock: Clock, told: Told) -> DatabaseDrill:
    rehearsal, restored, failure = attempt
    differences: list[str] = []
    begin = clock.monotonic()
    if restored is not None:
        told(rehearsal.database, Step.COMPARING)
        try:
            differences += rehearsal.compare(restored)
        except Exception as error:
            failure = _sentence("could not be compared", error)
    compare_seconds = clock.monotonic() - begin
    notes = list(restored.notes) if restored is not None else []
    try:
        rehearsal.discard()
    except Exception as error:
        notes.append(_sentence("the scratch copy could not be removed", error))
    told(rehearsal.database, Step.DONE)
    if restored is None:
        return DatabaseDrill(rehearsal.database, notes=tuple(notes), failure=failure)
    return DatabaseDrill(
        database=rehearsal.database,
        set=restored.set,
        generation=restored.generation,
        lsn=restored.lsn,
        size=restored.size,
        read_octets=restored.read_octets,
        log_octets=restored.log_octets,
        records=restored.records,
        copy_seconds=restored.copy_seconds,
        fetch_seconds=restored.fetch_seconds,
        play_seconds=restored.play_seconds,
        check_seconds=restored.check_seconds,
        compare_seconds=compare_seconds,
        findings=tuple(restored.findings),
        differences=tuple(differences),
        notes=tuple(notes),
        failure=failure,
    )


def _sentence(what: str, error: Exception) -> str:
    why = error.public if isinstance(error, Failure) else f"{type(error).__name__}: {error}"
    return f"{what}: {why}"
