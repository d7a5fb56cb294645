"""Which records make up a database's line, over its generations.

A generation begins behind some record of an earlier one and its first segment is named after the first LSN it has;
records of the earlier one from that LSN on were left behind. Seen from the newest generation back, each one counts up
to where a later one begins.
"""

from collections.abc import Iterable, Mapping

from pillarbox.recovery.archived import Mark, Segment


class Lineage:
    """The line that ends in generation `newest`. `begins`: the first LSN of each generation that is known."""

    def __init__(self, begins: Mapping[int, int], newest: int) -> None:
        self.newest = newest
        self._begins = {generation: first for generation, first in begins.items() if generation <= newest}

    @classmethod
    def known(cls, segments: Iterable[Segment], backups: Iterable[Mark], newest: int | None = None) -> "Lineage":
        """What segments and backups tell: where the lowest segment of a generation begins, but at the latest where
        the oldest backup ends that was made in it."""
        begins: dict[int, int] = {}
        for generation, first in [*segments, *((generation, lsn + 1) for generation, lsn in backups)]:
            begins[generation] = min(first, begins.get(generation, first))
        return cls(begins, max(begins, default=1) if newest is None else newest)

    def end(self, generation: int) -> int | None:
        """The last record of a generation that counts; None: there is no end to it."""
        return min((first - 1 for other, first in self._begins.items() if other > generation), default=None)

    def holds(self, mark: Mark) -> bool:
        """Whether what contains the records of a generation up to this one lies on the line."""
        end = self.end(mark[0])
        return mark[0] <= self.newest and (end is None or mark[1] <= end)

    def following(self, generation: int) -> tuple[int, int] | None:
        """The generation that the line goes on with, and its first LSN."""
        ahead = [(first, -other) for other, first in self._begins.items() if other > generation]
        if not ahead:
            return None
        # Of two that begin at the same record, the later one replaced the earlier.
        first, other = min(ahead)
        return -other, first
