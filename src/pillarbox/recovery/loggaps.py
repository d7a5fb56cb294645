"""Does the archived log lead from a backup to now without a gap? Pure: it looks at what the objects' names say.

A segment can be played where its octets are there from 0 on without a hole; records must follow each other over the
segments, from the backup's point on; a later generation must go on from a record that is there. Which one that is the
names do not say: it is taken to be in the latest of the earlier generations that has it. Segments that end at or before
the backup's point do not matter.
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from pillarbox.model.recovery import LogPoint, Span


class _Segment(NamedTuple):
    """Records `first` to `last` of a segment; `holes` are octets that are missing between 0 and its end."""

    generation: int
    first: int
    last: int
    holes: tuple[tuple[int, int], ...]


def log_gaps(point: LogPoint, spans: Iterable[Span]) -> list[str]:
    """What is missing for a replay from `point`, where a backup ends, to the newest of `spans`: a sentence each.

    `spans` are those at hand of one database's log, in any order; they may overlap. None: the chain holds.
    """
    segments = _segments(spans)
    begins = {segment.generation: segment.first for segment in reversed(segments)}
    path = _lineage(point, begins)
    gaps: list[str] = []
    reached = point.lsn
    for generation, following in pairwise([*path, None]):
        assert generation is not None
        until = None if following is None else begins[following] - 1
        if until is not None and until < reached:
            gaps.append(
                f"generation {following} began at record {until + 1}, but this backup goes on to {reached}: "
                f"it takes another backup to get there"
            )
            return gaps
        mine = [segment for segment in segments if segment.generation == generation]
        found, reached = _walk(mine, reached, until)
        gaps += found
    return gaps


def _lineage(point: LogPoint, begins: dict[int, int]) -> list[int]:
    """The generations from the backup's to the newest, each going on from the one before."""
    path = [max([point.generation, *begins])]
    while path[0] > point.generation:
        earlier = [
            generation
            for generation, first in begins.items()
            if point.generation < generation < path[0] and first < begins[path[0]]
        ]
        path.insert(0, max([point.generation, *earlier]))
    return path


def _walk(segments: list[_Segment], reached: int, until: int | None) -> tuple[list[str], int]:
    """The gaps in one generation behind record `reached`, up to record `until`; and the record reached."""
    gaps: list[str] = []
    for segment in segments:
        if segment.last <= reached or (until is not None and segment.first > until):
            continue
        if segment.first > reached + 1:
            gaps.append(_missing(segment.generation, reached + 1, segment.first - 1))
        for begin, end in segment.holes:
            gaps.append(
                f"octets {begin} to {end} of segment {segment.generation}-{segment.first:016x} (records from "
                f"{segment.first} to {segment.last}) are missing"
            )
        reached = segment.last
    if until is not None:
        if reached < until:
            gaps.append(_missing(segments[0].generation if segments else None, reached + 1, until))
        reached = until
    return gaps, reached


def _missing(generation: int | None, first: int, last: int) -> str:
    records = f"record {first} is" if first == last else f"records {first} to {last} are"
    return f"{records} missing" + ("" if generation is None else f" in generation {generation}")


def _segments(spans: Iterable[Span]) -> list[_Segment]:
    """The segments that the spans are of, in order."""
    parts: dict[tuple[int, int], list[Span]] = {}
    for span in spans:
        parts.setdefault((span.generation, span.segment), []).append(span)
    return [_segment(generation, first, parts[generation, first]) for generation, first in sorted(parts)]


def _segment(generation: int, first: int, spans: list[Span]) -> _Segment:
    reached, holes = 0, []
    for span in sorted(spans, key=lambda span: (span.start, span.finish)):
        if span.start > reached:
            holes.append((reached, span.start))
        reached = max(reached, span.finish)
    return _Segment(generation, first, max(span.last for span in spans), tuple(holes))
