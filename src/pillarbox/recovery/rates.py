"""How fast this site restores: measured in its drills, or assumed where none measured enough. Pure."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pillarbox.recovery.history import DatabaseDrill, DrillRecord

MIB = 1 << 20


class Rates(NamedTuple):
    """Octets per second of copying, playing (with fetching the log) and checking, and records played per second.

    `measured_at` is when the newest drill that counts was held (microseconds; 0: none was), `assumed` names the parts
    that no drill has measured. The last two are seconds, and assumed.
    """

    copy: float
    play: float
    records: float
    check: float
    measured_at: int = 0
    assumed: tuple[str, ...] = ()
    promote_seconds: float = 60.0
    new_log_seconds: float = 60.0


COPYING, PLAYING, CHECKING = "copying", "playing", "checking"

ASSUMED = Rates(50e6, 20e6, 4000.0, 50e6, assumed=(COPYING, PLAYING, CHECKING))
"""Slow on purpose: what an old disk and a busy machine manage."""

_NEWEST = 10  # drills looked at
_ENOUGH_OCTETS = 256 * MIB  # so much makes a measurement: older drills are not asked
_ENOUGH_SECONDS = 10.0
_LEAST_OCTETS = MIB  # less than this says nothing about a disk
_LEAST_SECONDS = 0.001


class _Measured(NamedTuple):
    octets: int
    records: int
    seconds: float

    @property
    def enough(self) -> bool:
        return self.octets >= _LEAST_OCTETS and self.seconds >= _LEAST_SECONDS


def measure(history: Sequence[DrillRecord]) -> Rates:
    """The rates of the newest drills (which are at the end), going back only until enough was measured."""
    newest = [record for record in history if any(not drill.failure for drill in record.databases)][-_NEWEST:]
    drills = [drill for record in reversed(newest) for drill in record.databases if not drill.failure]
    copying = _sum((drill.size, 0, drill.copy_seconds) for drill in drills)
    playing = _sum((drill.log_octets, drill.records, drill.fetch_seconds + drill.play_seconds) for drill in drills)
    checking = _sum((drill.size, 0, drill.check_seconds) for drill in drills)
    parts = {COPYING: copying, PLAYING: playing, CHECKING: checking}
    assumed = tuple(name for name, part in parts.items() if not part.enough)
    return ASSUMED._replace(
        copy=copying.octets / copying.seconds if copying.enough else ASSUMED.copy,
        play=playing.octets / playing.seconds if playing.enough else ASSUMED.play,
        records=playing.records / playing.seconds if playing.enough and playing.records else ASSUMED.records,
        check=checking.octets / checking.seconds if checking.enough else ASSUMED.check,
        measured_at=newest[-1].when if newest and len(assumed) < len(parts) else 0,
        assumed=assumed,
    )


def database_rates(drill: DatabaseDrill) -> tuple[float, float, float, float]:
    """Octets per second of copying, playing, checking, and records per second, of one drill; 0 where not measured."""

    def per_second(amount: int, seconds: float) -> float:
        return amount / seconds if seconds >= _LEAST_SECONDS else 0.0

    return (
        per_second(drill.size, drill.copy_seconds),
        per_second(drill.log_octets, drill.play_seconds),
        per_second(drill.size, drill.check_seconds),
        per_second(drill.records, drill.play_seconds),
    )


def _sum(measurements: Iterable[tuple[int, int, float]]) -> _Measured:
    octets, records, seconds = 0, 0, 0.0
    for more_octets, more_records, more_seconds in measurements:
        octets, records, seconds = octets + more_octets, records + more_records, seconds + more_seconds
        if octets >= _ENOUGH_OCTETS or (seconds >= _ENOUGH_SECONDS and octets >= _LEAST_OCTETS):
            break
    return _Measured(octets, records, seconds)
