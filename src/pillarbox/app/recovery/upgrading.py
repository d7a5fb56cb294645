"""Bringing databases to the tables of a newer program: a restored copy first, then, if all is well, the live one.

The copy comes from the newest backup and the log; without any backup, from the live file. How to go back is said
afterwards: the migration is a log record, and a restore to before it (with the older program) undoes it. Raises
`Failure`: IN_USE while the server runs, CORRUPT where the copy did not stand it (the live one was not touched then).
"""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from pillarbox.app.build import database_names, place_of, schema_of
from pillarbox.app.recovery.restoring import Request, discard, restore_one
from pillarbox.app.site import Site
from pillarbox.base.failure import FailureKind
from pillarbox.database.engine import Engine
from pillarbox.database.live import LiveVolumes
from pillarbox.database.place import Tuning
from pillarbox.database.recovering import RecoveringDatabase
from pillarbox.database.upgrading import rehearse_migration, version_of
from pillarbox.model.failure import Failure
from pillarbox.model.logged import Schema


class Upgraded(NamedTuple):
    """A database's tables went from version `before` to `after`; `lsn` is the first log record of that."""

    database: str
    before: int
    after: int
    lsn: int


def outdated(site: Site, schema: Callable[[str], Schema] = schema_of) -> list[str]:
    """The databases whose tables are older than this program's."""
    return [name for name in database_names(site) if version_of(place_of(site, name)) < schema(name).version]


def upgrade(
    site: Site,
    name: str,
    say: Callable[[str], None],
    identities: Sequence[Path] = (),
    schema: Callable[[str], Schema] = schema_of,
) -> Upgraded:
    """Try it on a copy, then do it."""
    with site.serving():  # nobody else
        place, wanted = place_of(site, name), schema(name)
        before = version_of(place)
        request = Request(site.path, name, site.path / site.settings.drill.scratch / name, identities=tuple(identities))
        discard(request)
        try:
            copy = RecoveringDatabase(request.directory, name, wanted)
            _bring_copy(site, request, copy, say)
            findings = list(rehearse_migration(copy, wanted))
        finally:
            discard(request)
        if findings:
            raise Failure(
                FailureKind.CORRUPT,
                f"The copy of {name} did not stand the migration to version {wanted.version}; the live one was not "
                f"touched: {findings[0]}",
            )
        say(f"{name}: the copy stood the migration from version {before} to {wanted.version}")
        lsn = LiveVolumes(place).position().lsn + 1
        Engine.open(place, wanted, Tuning(segment_size=site.settings.storage.segment_size)).close()
    return Upgraded(name, before, wanted.version, lsn)


def _bring_copy(site: Site, request: Request, copy: RecoveringDatabase, say: Callable[[str], None]) -> None:
    try:
        result = restore_one(request, lambda progress: None, say)
        say(f"{request.database}: tried on a copy from backup {result.set}, played up to record {result.lsn}")
    except Failure as failure:
        if failure.kind not in (FailureKind.NOT_FOUND, FailureKind.INVALID):
            raise
        say(f"{request.database}: there is no backup ({failure.public}); tried on a copy of the live file")
        discard(request)
        copy.log.mkdir(mode=0o700, parents=True)
        with LiveVolumes(place_of(site, request.database)).pin() as pinned:
            shutil.copyfile(pinned.path, copy.file)
