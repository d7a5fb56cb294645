"""Which backups are kept, and removing the others: grandfather, father, son.

Of the newest days, weeks, months and years that have a backup, as many as the settings say, the last backup is kept; so
is every one younger than the legal minimum, the newest set and the newest full one. A set in which a database is
missing counts for none of the periods and goes once a set with all of them is newer. `plan_retention` is pure.

Log is kept so that it can be played from every set that a day or the legal minimum keeps, and from the newest; from the
sets of weeks, months and years a database comes back as it was at that backup, not at any moment after.

`apply_retention` removes in an order that may be broken off anywhere: manifests first, then objects that no remaining
manifest names (an incremental set's pieces may lie in a removed set: they stay), then log. What an interruption
leaves, and what unfinished backups left, is debris of sets without a manifest; it goes when it is two days old. Where
a manifest is damaged nothing is removed, since nobody knows what it needs: CORRUPT, until somebody has looked.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from pillarbox.base.clock import MICROSECONDS
from pillarbox.base.failure import FailureKind
from pillarbox.base.settings import Backup
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import Target
from pillarbox.recovery.catalog import ArchivedSpan, Catalog, archived_spans
from pillarbox.recovery.manifest import Manifest
from pillarbox.recovery.names import Kind, manifest_name, parse_set_id, set_of

DEBRIS_SECONDS = 2 * 24 * 3600
_DAY = 24 * 3600 * MICROSECONDS
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Rules(NamedTuple):
    """How many periods of each kind keep their last backup, and the least age in days before one is removed."""

    daily: int
    weekly: int
    monthly: int
    yearly: int
    days: int


class Dated(NamedTuple):
    """What retention needs to know of a set. `complete`: no database is missing in it."""

    set: str
    time: int
    kind: Kind
    complete: bool


class Plan(NamedTuple):
    """Ids of sets, oldest first. `playable` are those of the kept ones from which log is to be played."""

    keep: tuple[str, ...]
    remove: tuple[str, ...]
    playable: tuple[str, ...]


class Removed(NamedTuple):
    """What went: sets by id; objects below `sets/` and of the log; stored octets of all."""

    sets: tuple[str, ...]
    objects: int
    log_objects: int
    octets: int


def rules_of(settings: Backup) -> Rules:
    """The rules in the settings."""
    return Rules(
        settings.keep_daily, settings.keep_weekly, settings.keep_monthly, settings.keep_yearly, settings.keep_days
    )


def dated(manifest: Manifest) -> Dated:
    return Dated(manifest.set, manifest.started, manifest.kind, not manifest.missing)


def plan_retention(sets: Sequence[Dated], rules: Rules, now: int, zone: tzinfo | None = None) -> Plan:
    """Which sets stay at `now`. Days begin at midnight in `zone`; None: this machine's."""
    ordered = sorted(sets, key=lambda found: (found.time, found.set))
    complete = [found for found in ordered if found.complete]
    full = [found for found in complete if found.kind is Kind.FULL]
    playable = {found.set for found in ordered if found.time > now - rules.days * _DAY}
    playable |= {found.set for found in complete[-1:] + full[-1:]}
    # Newer than the newest complete one: for some databases it is the newest there is.
    playable |= {found.set for found in ordered if not complete or found.time > complete[-1].time}
    playable |= _last_of(complete, rules.daily, lambda day: day.toordinal(), zone)
    keep = playable | _last_of(complete, rules.weekly, lambda day: day.isocalendar()[:2], zone)
    keep |= _last_of(complete, rules.monthly, lambda day: (day.year, day.month), zone)
    keep |= _last_of(complete, rules.yearly, lambda day: day.year, zone)
    return Plan(
        tuple(found.set for found in ordered if found.set in keep),
        tuple(found.set for found in ordered if found.set not in keep),
        tuple(found.set for found in ordered if found.set in playable),
    )


