"""Which role a site has, and how it changes: promote, demote, stepping back behind a later generation."""

import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from pillarbox import __version__
from pillarbox.app.build import database_names, place_of, schema_of
from pillarbox.app.recovery.wiring import generation_elsewhere
from pillarbox.app.site import Site
from pillarbox.app.standby.standing import followed, lease_of, note_followed, standing_of
from pillarbox.app.standby.talk import dial
from pillarbox.app.standby.trust import Trust
from pillarbox.base.clock import SystemClock
from pillarbox.base.failure import FailureKind
from pillarbox.database.follower import Follower
from pillarbox.database.generation import begin_generation
from pillarbox.database.place import Surroundings, Tuning
from pillarbox.database.shipping import ShippedLog
from pillarbox.model.failure import Failure
from pillarbox.recovery.standby.messages import Hello
from pillarbox.recovery.standby.role import Fork, Role, Standing
from pillarbox.recovery.standby.shipper import active_hello

_MEETING_SECONDS = 3.0
_BETWEEN = 0.01


def open_follower(site: Site, name: str, surroundings: Surroundings) -> Follower:
    """A database of a standby."""
    return Follower(place_of(site, name), schema_of(name), _tuning(site), surroundings)


def _tuning(site: Site) -> Tuning:
    return Tuning(segment_size=site.settings.storage.segment_size)


def take_over(
    site: Site, followers: Mapping[str, Follower], until: int | None, force: bool, surroundings: Surroundings
) -> dict[str, Fork]:
    """Makes this site the active one: plays what is left of the logs (up to the moment `until`), begins a new
    generation of every database, and says so durably. Closes the followers.

    Raises Failure where a database is not whole; with `force`, such a one is left out.
    """
    whole: dict[str, int] = {}
    known = followed(site)
    for name, follower in followers.items():
        try:
            if follower.uuid and follower.uuid != known.get(name):
                raise Failure(FailureKind.NOT_FOUND, f"Database {name} here was never copied from an active server.")
            whole[name] = follower.finish(until).lsn
        except Failure:
            if not force:
                raise
    if not whole:
        raise Failure(FailureKind.NOT_FOUND, "There is no whole database here to take over with.")
    for follower in followers.values():
        follower.close()
    forks = {
        name: Fork(begin_generation(place_of(site, name), _tuning(site), surroundings, _beyond(site, name)), after)
        for name, after in whole.items()
    }
    before = standing_of(site).forks
    history = {name: [*before.get(name, ()), fork] for name, fork in forks.items()}
    lease_of(site).take(Standing(Role.ACTIVE, surroundings.clock.now(), "promoted", {**before, **history}))
    return forks


def _beyond(site: Site, name: str) -> int:
    """The newest generation that the backup targets have; one that cannot be asked does not hold up taking over."""
    try:
        return generation_elsewhere(site, name)
    except Failure:
        return 0


def step_back(site: Site, reason: str) -> None:
    """This site is a standby from now on."""
    standing = standing_of(site)
    note_followed(site, {name: source.uuid for name, source in sources_of(site).items()})
    lease_of(site).give_up(standing._replace(since=SystemClock().now(), reason=reason))


def sources_of(site: Site) -> dict[str, ShippedLog]:
    """The log of each database that can be read now."""
    forks = standing_of(site).forks
    sources = {}
    for name in database_names(site):
        source = ShippedLog(place_of(site, name), forks=dict(forks.get(name, ())))
        try:
            source.look()
        except Failure:
            continue
        sources[name] = source
    return sources


def replaced_by(ours: Hello, theirs: Hello) -> str | None:
    """Why another active server has taken over from this one; None where it has not."""
    if theirs.role != "active":
        return None
    own = {(state.name, state.uuid): state.end.generation for state in ours.databases}
    for state in theirs.databases:
        generation = own.get((state.name, state.uuid))
        if generation is not None and generation < state.end.generation:
            return (
                f"{theirs.site} took over: its {state.name} is of generation {state.end.generation}, ours of "
                f"{generation}"
            )
    return None


async def meet_peer(site: Site) -> str | None:
    """Asks the other server whether it has taken over; None where it has not, or cannot be asked."""
    settings = site.settings.standby
    try:
        trust = Trust(site)
        talk = await dial(settings.server, trust)
    except Failure:
        return None
    try:
        ours = own_hello(site)
        talk.say(ours)
        theirs = await talk.next(_MEETING_SECONDS)
        return replaced_by(ours, theirs) if isinstance(theirs, Hello) else None
    except (Failure, OSError, TimeoutError):
        return None
    finally:
        talk.close()


def own_hello(site: Site) -> Hello:
    """How this site introduces itself while it is active."""
    return active_hello(sources_of(site), site.settings.server.hostname, __version__)


def serving_process(site: Site) -> int | None:
    """The process that serves or follows the site now."""
    while True:
        try:
            with site.serving():
                return None
        except Failure:
            with suppress(OSError, ValueError):
                return int((site.run / "server.pid").read_text())
        time.sleep(_BETWEEN)  # it has the lock, and has not written who it is yet, or no longer


def signal_process(pid: int, number: signal.Signals) -> bool:
    """Whether there was such a process to tell."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def status_path(site: Site) -> Path:
    """Where a standby says how it is."""
    return site.run / "standby.json"
