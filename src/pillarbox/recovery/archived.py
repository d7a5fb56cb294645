"""The log of one database as it lies at one target, told from the names of its objects.

Spans of a segment may overlap: a put whose answer was lost is made again, with more in it. What counts is how far
they reach from the segment's first octet on without a hole. Nothing is read here but names.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pillarbox.model.recovery import Span, Target
from pillarbox.recovery.names import log_prefix, parse_span_name

Segment = tuple[int, int]
"""Generation and first LSN: what names a segment."""

Mark = tuple[int, int]
"""Generation and LSN of a record; later records compare greater."""

After = tuple[int, int, int]
"""Generation, segment and octet behind which log is wanted: see `LiveDatabase.spans`."""


class Reach(NamedTuple):
    """A segment is there without a hole up to octet `finish`, which ends record `last` of time `time`.

    `closed`: that is all of it.
    """

    finish: int
    last: int
    time: int
    closed: bool


class Hole(NamedTuple):
    """Records `first` to `last`, all missing; what comes after is of `generation`."""

    generation: int
    first: int
    last: int


class Chain(NamedTuple):
    """Log without a hole: from record `first` on, up to and with record `last`, the newest there is."""

    first: Mark
    last: Mark


def reach(segment: Segment, spans: Iterable[Span]) -> Reach:
    """How far the spans of one segment reach."""
    finish, last, time, closed = 0, segment[1] - 1, 0, False
    for span in sorted(spans, key=lambda span: span.start):
        if span.start > finish:
            break
        if span.finish > finish:
            finish, last, time = span.finish, span.last, span.time
        closed = closed or (span.closed and span.finish == finish)
    return Reach(finish, last, time, closed)


class ArchivedLog:
    """All spans of one database at one target, by segment. Keeps no order between threads: one at a time."""

    def __init__(self) -> None:
        self._spans: dict[Segment, dict[str, Span]] = {}
        self._reach: dict[Segment, Reach] = {}
        self._links: tuple[list[Segment], list[Hole], Segment | None] | None = None

    @classmethod
    def read(cls, target: Target, database: str, uuid: str) -> "ArchivedLog":
        """List it."""
        log = cls()
        for stored in target.list(log_prefix(database, uuid)):
            found = parse_span_name(stored.name)
            if found is not None:
                log.add(stored.name, found.span)
        return log

    def add(self, name: str, span: Span) -> None:
        segment = (span.generation, span.segment)
        self._spans.setdefault(segment, {})[name] = span
        self._changed(segment)

    def remove(self, name: str) -> None:
        """Forget an object; fine if it is not known."""
        found = parse_span_name(name)
        if found is None:
            return
        segment = (found.span.generation, found.span.segment)
        spans = self._spans.get(segment, {})
        if spans.pop(name, None) is not None:
            if not spans:
                del self._spans[segment]
            self._changed(segment)

    def segments(self) -> list[Segment]:
        return sorted(self._spans)

    def spans(self, segment: Segment) -> dict[str, Span]:
        """The objects of a segment by name, in order of their places in it."""
        return dict(sorted(self._spans.get(segment, {}).items(), key=lambda item: (item[1].start, item[1].finish)))

    def reach(self, segment: Segment) -> Reach:
        found = self._reach.get(segment)
        if found is None:
            found = self._reach[segment] = reach(segment, self._spans.get(segment, {}).values())
        return found

    def whole(self, segment: Segment) -> str | None:
        """The name of the object that holds all of a closed segment."""
        spans = self._spans.get(segment, {})
        return next((name for name, span in spans.items() if span.closed and span.start == 0), None)

    def superfluous(self) -> list[str]:
        """Objects whose octets are in one that holds the whole segment."""
        return [name for segment in self.segments() if (whole := self.whole(segment)) is not None
                for name in self.spans(segment) if name != whole]  # fmt: skip

    def floor(self) -> After | None:
        """Behind which place of the live log something may be missing here; None: from its beginning."""
        known: After | None = None
        for segment, following in self._pairs():
            found = self.reach(segment)
            if self.whole(segment) is None or not _meets(found, following):
                # A segment of which only parts are here is looked at from its first octet.
                return (*segment, found.finish if self.whole(segment) else 0)
            known = (*segment, found.finish)
        return known

    def holes(self) -> list[Hole]:
        """What is missing between the first record here and the last."""
        return self._linked()[1]

    def chain(self) -> Chain | None:
        """The log without a hole that ends with the newest record here."""
        segments, _, first = self._linked()
        return Chain(first, (segments[-1][0], self.reach(segments[-1]).last)) if first else None

    def aged(self, time: int) -> Mark | None:
        """The last record of the closed segments that have only records of `time` or before, from the oldest on."""
        mark = None
        for segment in self.segments():
            found = self.reach(segment)
            if not found.closed or found.time > time:
                break
            mark = (segment[0], found.last)
        return mark

    def _linked(self) -> tuple[list[Segment], list[Hole], Segment | None]:
        """All segments, the holes between them, and the first one behind the last hole."""
        if self._links is None:
            holes, first = [], None
            for segment, following in self._pairs():
                first = first or segment
                if following is not None and not _meets(self.reach(segment), following):
                    holes.append(Hole(following[0], self.reach(segment).last + 1, following[1] - 1))
                    first = following
            self._links = (self.segments(), holes, first)
        return self._links

    def _changed(self, segment: Segment) -> None:
        self._reach.pop(segment, None)
        # How far the newest segment reaches changes no hole, and it changes every second.
        if self._links is not None and (segment not in self._spans or self._links[0][-1:] != [segment]):
            self._links = None

    def _pairs(self) -> Iterator[tuple[Segment, Segment | None]]:
        segments = self.segments()
        followers: list[Segment | None] = [*segments[1:], None]
        return zip(segments, followers, strict=False)


def _meets(found: Reach, following: Segment | None) -> bool:
    """Whether no record is missing before the segment that follows.

    A later generation may begin anywhere behind the records of an earlier one.
    """
    return following is None or found.last + 1 >= following[1]
