"""Taking databases out of service and exchanging their files while the server runs.

- `dismount` and `mount` tell every process to let go of a database, or to have it again.
- `dial_tone` puts an empty database in the place of a lost one, so that its people can send and receive at once.
- `install` puts a recovered database in place. Where a dial-tone database was there, its mail is merged in afterwards
  (`app/merging.py`).

Nothing is ever deleted here: what was in place is kept, as a whole database that an engine can open, in
`<data>/<name>.<why>-<time>/` and `<log volume>/<name>.<why>-<time>/`, until `discard_kept`. While files are moved
the database is marked as dismounted, and stays so when this is interrupted: it is simply run again, or `mount`ed, which
first does what was left. All calls block and raise `Failure`.
"""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from pillarbox.app.build import place_of, schema_of
from pillarbox.app.dismounted import (
    PATIENCE,
    Dismounted,
    alone,
    clear_dismounted,
    dismounted,
    flush_directory,
    set_dismounted,
    write_durably,
)
from pillarbox.app.site import DIRECTORY_DATABASE, Site
from pillarbox.base.clock import MICROSECONDS, SystemClock
from pillarbox.base.failure import FailureKind
from pillarbox.database.engine import Engine
from pillarbox.database.generation import begin_generation, continues, install_recovered
from pillarbox.database.log.reader import read_header
from pillarbox.database.log.segment import segment_name
from pillarbox.database.log.volume import Volume
from pillarbox.database.mailbox.renewal import renew_uid_validity
from pillarbox.database.place import Place, Surroundings, Tuning
from pillarbox.database.readonly import position_of
from pillarbox.database.verify import Finding, verify_file
from pillarbox.model.failure import Failure

_LOST, _REPLACED = "lost", "replaced"


class DialTone(NamedTuple):
    """An empty database works in the place of a lost one.

    `lost` names where the lost one is kept, once it is `moved`. `made`: the empty one is whole. `merge` names where
    the dial-tone database is kept whose mail is still to be merged into the restored one; "" while it is in use.
    """

    lost: str
    since: int
    moved: bool = False
    made: bool = False
    merge: str = ""


class Installed(NamedTuple):
    """What `install` did: `kept` names where the replaced database is, `merge_due` that its mail is to be merged in."""

    kept: str
    generation: int
    merge_due: bool


Say = Callable[[str], None]


def _unheard(_: str) -> None:
    """Nobody wants to know the steps."""


# --- out of service and back ------------------------------------------------------------------------------------------


def dismount(site: Site, name: str, reason: str, patience: float = PATIENCE) -> None:
    """Returns when no process has the database open any more. Raises IN_USE where one does not let go in time."""
    _refuse_directory(name)
    if dismounted(site, name) is None:
        set_dismounted(site, name, Dismounted(reason, SystemClock().now()))
    with alone(site, name, patience):
        pass


def mount(site: Site, name: str, say: Say = _unheard) -> None:
    """Opens the database once to see that it is whole, then lets every process have it.

    Does first what an interrupted exchange left undone. What cannot be opened stays dismounted.
    """
    why = dismounted(site, name)
    if why is None:
        _refuse_mounted(site, name)
        why = Dismounted("it is being opened", SystemClock().now())
    set_dismounted(site, name, why)  # so that processes that gave up on it look again when this is gone
    with alone(site, name):
        _finish(site, name, why, say)
    clear_dismounted(site, name)


def _refuse_mounted(site: Site, name: str) -> None:
    try:
        with alone(site, name, 0):
            return
    except Failure as failure:
        if failure.kind is not FailureKind.IN_USE:
            raise
    raise Failure(FailureKind.ALREADY_EXISTS, f"Database {name} is mounted already.")


def _finish(site: Site, name: str, why: Dismounted, say: Say) -> None:
    place, tuning = place_of(site, name), Tuning(segment_size=site.settings.storage.segment_size)
    if why.new_generation:
        number = begin_generation(place, tuning, beyond=why.beyond)
        say(f"the log goes on as generation {number}")
        why = why._replace(new_generation=False)
        set_dismounted(site, name, why)
    said = Surroundings(alarm=lambda alarm: say(alarm.text))
    engine = Engine.open(place, schema_of(name), tuning, said)
    try:
        if why.renew_uids and name != DIRECTORY_DATABASE:
            count = renew_uid_validity(engine, SystemClock())
            say(f"{count} mailboxes have a new UIDVALIDITY")
            set_dismounted(site, name, why._replace(renew_uids=False))
    finally:
        engine.close()