def _last_of(
    ordered: Iterable[Dated], count: int, period: Callable[[datetime], object], zone: tzinfo | None
) -> set[str]:
    """The last set of each of the newest `count` periods that have one."""
    last: dict[object, str] = {}
    for found in ordered:
        moment = (_EPOCH + timedelta(microseconds=found.time)).astimezone(zone)
        last[period(moment)] = found.set
    return set(list(last.values())[-count:]) if count > 0 else set()


def apply_retention(
    target: Target,
    rules: Rules,
    now: int,
    zone: tzinfo | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Removed:
    """Remove what the rules do not keep from a target. `progress` is told how many objects of how many are gone.

    Raises CORRUPT where a manifest does not decode (nothing is removed), and what the target raises.
    """
    catalog = Catalog(target)
    sets = catalog.sets()
    for failure in catalog.damaged():
        public = f"nothing was removed at {target.label}: {failure.public}"
        raise Failure(FailureKind.CORRUPT, public, failure)
    plan = plan_retention([dated(found) for found in sets], rules, now, zone)
    for set in plan.remove:
        target.delete(manifest_name(set))
    target.flush()
    kept = [found for found in sets if found.set in plan.keep]
    waste = _waste(catalog.objects(), kept, plan.remove, now)
    log = unneeded_log(archived_spans(target), [found for found in kept if found.set in plan.playable])
    total = len(waste) + len(log)
    for done, name in enumerate([*waste, *(span.object for span in log)], 1):
        target.delete(name)
        progress(done, total)
    target.flush()
    octets = sum(catalog.objects()[name] for name in waste) + sum(span.stored for span in log)
    return Removed(plan.remove, len(waste), len(log), octets)


def _waste(objects: dict[str, int], kept: Sequence[Manifest], removed: Sequence[str], now: int) -> list[str]:
    """Objects below `sets/` that nobody needs; strangers are left alone."""
    needed = {piece.object for found in kept for piece in found.pieces()}
    needed |= {manifest_name(found.set) for found in kept}
    needed |= {manifest_name(set) for set in removed}  # gone already
    before = now - DEBRIS_SECONDS * MICROSECONDS
    waste = []
    for name in objects:
        set = set_of(name)
        if set is None or name in needed:
            continue
        id = parse_set_id(set)
        if set in removed or (id is not None and id.time < before):
            waste.append(name)
    return waste


def unneeded_log(spans: Sequence[ArchivedSpan], playable: Sequence[Manifest]) -> list[ArchivedSpan]:
    """The spans that no replay from a playable set needs, oldest first.

    Log goes by whole segments, and never the newest segment of a generation that may be written to. That of a database
    which is in none of the sets goes only when it ended before the oldest of them: it may just not be backed up yet.
    """
    if not playable:
        return []
    points: dict[str, tuple[int, int]] = {}
    for copy in (copy for found in playable for copy in found.databases):
        point = (copy.point.generation, copy.point.lsn)
        points[copy.uuid] = min(points.get(copy.uuid, point), point)
    oldest = min(found.started for found in playable)
    ends: dict[tuple[str, int, int], int] = {}
    newest: dict[str, tuple[int, int]] = {}
    times: dict[str, int] = {}
    for _, _, (_, uuid, span, _) in spans:
        segment = (uuid, span.generation, span.segment)
        ends[segment] = max(ends.get(segment, 0), span.last)
        newest[uuid] = max(newest.get(uuid, (0, 0)), (span.generation, span.segment))
        times[uuid] = max(times.get(uuid, 0), span.time)

    def unneeded(span: ArchivedSpan) -> bool:
        uuid, place = span.name.uuid, (span.name.span.generation, span.name.span.segment)
        if uuid not in points:
            return times[uuid] < oldest
        generation, lsn = points[uuid]
        covered = place[0] < generation or (place[0] == generation and ends[uuid, *place] <= lsn)
        return covered and place != newest[uuid]

    return [span for span in spans if unneeded(span)]
