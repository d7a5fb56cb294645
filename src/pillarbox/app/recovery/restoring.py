"""Restores on a site: databases brought back beside the live ones, several at once, each in a process of its own.

A restore works in `<data volume>/restore/<database>/` (or where it is told to), never touches the live database, and
goes on where it was when it is asked for again. Putting the result in place is `app/swapping.py`.
"""

import multiprocessing
import os
import queue
import shutil
from collections.abc import Callable, Sequence
from multiprocessing.context import SpawnContext
from pathlib import Path
from typing import Any, NamedTuple

from pillarbox.app.build import place_of, schema_of
from pillarbox.app.recovery.wiring import make_codec, open_targets
from pillarbox.app.site import Site
from pillarbox.app.swapping import dial_tone_of, kept_place
from pillarbox.base.clock import SystemClock
from pillarbox.base.failure import FailureKind
from pillarbox.database.live import LiveVolumes
from pillarbox.database.recovering import RecoveringDatabase
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import Until
from pillarbox.recovery.catalog import Catalog
from pillarbox.recovery.plan import Choice
from pillarbox.recovery.restore import Means, RestoreProgress, RestoreResult, restore_database

STATE_FILE = "restore.json"


class Request(NamedTuple):
    """One database to bring back. Paths and texts only, so that another process can do it.

    `directory`: where it is worked on. `url`: the target to take it from ("": those of the settings). `set`: the
    backup to begin with ("": the fitting one). `lost_log`: use what is left of the live log.
    """

    site: Path
    database: str
    directory: Path
    until: Until = Until()
    url: str = ""
    identities: tuple[Path, ...] = ()
    set: str = ""
    live: bool = True


def restore_directory(site: Site, name: str) -> Path:
    """Where a restore that is to be put in place works: on the data volume, so that the file is only renamed."""
    return site.data_volume / "restore" / name


def recovering(request: Request) -> RecoveringDatabase:
    """What a request brings back."""
    return RecoveringDatabase(request.directory, request.database, schema_of(request.database))


def discard(request: Request) -> None:
    """Throw away what a request has brought back."""
    shutil.rmtree(request.directory, ignore_errors=True)


def restore_one(
    request: Request, hear: Callable[[RestoreProgress], None], warn: Callable[[str], None]
) -> RestoreResult:
    """Bring one database back, in this process. Raises `Failure`."""
    site = Site.load(request.site)
    catalogs = [Catalog(target) for target in open_targets(site, request.url)]
    means = Means(make_codec(site, request.identities), SystemClock(), warn=warn)
    request.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return restore_database(
        catalogs,
        Choice(request.database, request.until, set=request.set),
        _live(site, request),
        recovering(request),
        request.directory / STATE_FILE,
        means,
        hear,
    )


def _live(site: Site, request: Request) -> LiveVolumes | None:
    """The log that is still on the log volumes: that of the lost database where an empty one works in its place."""
    if not request.live:
        return None
    dial_tone = dial_tone_of(site, request.database)
    if dial_tone is not None and not dial_tone.merge:
        return LiveVolumes(kept_place(site, request.database, dial_tone.lost))
    return LiveVolumes(place_of(site, request.database))


# --- several at once ----------------------------------------------------------------------------------------------


def restore_many(
    requests: Sequence[Request],
    workers: int,
    hear: Callable[[RestoreProgress], None],
    warn: Callable[[str], None],
) -> dict[str, RestoreResult | Failure]:
    """Bring databases back, `workers` at a time, each in a process; one that fails does not hold up the others.

    `hear` and `warn` are called by this thread.
    """
    context = multiprocessing.get_context("spawn")
    told: Any = context.Queue()
    waiting = list(requests)
    running: dict[str, Any] = {}
    results: dict[str, RestoreResult | Failure] = {}
    try:
        while waiting or running:
            while waiting and len(running) < max(1, workers):
                request = waiting.pop(0)
                running[request.database] = _start(context, request, told)
            _listen(told, running, results, hear, warn)
    finally:
        for process in running.values():
            process.terminate()
            process.join()
    return {request.database: results[request.database] for request in requests}


def _start(context: SpawnContext, request: Request, told: Any) -> Any:
    process = context.Process(target=_work, args=(request, told), name=f"restore-{request.database}", daemon=True)
    process.start()
    return process


def _listen(
    told: Any,
    running: dict[str, Any],
    results: dict[str, RestoreResult | Failure],
    hear: Callable[[RestoreProgress], None],
    warn: Callable[[str], None],
) -> None:
    """Pass on what the processes say for a moment; take leave of those that are done."""
    try:
        name, word = told.get(timeout=0.2)
    except queue.Empty:
        for name, process in list(running.items()):
            if process.exitcode is not None:  # it died without a word
                results[name] = Failure(
                    FailureKind.UNAVAILABLE, f"The restore of {name} was ended ({process.exitcode}); run it again."
                )
                del running[name]
        return
    match word:
        case RestoreProgress():
            hear(word)
        case str():
            warn(f"{name}: {word}")
        case RestoreResult():
            results[name] = word
        case (kind, public):
            results[name] = Failure(FailureKind(kind), public)
    if name in results and name in running:
        running.pop(name).join()


def _work(request: Request, told: Any) -> None:
    """The other process."""
    os.umask(0o077)
    name = request.database
    try:
        result = restore_one(request, lambda progress: told.put((name, progress)), lambda text: told.put((name, text)))
        told.put((name, result))
    except Failure as failure:
        told.put((name, (failure.kind.value, failure.public)))
    except Exception as error:
        told.put((name, (FailureKind.UNAVAILABLE.value, f"{type(error).__name__}: {error}")))
