"""Before a backup's first octet: what each target has already, and under which id the set goes there."""

from collections.abc import Callable, Sequence

from pillarbox.base.clock import MICROSECONDS
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import Target
from pillarbox.recovery.catalog import Catalog
from pillarbox.recovery.journal import Begun, Entry, Journal
from pillarbox.recovery.line import Line
from pillarbox.recovery.manifest import Manifest
from pillarbox.recovery.names import Kind, manifest_name, set_id, set_of
from pillarbox.recovery.patience import patiently

UNFINISHED_SECONDS = 12 * 3600
"""An unfinished backup older than this is not gone on with. Retention leaves its objects alone for much longer."""


def prepare(
    begun: Begun, targets: Sequence[Target], journal: Journal, pause: Callable[[float], None]
) -> tuple[int, list[Line]]:
    """When the set that is to be written counts as started, and a line for each target, ready to take pieces.

    A target that does not answer gets a line that has failed.
    """
    lines = [Line(target, pause) for target in targets]
    catalogs = [_look(target, line, pause) for target, line in zip(targets, lines, strict=True)]
    old = _unfinished(begun, journal)
    entries = old[1] if old else []
    time = old[0].time if old else begun.time
    if old and any(_complete(catalog, time) for catalog in catalogs):
        # It is complete at some target: that one must not be written over, and gets everything anew.
        entries = [entry for entry in entries if not _complete_at(catalogs, entry.target, time)]
        time = begun.time
        old = None
    while not old and any(_taken(catalog, time) for catalog in catalogs):
        time += MICROSECONDS
    for line, catalog in zip(lines, catalogs, strict=True):
        if catalog is not None:
            _ready(line, catalog, begun._replace(time=time), entries)
    journal.begin(begun._replace(time=time), entries)
    return time, lines


def _look(target: Target, line: Line, pause: Callable[[float], None]) -> Catalog | None:
    catalog = Catalog(target)
    try:
        patiently(catalog.sets, pause)
    except Failure as failure:
        line.fail(failure)
        return None
    return catalog


def _unfinished(begun: Begun, journal: Journal) -> tuple[Begun, list[Entry]] | None:
    """The backup of this kind that was broken off not long ago."""
    found = journal.read()
    if found is None or found[0]._replace(time=begun.time) != begun:
        return None
    age = begun.time - found[0].time
    return found if 0 <= age < UNFINISHED_SECONDS * MICROSECONDS else None


def _ready(line: Line, catalog: Catalog, begun: Begun, entries: Sequence[Entry]) -> None:
    """Decide what the line becomes, and tell it what it need not store again."""
    base = _base(catalog, begun) if begun.kind is Kind.INCREMENTAL else None
    line.begin(begun.time, Kind.INCREMENTAL if base else Kind.FULL, base.set if base else "")
    objects = catalog.objects()
    if base:
        for copy in base.databases:
            # What is not there any more, or not whole, is stored again: a damaged base heals.
            line.know(copy.uuid, (piece for piece in copy.pieces if objects.get(piece.object) == piece.stored))
    for entry in entries:
        if entry.target == line.sink.label and objects.get(entry.piece.object) == entry.piece.stored:
            line.know(entry.uuid, [entry.piece])


def _base(catalog: Catalog, begun: Begun) -> Manifest | None:
    """The newest set, if it can be read with the same keys as what is stored now."""
    newest = catalog.newest()
    if newest is None or newest.recipients != begun.recipients:
        return None
    return newest


def _complete(catalog: Catalog | None, time: int) -> bool:
    return catalog is not None and any(manifest_name(set_id(time, kind)) in catalog.objects() for kind in Kind)


def _complete_at(catalogs: Sequence[Catalog | None], label: str, time: int) -> bool:
    return any(
        catalog is not None and catalog.target.label == label and _complete(catalog, time) for catalog in catalogs
    )


def _taken(catalog: Catalog | None, time: int) -> bool:
    """Whether a target has anything of a set begun in this second."""
    ids = {set_id(time, kind) for kind in Kind}
    return catalog is not None and any(set_of(name) in ids for name in catalog.objects())
