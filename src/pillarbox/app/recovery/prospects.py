"""What recovery would be like now, for one site: facts, measured rates and promises brought together."""

from collections.abc import Mapping

from pillarbox.app.build import Parts, database_names
from pillarbox.app.recovery.facts import gather_facts
from pillarbox.app.site import DIRECTORY_DATABASE, Site
from pillarbox.recovery.alarms import DrillAlarm, alarms_of, missed
from pillarbox.recovery.history import DrillRecord, History
from pillarbox.recovery.promise import promise_classes, promises
from pillarbox.recovery.rates import measure
from pillarbox.recovery.schedule import parse_schedule
from pillarbox.recovery.state import DRILLS, read_backups
from pillarbox.recovery.status import Status, recovery_status

Members = Mapping[str, frozenset[str]]
"""For each class of people with a promise, the databases that hold their mail."""


def drill_history(site: Site) -> History:
    """The drills of a site."""
    return History(site.path / "state" / DRILLS)


def drill_alarms(site: Site, history: list[DrillRecord], now: int) -> list[DrillAlarm]:
    """What is alarming about drills at the moment `now`: the last one's troubles, or that none was held when due."""
    backups = read_backups(site.path / "state")
    since = backups[0].finished if backups else now  # before the first backup there was nothing to rehearse
    settings = site.settings
    schedule = parse_schedule(settings.drill.time, settings.drill.days)
    late = missed(schedule, history, now, grace_seconds=settings.promise.hours * 3600, since=since)
    return [*(alarms_of(history[-1]) if history else ()), *([late] if late else ())]


async def class_members(parts: Parts) -> Members:
    """Asks the directory where the mail of each class is; the directory itself serves every class that has members."""
    found = {}
    for one in promise_classes(parts.site.settings.promise)[1:]:
        resolution = await parts.directory.resolve(one.name)
        databases = {recipient.person.database for recipient in resolution.recipients}
        found[one.name] = frozenset(databases | {DIRECTORY_DATABASE} if databases else ())
    return found


def everywhere(site: Site) -> Members:
    """The members of all classes where the directory cannot be asked: they may be in every database."""
    databases = frozenset(database_names(site))
    return {one.name: databases for one in promise_classes(site.settings.promise)[1:]}


def prospects(site: Site, members: Members, history: list[DrillRecord], now: int) -> Status:
    """What each loss would mean at the moment `now` (microseconds). Raises Failure INVALID for wrong settings."""
    facts = gather_facts(site, now)
    names = [database.name for database in facts.databases]
    promised = promises(promise_classes(site.settings.promise), members, names)
    nobody = [
        f"nobody has the promise given to {name}: it leads to no mailbox" for name in members if not members[name]
    ]
    status = recovery_status(facts, measure(history), promised)
    return status._replace(notes=(*status.notes, *nobody))
