"""What the archive knows of a live log: each segment from a place on, and how far it is committed.

A live log is looked through once; after that only what is new is asked for. `LiveDatabase.spans` does not say that a
segment was closed when nothing was added to it: that it has a successor does.
"""

from pillarbox.model.recovery import LiveDatabase, Span
from pillarbox.recovery.archived import After, Segment


class LogView:
    """`spans` has one span for each segment, always from its first octet on; the last one may still grow."""

    def __init__(self, database: LiveDatabase) -> None:
        self.spans: dict[Segment, Span] = {}
        self._database = database
        self._floor: After | None = None
        self._after: After | None = None
        self._begun = False

    def look(self, floor: After | None) -> None:
        """Learn what is new, and what lies behind `floor` if that is further back than before."""
        if not self._begun or (self._floor is not None and (floor is None or floor < self._floor)):
            self.spans.clear()
            self._floor = self._after = floor
            self._begun = True
        for span in self._database.spans(self._after):
            segment = (span.generation, span.segment)
            last = span.last if span.last >= span.first else span.segment - 1
            self.spans[segment] = span._replace(start=0, first=span.segment, last=last)
            self._after = (*segment, span.finish)
        segments = sorted(self.spans)
        for segment in segments[:-1]:
            if not self.spans[segment].closed:
                self.spans[segment] = self.spans[segment]._replace(closed=True)

    def again(self) -> None:
        """Look through all of it the next time: something that was there may be gone."""
        self._begun = False

    def forget(self, segment: Segment) -> None:
        """Everybody has it: not to be offered again. The newest one is never forgotten."""
        if segment != max(self.spans):
            del self.spans[segment]