def _refuse_directory(name: str) -> None:
    if name == DIRECTORY_DATABASE:
        raise Failure(
            FailureKind.NOT_ALLOWED, "Nothing can be served without the directory: stop the server to exchange it."
        )


# --- a new log --------------------------------------------------------------------------------------------------------


def new_log(site: Site, name: str, beyond: int, say: Say = _unheard) -> None:
    """Begins a log, a new generation later than `beyond`, and mounts the database.

    Where no log volume holds its log any more, the file is what there is: it is read whole first, and refused with
    CORRUPT where it is damaged; mailboxes get new UIDVALIDITYs, since what a power cut took from it may have been seen
    by clients. Where the log is there, the new one goes on behind its last record.
    """
    place, why = place_of(site, name), "its log is begun anew"
    lost = not any(_log_uuid(root, name) for root in site.log_volumes)
    if lost:
        _check(place.file, name)
    if name != DIRECTORY_DATABASE:
        dismount(site, name, why)
    with alone(site, name):
        if not lost:  # so that the file contains all of it
            Engine.open(place, schema_of(name), Tuning(segment_size=site.settings.storage.segment_size)).close()
        set_dismounted(site, name, Dismounted(why, SystemClock().now(), True, lost, beyond))
    mount(site, name, say)


# --- dial tone --------------------------------------------------------------------------------------------------------


def dial_tone(site: Site, name: str, say: Say = _unheard) -> DialTone:
    """An empty database in the place of a lost one; people work with it at once. Interrupted, it is run again.

    Raises ALREADY_EXISTS where an empty one is in use already.
    """
    _refuse_directory(name)
    known = dial_tone_of(site, name)
    if known is not None and (known.made or known.merge):
        raise Failure(
            FailureKind.ALREADY_EXISTS,
            f"Database {name} works with a dial-tone database already; `pillarbox restore database {name}` "
            "brings the old mail.",
        )
    now = SystemClock().now()
    state = known or DialTone(_aside(name, _LOST, now), now)
    dismount(site, name, "an empty database is being made")
    _note(site, name, state)
    place = place_of(site, name)
    with alone(site, name):
        if not state.moved:
            _move(place, _kept(site, name, state.lost))
            say(f"what is left of {name} is kept in {site.data_volume / state.lost}")
            state = state._replace(moved=True)
            _note(site, name, state)
        Engine.create(place, schema_of(name), Tuning(segment_size=site.settings.storage.segment_size)).close()
    state = state._replace(made=True)
    _note(site, name, state)
    mount(site, name, say)
    return state


def dial_tone_of(site: Site, name: str) -> DialTone | None:
    """The dial-tone database in use, or whose mail is to be merged; None where there is neither."""
    try:
        values = json.loads(_note_file(site, name).read_text("utf-8"))
    except FileNotFoundError:
        return None
    return DialTone(
        str(values["lost"]), int(values["since"]), bool(values["moved"]), bool(values["made"]), str(values["merge"])
    )


def end_dial_tone(site: Site, name: str) -> None:
    """All its mail is merged."""
    _note_file(site, name).unlink(missing_ok=True)


def _note(site: Site, name: str, state: DialTone) -> None:
    write_durably(_note_file(site, name), json.dumps(state._asdict()))


def _note_file(site: Site, name: str) -> Path:
    return site.state / "dial-tone" / name


# --- a recovered database ---------------------------------------------------------------------------------------------


def install(
    site: Site,
    name: str,
    recovered: Path,
    *,
    to_end: bool,
    checked: bool = False,
    beyond: int = 0,
    say: Say = _unheard,
) -> Installed:
    """Puts the database file `recovered` (on the data volume) in place of the live one and mounts it.

    With `to_end` it holds all that the log holds, or the log on its volumes is to be played on from it; else its log
    goes on from where it is, as a new generation later than `beyond`, and mailboxes get new UIDVALIDITYs. Unless it
    was `checked`, it is read whole first, and refused with CORRUPT where anything is wrong. Interrupted after the
    file was moved, `mount` does the rest.
    """
    at = position_of(recovered)
    if not checked:
        _check(recovered, name)
    now = SystemClock().now()
    kept = _aside(name, _REPLACED, now)
    if name != DIRECTORY_DATABASE:
        dismount(site, name, "a recovered database is being put in place")
    place, dial = place_of(site, name), dial_tone_of(site, name)
    with alone(site, name):
        # From here on whoever mounts does the rest: the old log must never be played into the restored file.
        why = Dismounted("a recovered database is being put in place", now, not to_end, not to_end, beyond)
        set_dismounted(site, name, why)
        if at.identity.uuid != _uuid(place):
            if _move(place, _kept(site, name, kept)):
                say(f"what was in place of {name} is kept in {site.data_volume / kept}")
            if dial is not None and not dial.merge:
                _note(site, name, dial._replace(merge=kept))
            _bring_log_back(site, name, at.identity.uuid)
        goes_on = to_end and continues(place, recovered)
        if to_end and not goes_on:
            set_dismounted(site, name, why._replace(new_generation=True))
        install_recovered(place, recovered, site.data_volume / kept)
    mount(site, name, say)
    merge_due = (dial_tone_of(site, name) or DialTone("", 0)).merge != ""
    return Installed(kept, position_of(place.file).identity.generation, merge_due)


