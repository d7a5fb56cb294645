"""Trying a schema migration on a restored copy before the live database sees it.

The copy is migrated by the very code that will migrate the live one, then read whole. Nothing of the live database is
touched. The migration of the live one is a log record: restoring to before it (with the older program) takes it back.
"""

from collections.abc import Iterator

from pillarbox.database.connection import connect_reader
from pillarbox.database.engine import Engine
from pillarbox.database.generation import begin_generation
from pillarbox.database.place import Place, Surroundings, Tuning
from pillarbox.database.position import read_position
from pillarbox.database.recovering import RecoveringDatabase
from pillarbox.model.failure import Failure
from pillarbox.model.logged import Schema


def version_of(place: Place, surroundings: Surroundings | None = None) -> int:
    """The version of a database's tables."""
    connection = connect_reader(place.file, (surroundings or Surroundings()).vfs)
    try:
        return read_position(connection).schema_version
    finally:
        connection.close(force=True)


def rehearse_migration(
    copy: RecoveringDatabase, schema: Schema, surroundings: Surroundings | None = None
) -> Iterator[str]:
    """Migrate the copy and check it; a sentence for each thing that is wrong."""
    copy.settle()
    begin_generation(copy.place, None, surroundings)
    try:
        Engine.open(copy.place, schema, Tuning(), surroundings).close()
    except Failure as failure:
        yield failure.public
        return
    except Exception as error:  # a migration is code that may fail in any way; here is where it may
        yield f"the migration failed: {type(error).__name__}: {error}"
        return
    yield from copy.check()
