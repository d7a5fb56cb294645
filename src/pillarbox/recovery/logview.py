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

    def begin(self, floor: After | None) -> None:
        """From now on, all behind `floor` is wanted, or behind an earlier place that was asked for before."""
        if not self._begun or (self._floor is not None and (floor is None or floor < self._floor)):
            self._floor, self._begun = floor, True
            self.again()

    def again(self) -> None:
        """Look through all of it the next time: something that was there may be gone."""
        self.spans.clear()
        self._after = self._floor

    def look(self) -> None:
        """Learn what is new."""
        for span in self._database.spans(self._after):
            segment = (span.generation, span.segment)
            last = span.last if span.last >= span.first else span.segment - 1
            self.spans[segment] = span._replace(start=0, first=span.segment, last=last)
            self._after = (*segment, span.finish)
        segments = sorted(self.spans)
        for segment in segments[:-1]:
            if not self.spans[segment].closed:
                self.spans[segment] = self.spans[segment]._replace(closed=True)

    def forget(self, segment: Segment) -> None:
        """Everybody has it: not to be offered again. The newest one is never forgotten."""
        if self.spans and segment != max(self.spans):
            self.spans.pop(segment, None)