def _check(file: Path, name: str) -> None:
    findings = [found.text for found in verify_file(file, schema_of(name), None) if isinstance(found, Finding)]
    if findings:
        raise Failure(
            FailureKind.CORRUPT,
            f"{file} is damaged ({len(findings)} findings, the first: {findings[0]}); {name} was left as it is.",
        )


def _uuid(place: Place) -> bytes:
    """Which database is in place; b"" where that cannot be told."""
    try:
        return position_of(place.file).identity.uuid
    except Failure:
        pass
    for root in place.log_volumes:
        found = _log_uuid(root, place.name)
        if found:
            return found
    return b""


def _log_uuid(root: Path, name: str) -> bytes:
    disk = Surroundings().disk
    volume = Volume(disk, root, name)
    try:
        for segment in reversed(volume.segments()):
            header = read_header(disk, volume.directory / segment_name(*segment))
            if header is not None:
                return header.uuid
    except (OSError, Failure):
        pass
    finally:
        volume.close()
    return b""


def _bring_log_back(site: Site, name: str, uuid: bytes) -> None:
    """The log of the database that comes back may have been put aside with what was left of it."""
    for root in site.log_volumes:
        if (root / name).exists():
            continue
        for aside in sorted(root.glob(f"{name}.{_LOST}-*"), reverse=True):
            if _log_uuid(aside, name) == uuid:
                (aside / name).rename(root / name)
                flush_directory(aside)
                flush_directory(root)
                break


# --- what is kept aside -----------------------------------------------------------------------------------------------


def kept_place(site: Site, name: str, kept: str) -> Place:
    """Where a database that was put aside under the name `kept` can be opened."""
    return _kept(site, name, kept)


def kept_of(site: Site, name: str) -> list[str]:
    """What was put aside of a database, oldest first."""
    found = {
        path.name
        for root in (site.data_volume, *site.log_volumes)
        for why in (_LOST, _REPLACED)
        for path in root.glob(f"{name}.{why}-*")
    }
    return sorted(found, key=lambda each: each.rpartition("-")[2])


def discard_kept(site: Site, name: str) -> list[str]:
    """Deletes for good what was put aside; its names. Raises IN_USE while mail is to be merged out of it."""
    if dial_tone_of(site, name) is not None:
        raise Failure(
            FailureKind.IN_USE,
            f"A dial-tone database of {name} is in use, or its mail is not merged yet: restore {name} first.",
        )
    kept = kept_of(site, name)
    for each in kept:
        for root in (site.data_volume, *site.log_volumes):
            if (root / each).exists():
                shutil.rmtree(root / each)
    return kept


def _aside(name: str, why: str, now: int) -> str:
    return f"{name}.{why}-{datetime.fromtimestamp(now / MICROSECONDS, UTC):%Y%m%dT%H%M%S.%fZ}"


def _kept(site: Site, name: str, kept: str) -> Place:
    return Place(name, site.data_volume / kept, tuple(root / kept for root in site.log_volumes))


def _move(place: Place, target: Place) -> bool:
    """All files of a database, to where it is a whole database as well. What was moved before stays moved.

    Whether there was anything.
    """
    files = [place.file.with_name(place.file.name + end) for end in ("", "-wal", "-shm")]
    if not any(path.exists() for path in (*files, *(root / place.name for root in place.log_volumes))):
        return False
    target.data.mkdir(mode=0o700, exist_ok=True)
    for file in files:
        if file.exists():
            file.rename(target.data / file.name)
    flush_directory(target.data)
    flush_directory(place.data)
    for root, to in zip(place.log_volumes, target.log_volumes, strict=True):
        if (root / place.name).exists():
            to.mkdir(mode=0o700, exist_ok=True)
            (root / place.name).rename(to / place.name)
            flush_directory(to)
            flush_directory(root)
    return True
