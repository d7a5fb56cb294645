"""The segments a replay needs are put together from the live log and from what targets have of them.

For each place in a segment the source that reaches furthest from there is taken, the live log first; octets are checked
record by record before they are written. What is damaged, missing or out of reach is noted, and another source taken
that has the same place. Where small objects have meanwhile become one whole, the targets are looked at again. Raises
`Failure` as `fetch.py` does.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import RecoveryDatabase
from pillarbox.recovery.catalog import archived_spans
from pillarbox.recovery.fetch import Fetcher
from pillarbox.recovery.files import opened, translated, write_at
from pillarbox.recovery.plan import RestorePlan, SegmentPlan, Source
from pillarbox.recovery.restorestate import RestoreState

_THREADS = 2
"""Segments worked on at once: each takes memory twice its size."""


class LogCopy:
    """Brings the segments of `plan` into `recovery.log`. `note` hears of what went otherwise than it should."""

    def __init__(
        self,
        plan: RestorePlan,
        recovery: RecoveryDatabase,
        fetcher: Fetcher,
        state: RestoreState,
        note: Callable[[str], None],
    ) -> None:
        self._plan = plan
        self._recovery = recovery
        self._fetcher = fetcher
        self._state = state
        self._note = note
        self._out_of_reach: set[str] = set()

    def run(self, progress: Callable[[int], None]) -> int:
        """All that is not there yet; how many octets that was. `progress` is given the octets there so far."""
        self._drop_others()
        missing = [
            segment for segment in self._plan.segments if self._state.segments.get(segment.name) != segment.finish
        ]
        total = sum(segment.finish for segment in missing)
        there = self._plan.log_octets - total
        pool = ThreadPoolExecutor(_THREADS, "restore-log")
        try:
            for segment in pool.map(self._bring, missing):
                there += segment.finish
                self._state.segments[segment.name] = segment.finish
                self._state.save()
                progress(there)
        finally:
            pool.shutdown(cancel_futures=True)
        return total

    def _drop_others(self) -> None:
        """A segment that does not belong to this restore would lead the replay astray."""
        wanted = {segment.name for segment in self._plan.segments}
        with translated(f"{self._recovery.log} cannot be used"):
            self._recovery.log.mkdir(mode=0o700, parents=True, exist_ok=True)
            for path in self._recovery.log.glob("*.log"):
                if path.name not in wanted:
                    path.unlink()

    def _bring(self, segment: SegmentPlan) -> SegmentPlan:
        sources, failures, reached, looked_again = list(segment.sources), list[Failure](), 0, False
        with opened(self._recovery.log / segment.name, segment.finish) as file:
            while reached < segment.finish:
                source = self._best(sources, reached)
                if source is None and not looked_again and failures:
                    looked_again = True
                    sources = self._look_again(segment)
                    continue
                if source is None:
                    raise self._lost(segment, reached, failures)
                try:
                    data = self._read(source, alone=len(_fitting(sources, reached)) == 1)
                except Failure as failure:
                    if failure.kind not in (FailureKind.CORRUPT, FailureKind.NOT_FOUND, FailureKind.UNAVAILABLE):
                        raise
                    sources.remove(source)
                    failures.append(failure)
                    if failure.kind is FailureKind.UNAVAILABLE:
                        self._out_of_reach.add(_place(source))
                    continue
                with translated(f"segment {segment.name} cannot be written"):
                    write_at(file, data[: segment.finish - source.span.start], source.span.start)
                reached = source.span.finish
            with translated(f"segment {segment.name} cannot be made durable"):
                os.fdatasync(file)
        for problem in failures:
            self._note(f"segment {segment.name} was had from elsewhere: {problem.public}")
        return segment

    def _best(self, sources: list[Source], reached: int) -> Source | None:
        """The live log if it goes on from `reached`, else what reaches furthest; what is out of reach comes last."""

        def rank(source: Source) -> tuple[bool, bool, int]:
            return (_place(source) not in self._out_of_reach, source.target is None, source.span.finish)

        return max(_fitting(sources, reached), key=rank, default=None)

    def _read(self, source: Source, alone: bool) -> bytes:
        def check(plain: bytes) -> str | None:
            return self._recovery.check_log(self._plan.copy.uuid, source.span, plain)

        if source.target is not None:
            return self._fetcher.object(source.target, source.object, check, alone)
        assert self._plan.live is not None
        data = self._plan.live.read_log(source.span)
        wrong = check(data)
        if wrong is not None:
            raise Failure(FailureKind.CORRUPT, f"the live log of {self._plan.copy.name} is damaged: {wrong}")
        return data

    def _look_again(self, segment: SegmentPlan) -> list[Source]:
        """What targets have of a segment by now."""
        found: list[Source] = []
        for target in self._plan.targets:
            try:
                for archived in archived_spans(target, self._plan.copy.name, self._plan.copy.uuid):
                    span = archived.name.span
                    if (span.generation, span.segment) == (segment.generation, segment.segment):
                        found.append(Source(span, target, archived.object))
            except Failure as failure:
                self._note(f"the log at {target.label} cannot be listed: {failure.public}")
        known = {(source.target, source.object) for source in segment.sources}
        return [source for source in found if (source.target, source.object) not in known]

    def _lost(self, segment: SegmentPlan, reached: int, failures: list[Failure]) -> Failure:
        kinds = {failure.kind for failure in failures}
        kind = FailureKind.CORRUPT if FailureKind.CORRUPT in kinds else FailureKind.NOT_FOUND
        if FailureKind.UNAVAILABLE in kinds:
            kind = FailureKind.UNAVAILABLE
        why = "; ".join(failure.public.rstrip(".") for failure in failures)
        return Failure(
            kind,
            f"The log of {self._plan.copy.name} cannot be read in segment {segment.name} from octet {reached} on, "
            f"anywhere: {why or 'no target has it any more'}.",
        )


def _fitting(sources: list[Source], reached: int) -> list[Source]:
    """The sources that go on from `reached`."""
    return [source for source in sources if source.span.start <= reached < source.span.finish]


def _place(source: Source) -> str:
    return source.target.label if source.target else ""
