"""What a restore needs and where each part of it is: worked out before anything is copied.

The newest backup that ends at or before the wanted moment is taken, whichever target has it, and the log from there on:
from the live log volumes where they have it, else from any target. Backups of generations whose records were left
behind are passed over. Where records are missing in between, or there is no backup, `plan_restore` raises `Failure`
NOT_FOUND that names them. A target that cannot be reached is a note and no failure.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple, TypeVar

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import LiveDatabase, Span, Target, Until
from pillarbox.recovery.archived import Mark, Reach, Segment, reach
from pillarbox.recovery.catalog import ArchivedSpan, Catalog, archived_spans
from pillarbox.recovery.lineage import Lineage
from pillarbox.recovery.manifest import DatabaseCopy, Manifest
from pillarbox.recovery.words import moment

T = TypeVar("T")


class Choice(NamedTuple):
    """What to restore of a database. None, or empty, means: not restricted.

    `uuid` is which of the databases that had this name, `generation` the line that ends with it (None: the newest),
    `set` just this backup, `before_set` only older ones.
    """

    database: str
    until: Until = Until()
    uuid: str = ""
    generation: int | None = None
    set: str = ""
    before_set: str = ""


class Source(NamedTuple):
    """Where octets of the log are: an object at a target, or the live log where `target` is None."""

    span: Span
    target: Target | None
    object: str


class SegmentPlan(NamedTuple):
    """A segment, of which octets 0 to `finish` are wanted, and all that has some of them, the best first."""

    generation: int
    segment: int
    finish: int
    sources: tuple[Source, ...]

    @property
    def name(self) -> str:
        """As a file in `RecoveryDatabase.log`."""
        return f"{self.generation}-{self.segment:016x}.log"


class RestorePlan(NamedTuple):
    """A restore. `targets`: where pieces are looked for, in this order. `live`: the live log, if it is of use.

    `last` is the record that the log goes up to. `newest_generation` is the newest there is of this database anywhere:
    what goes on from the restored moment must begin a later one. `notes` are sentences about what could not be used.
    """

    choice: Choice
    set: str
    copy: DatabaseCopy
    targets: tuple[Target, ...]
    segments: tuple[SegmentPlan, ...]
    live: LiveDatabase | None
    last: int
    newest_generation: int
    notes: tuple[str, ...]

    @property
    def log_octets(self) -> int:
        return sum(segment.finish for segment in self.segments)


class _Set(NamedTuple):
    name: str
    started: int
    copy: DatabaseCopy

    @property
    def mark(self) -> Mark:
        return (self.copy.point.generation, self.copy.point.lsn)


def plan_restore(catalogs: Sequence[Catalog], choice: Choice, live: LiveDatabase | None = None) -> RestorePlan:
    """See above. `live` is the database as it is now, if anything is left of it."""
    notes: list[str] = []
    holders = _sets(catalogs, choice.database, notes)
    uuid = _which(choice, [found for _, found in holders])
    sources = _sources([catalog.target for catalog in catalogs], choice.database, uuid, live, notes)
    mine = [found for _, found in holders if found.copy.uuid == uuid]
    every = Lineage.known(sources, [found.mark for found in mine])
    lineage = Lineage.known(sources, [found.mark for found in mine], choice.generation)
    chosen = _choose(choice, mine, lineage)
    segments, last = _path(choice, chosen, sources, lineage, _Asked(catalogs, live))
    having = [target for target, found in holders if found.name == chosen.name]
    others = [catalog.target for catalog in catalogs if catalog.target not in having]
    uses_live = any(source.target is None for segment in segments for source in segment.sources)
    return RestorePlan(
        choice,
        chosen.name,
        chosen.copy,
        (*having, *others),
        tuple(segments),
        live if uses_live else None,
        last,
        every.newest,
        tuple(notes),
    )


def _sets(catalogs: Sequence[Catalog], database: str, notes: list[str]) -> list[tuple[Target, _Set]]:
    """Every copy of the database and where it is."""
    holders: list[tuple[Target, _Set]] = []
    none: list[Manifest] = []
    for catalog in catalogs:
        sets = _try(catalog.sets, none, f"the backups at {catalog.target.label} cannot be read", notes)
        with suppress(Failure):
            notes += [f"at {catalog.target.label}: {failure.public}" for failure in catalog.damaged() if sets]
        for found in sets:
            copy = found.database(database)
            if copy is not None:
                holders.append((catalog.target, _Set(found.set, found.started, copy)))
    if not holders:
        looked = ", ".join(catalog.target.label for catalog in catalogs) or "no target"
        raise Failure(
            FailureKind.NOT_FOUND,
            f"There is no backup of {database} at {looked}." + "".join(f" But {note}." for note in notes),
        )
    return holders


def _which(choice: Choice, sets: list[_Set]) -> str:
    """The uuid of the database meant: the one that the newest backup at or before the moment is of."""
    if choice.uuid:
        return choice.uuid
    time = choice.until.time
    fitting = [found for found in sets if time is None or found.copy.time <= time] or sets
    if choice.set:
        fitting = [found for found in fitting if found.name == choice.set] or fitting
    return max(fitting, key=lambda found: (found.copy.time, found.started)).copy.uuid


def _sources(
    targets: Sequence[Target], database: str, uuid: str, live: LiveDatabase | None, notes: list[str]
) -> dict[Segment, list[Source]]:
    """All log there is of the database, by segment; the live one first."""
    found: dict[Segment, list[Source]] = {}
    for span in _live_spans(live, uuid, notes):
        found.setdefault((span.generation, span.segment), []).append(Source(span, None, ""))
    nothing: list[ArchivedSpan] = []
    for target in targets:

        def listed(target: Target = target) -> list[ArchivedSpan]:
            return archived_spans(target, database, uuid)

        for archived in _try(listed, nothing, f"the log at {target.label} cannot be listed", notes):
            span = archived.name.span
            found.setdefault((span.generation, span.segment), []).append(Source(span, target, archived.object))
    return dict(sorted(found.items()))


def _live_spans(live: LiveDatabase | None, uuid: str, notes: list[str]) -> list[Span]:
    if live is None:
        return []
    what = f"the live log of {live.name} cannot be used"
    here = _try(lambda: live.uuid, "", what, notes)
    if here and here != uuid:
        notes.append(f"the live log of {live.name} belongs to another database of this name")
    return _try(lambda: live.spans(None), [], what, notes) if here == uuid else []


def _try(call: Callable[[], T], otherwise: T, what: str, notes: list[str]) -> T:
    try:
        return call()
    except Failure as failure:
        notes.append(f"{what}: {failure.public}")
        return otherwise


def _choose(choice: Choice, sets: list[_Set], lineage: Lineage) -> _Set:
    """The backup to begin with: the newest on the line that ends at or before the moment."""
    until = choice.until
    fitting = [
        found
        for found in sets
        if lineage.holds(found.mark)
        and (until.time is None or found.copy.time <= until.time)
        and (until.lsn is None or found.copy.point.lsn <= until.lsn)
        and (not choice.set or found.name == choice.set)
        and (not choice.before_set or found.name < choice.before_set)
    ]
    if choice.set and choice.set not in {found.name for found in sets}:
        raise Failure(
            FailureKind.NOT_FOUND,
            f"There is no backup {choice.set} of {choice.database}; see `pillarbox backup list`.",
        )
    if not fitting:
        oldest = min(((found.copy.time, found.copy.point.lsn) for found in sets), default=(0, 0))
        older = f" older than {choice.before_set}" if choice.before_set else ""
        raise Failure(
            FailureKind.NOT_FOUND,
            f"There is no backup of {choice.database}{older} that ends at or before what is wanted; "
            f"the oldest of the {len({found.name for found in sets})} there are ends at {moment(oldest[0])} with "
            f"record {oldest[1]}.",
        )
    return max(fitting, key=lambda found: (found.copy.point.lsn, found.mark, found.started, found.name))


class _Asked(NamedTuple):
    """Where log was looked for; for the sentence."""

    catalogs: Sequence[Catalog]
    live: LiveDatabase | None

    def __str__(self) -> str:
        places = [catalog.target.label for catalog in self.catalogs]
        return ", ".join([*(["the log volumes"] if self.live else []), *places])


def _path(
    choice: Choice, chosen: _Set, sources: dict[Segment, list[Source]], lineage: Lineage, asked: _Asked
) -> tuple[list[SegmentPlan], int]:
    """The segments to play, in order, from the backup on; and the last record in them."""
    generation, wanted = chosen.mark
    wanted += 1
    path: list[SegmentPlan] = []
    reaches = {segment: reach(segment, [source.span for source in found]) for segment, found in sources.items()}
    while not _enough(choice.until, wanted):
        end = lineage.end(generation)
        if end is not None and wanted > end:
            following = lineage.following(generation)
            assert following is not None
            generation = following[0]
            continue
        segment = _holder(generation, wanted, reaches)
        if segment is None:
            missing = _next_known(generation, wanted, end, sources)
            if missing is not None:
                raise _gap(choice.database, generation, wanted, missing, asked)
            break
        found = reaches[segment]
        if not path or (path[-1].generation, path[-1].segment) != segment:
            path.append(SegmentPlan(*segment, found.finish, tuple(sources[segment])))
        if found.last < wanted:
            break  # begun, and without a record yet
        wanted = (found.last if end is None else min(found.last, end)) + 1
        late = choice.until.time is not None and found.time > choice.until.time
        if late and (end is None or found.last <= end):
            break
    if choice.until.lsn is not None and wanted <= choice.until.lsn:
        raise Failure(
            FailureKind.NOT_FOUND,
            f"The log of {choice.database} ends with record {wanted - 1}; there is no record {choice.until.lsn}.",
        )
    return path, wanted - 1


def _enough(until: Until, wanted: int) -> bool:
    return until.lsn is not None and wanted > until.lsn


def _holder(generation: int, wanted: int, reaches: dict[Segment, Reach]) -> Segment | None:
    """The segment that has the record, or has just been begun for it."""
    below = [segment for segment in reaches if segment[0] == generation and segment[1] <= wanted]
    if not below:
        return None
    segment = max(below)
    found = reaches[segment]
    return segment if found.finish and (found.last >= wanted or segment[1] == wanted) else None


def _next_known(generation: int, wanted: int, end: int | None, sources: dict[Segment, list[Source]]) -> int | None:
    """The first record behind the missing one that is on the line and there; None: the log ends here."""
    later = [
        source.span.first
        for segment, found in sources.items()
        if segment[0] == generation
        for source in found
        if source.span.first > wanted
    ]
    return min([*later, *([end + 1] if end is not None else [])], default=None)


def _gap(database: str, generation: int, first: int, following: int, asked: _Asked) -> Failure:
    records = f"record {first} is" if following == first + 1 else f"records {first} to {following - 1} are"
    return Failure(
        FailureKind.NOT_FOUND,
        f"The log of {database} has a gap: {records} missing in generation {generation}, though later ones are there; "
        f"looked for at {asked}. To restore what comes before the gap, ask for record {first - 1}.",
    )
