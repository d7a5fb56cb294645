"""How long recovery would take, and what would be lost, from facts and rates. Pure.

A database whose file is lost is copied from the newest backup that survives, log is played onto it, and it is checked;
several databases at a time, those with the strictest promise first. The log comes from a log volume that survives
(then nothing is lost), else from the archive at a target (then what is not there yet is lost), else there is none and
all since the backup is lost. A standby is the other way: it takes over, with what it has received.

Not counted: getting a new disk or machine, and the network's speed where it is slower than it was in the drills.
"""

import heapq
import math
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from pillarbox.base.clock import MICROSECONDS
from pillarbox.recovery.facts import Behind, DatabaseFacts, Facts, Kind, Lost, Saved, Scenario, things_lost
from pillarbox.recovery.promise import Promised
from pillarbox.recovery.rates import Rates


class Way(Enum):
    """How a site comes back, the gravest last. The value is for people."""

    UNTOUCHED = "goes on"
    NEW_LOG = "begin a new log"
    RESTORE = "restore"
    STANDBY = "standby takes over"
    NOTHING = "nothing to restore from"


_BY_SEVERITY = tuple(Way)


class Fate(NamedTuple):
    """One database after a loss: how it comes back, the seconds that takes by itself, when it is back counted from the
    begin of the recovery, and what is lost: the seconds of mail (infinity: all) and the log records (None: unknown)."""

    database: str
    way: Way
    seconds: float = 0.0
    ready: float = 0.0
    loss_seconds: float = 0.0
    loss_records: int | None = 0
    copying: float = 0.0
    playing: float = 0.0
    checking: float = 0.0


class Outcome(NamedTuple):
    """All databases after a loss."""

    scenario: Scenario
    way: Way
    fates: tuple[Fate, ...]

    @property
    def seconds(self) -> float:
        """Until the last one is back."""
        return max((fate.ready for fate in self.fates), default=0.0)

    @property
    def loss_seconds(self) -> float:
        return max((fate.loss_seconds for fate in self.fates), default=0.0)

    @property
    def loss_records(self) -> int | None:
        total = 0
        for fate in self.fates:
            if fate.loss_records is None:
                return None
            total += fate.loss_records
        return total


def estimate(scenario: Scenario, facts: Facts, rates: Rates, promised: Mapping[str, Promised]) -> Outcome:
    """What a loss would mean: of all ways back, one that loses no more than is promised, and of those the fastest;
    where every way loses more, the one that loses least."""
    return min(ways(scenario, facts, rates, promised), key=lambda outcome: _preference(outcome, promised))


def ways(scenario: Scenario, facts: Facts, rates: Rates, promised: Mapping[str, Promised]) -> list[Outcome]:
    """All ways back."""
    lost = things_lost(scenario, facts)
    found = [_restoring(scenario, lost, facts, rates, promised)]
    if scenario.kind is not Kind.FILE and lost.databases:
        peers = dict.fromkeys(behind.place for database in facts.databases for behind in database.standbys)
        found += filter(None, (_standby(scenario, peer, facts, rates) for peer in peers))
    return found


def finish_times(work: Sequence[float], workers: int) -> list[float]:
    """When each of several pieces of work is done, begun in their order, `workers` at a time."""
    free = [0.0] * max(workers, 1)
    done = []
    for seconds in work:
        end = heapq.heappop(free) + seconds
        done.append(end)
        heapq.heappush(free, end)
    return done


def _preference(outcome: Outcome, promised: Mapping[str, Promised]) -> tuple[float, float, float]:
    excess = max(
        (fate.loss_seconds for fate in outcome.fates if fate.loss_seconds > promised[fate.database].loss_seconds),
        default=0.0,
    )
    return excess, outcome.seconds, outcome.loss_seconds


def _restoring(scenario: Scenario, lost: Lost, facts: Facts, rates: Rates, promised: Mapping[str, Promised]) -> Outcome:
    log_survives = any(log.name not in lost.logs for log in facts.logs)
    fates = [
        _restored(database, lost, log_survives, facts.now, rates)
        if database.name in lost.databases
        else Fate(database.name, Way.UNTOUCHED)
        if log_survives
        else Fate(database.name, Way.NEW_LOG, rates.new_log_seconds)
        for database in facts.databases
    ]
    # The most urgent first; of those, the longest, so that no worker is left with it at the end.
    fates.sort(key=lambda fate: (math.isinf(fate.seconds), promised[fate.database].seconds, -fate.seconds))
    done = finish_times([fate.seconds for fate in fates], facts.workers)
    fates = [fate._replace(ready=ready if fate.seconds else 0.0) for fate, ready in zip(fates, done, strict=True)]
    worst = max(fates, key=lambda fate: _BY_SEVERITY.index(fate.way))
    return Outcome(scenario, worst.way, tuple(fates))


def _restored(database: DatabaseFacts, lost: Lost, log_survives: bool, now: int, rates: Rates) -> Fate:
    usable = [saved for saved in database.saved if saved.target not in lost.targets]
    if not usable:
        return Fate(database.name, Way.NOTHING, math.inf, math.inf, math.inf, None)
    if log_survives:
        missing = Behind("", 0.0, 0, 0)
    else:
        archives = [behind for behind in database.archived if behind.place not in lost.targets]
        if not archives:
            newest = max(usable, key=lambda saved: saved.time)
            gap = (now - newest.time) / MICROSECONDS if newest.log_records or newest.log_octets else 0.0
            missing = Behind("", gap, newest.log_octets, newest.log_records)
            usable = [newest]
        else:
            missing = min(archives, key=lambda behind: (behind.seconds, behind.octets))
    return min((_fate(database.name, saved, missing, rates) for saved in usable), key=lambda fate: fate.seconds)


def _fate(name: str, saved: Saved, missing: Behind, rates: Rates) -> Fate:
    copying = saved.size / rates.copy
    play_octets, play_records = max(saved.log_octets - missing.octets, 0), max(saved.log_records - missing.records, 0)
    playing = max(play_octets / rates.play, play_records / rates.records)
    checking = saved.size / rates.check
    seconds = copying + playing + checking
    return Fate(name, Way.RESTORE, seconds, seconds, missing.seconds, missing.records, copying, playing, checking)


def _standby(scenario: Scenario, peer: str, facts: Facts, rates: Rates) -> Outcome | None:
    fates = []
    for database in facts.databases:
        behind = next((behind for behind in database.standbys if behind.place == peer), None)
        if behind is None:
            return None
        seconds = rates.promote_seconds
        fates.append(Fate(database.name, Way.STANDBY, seconds, seconds, behind.seconds, behind.records))
    return Outcome(scenario, Way.STANDBY, tuple(fates))
