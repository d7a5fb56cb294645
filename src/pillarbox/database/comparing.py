"""Comparing a restored database with the living one, at the very same log record.

One view of the live database is held; what its log has beyond the restored one is played forward up to the record
that the view contains; then every row of every table is compared. Deliveries go on meanwhile.
"""

from collections.abc import Iterator

import apsw

from pillarbox.base.failure import FailureKind
from pillarbox.database.connection import connect_reader, translate
from pillarbox.database.live import LiveVolumes
from pillarbox.database.log.segment import segment_name
from pillarbox.database.place import Surroundings
from pillarbox.database.position import read_position
from pillarbox.database.recovering import RecoveringDatabase, compare_tables
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import Span, Until


def compare_with_live(
    recovered: RecoveringDatabase, live: LiveVolumes, surroundings: Surroundings | None = None
) -> Iterator[str]:
    """A sentence for each table that differs. Raises Failure UNAVAILABLE or CORRUPT where it cannot be told."""
    surroundings = surroundings or Surroundings()
    try:
        connection = connect_reader(live.place.file, surroundings.vfs)
        try:
            connection.execute("ATTACH ? AS recovered", (str(recovered.file),))
            connection.execute("BEGIN")
            wanted = read_position(connection)
            _bring_log(recovered, live, surroundings)
            reached = recovered.play(Until(lsn=wanted.mark.lsn), lambda played: None)
            if (reached.generation, reached.lsn) != (wanted.identity.generation, wanted.mark.lsn):
                raise Failure(
                    FailureKind.CORRUPT,
                    f"The restored {live.name} came to record {reached.lsn} of generation {reached.generation}, the "
                    f"live one is at {wanted.mark.lsn} of generation {wanted.identity.generation}.",
                )
            yield from compare_tables(connection)
        finally:
            connection.close(force=True)
    except apsw.Error as error:
        raise translate(error) from error


def _bring_log(recovered: RecoveringDatabase, live: LiveVolumes, surroundings: Surroundings) -> None:
    position = recovered.position()
    mark = position.mark
    surroundings.disk.make_directory(recovered.log)
    for span in live.spans((position.identity.generation, mark.segment, mark.finish)):
        _write(recovered, live, span, surroundings)


def _write(recovered: RecoveringDatabase, live: LiveVolumes, span: Span, surroundings: Surroundings) -> None:
    path = recovered.log / segment_name(span.generation, span.segment)
    if span.start and not surroundings.disk.exists(path):
        # The restored copy may need nothing of what came before, but a segment begins with its header.
        span = span._replace(start=0, first=span.segment)
    file = surroundings.disk.open(path, create=True)
    try:
        file.write_at([live.read_log(span)], span.start)
    finally:
        file.close()
