"""What would make a recovery shorter or lose less, found by trying it: each alternative is estimated like the present.

An improvement counts if something is back at least a minute and a tenth earlier, or less is lost, and neither gets
worse for it. Those that make a broken promise good come first, then those that save more mail, then more time. Pure.
"""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

from pillarbox.recovery.estimate import Outcome, Way, estimate
from pillarbox.recovery.facts import ELSEWHERE, Behind, DatabaseFacts, Facts, Kind, Place, Saved, Scenario
from pillarbox.recovery.promise import Promised
from pillarbox.recovery.rates import Rates
from pillarbox.recovery.words import minutes

_ANOTHER_DISK = "another disk"
_ANOTHER_PLACE = "another place"
_SECOND = 1.0
_AT_ONCE = 2.0  # an archive or standby that is less behind than this could not be much better
_LEAST_SECONDS = 60.0
_LEAST_SHARE = 0.1


class Change(NamedTuple):
    """An alternative: what to do, and the facts and promises after it."""

    text: str
    facts: Facts
    promised: Mapping[str, Promised]


class Improvement(NamedTuple):
    """What a change would do for one loss. Seconds; infinity: never back, everything lost. `mends`: how many promises
    would be kept that are broken now."""

    change: str
    scenario: Scenario
    seconds_before: float
    seconds_after: float
    loss_before: float
    loss_after: float
    mends: int

    @property
    def text(self) -> str:
        """One line: "split mailboxes in two: 64 → 33 min"."""
        gains = []
        if self.loss_after < self.loss_before:
            gains.append(f"{_loss(self.loss_before)} → {_loss(self.loss_after, self.loss_before)}")
        if self.seconds_after < self.seconds_before:
            gains.append(f"{minutes(self.seconds_before)} → {minutes(self.seconds_after)} min")
        return f"{self.change}: {', '.join(gains)}"

    @property
    def rank(self) -> tuple[float, float, float]:
        """Better ones sort first."""
        return -self.mends, -_saved(self.loss_before, self.loss_after), -_saved(self.seconds_before, self.seconds_after)


def broken(outcome: Outcome, promised: Mapping[str, Promised]) -> int:
    """How many promises an outcome breaks: for each database its hours and its seconds of loss."""
    return sum(
        (fate.ready > promised[fate.database].seconds) + (fate.loss_seconds > promised[fate.database].loss_seconds)
        for fate in outcome.fates
    )


def improvements(scenario: Scenario, facts: Facts, rates: Rates, promised: Mapping[str, Promised]) -> list[Improvement]:
    """All that helps against a loss, best first."""
    before = estimate(scenario, facts, rates, promised)
    found = []
    for change in changes(before, facts, promised):
        after = estimate(scenario, change.facts, rates, change.promised)
        tried = Improvement(
            change=change.text,
            scenario=scenario,
            seconds_before=before.seconds,
            seconds_after=after.seconds,
            loss_before=before.loss_seconds,
            loss_after=after.loss_seconds,
            mends=max(broken(before, promised) - broken(after, change.promised), 0),
        )
        if _helps(tried):
            found.append(tried)
    return sorted(found, key=lambda improvement: improvement.rank)


def changes(outcome: Outcome, facts: Facts, promised: Mapping[str, Promised]) -> list[Change]:
    """What could be done about an outcome, whether it helps or not."""
    found = [*_splits(outcome, facts, promised)]
    others: list[tuple[str, Facts]] = []
    if facts.targets:
        first = not any(database.saved for database in facts.databases)
        others.append(("a first backup" if first else "a backup now: less log to play", _backed_up(facts)))
        if any(_late(database.archived, facts) for database in facts.databases):
            others.append(("the log to every target each second", _each_database(facts, _archived_at_once)))
    if all(target.disk != ELSEWHERE for target in facts.targets):
        others.append(("backups and log each second to a target outside this machine", _with_target(facts)))
    if len({log.disk for log in facts.logs} - {facts.data.disk}) < 2:
        mirrored = facts._replace(logs=(*facts.logs, Place(_ANOTHER_DISK, _ANOTHER_DISK)))
        others.append(("mirror the log on another disk", mirrored))
    if outcome.scenario.kind is not Kind.FILE and any(_late_standby(database) for database in facts.databases):
        peers = any(database.standbys for database in facts.databases)
        text = "mode sync with the standby" if peers else "a standby in mode sync"
        others.append((text, _each_database(facts, _followed)))
    return found + [Change(text, changed, promised) for text, changed in others]


def _splits(outcome: Outcome, facts: Facts, promised: Mapping[str, Promised]) -> list[Change]:
    """The database that takes longest, as two of half the size."""
    seconds = {fate.database: fate.seconds for fate in outcome.fates if fate.way is Way.RESTORE}
    divisible = [database for database in facts.databases if database.divisible and database.name in seconds]
    if not divisible:
        return []
    longest = max(divisible, key=lambda database: seconds[database.name])
    halves = [_half(longest, f"{longest.name}/{part}") for part in (1, 2)]
    rest = [database for database in facts.databases if database is not longest]
    if outcome.scenario == Scenario(Kind.FILE, longest.name):
        # One file at a time is damaged: it will be one of the halves, under the old name.
        halves[0] = halves[0]._replace(name=longest.name)
    more = {**promised, **{half.name: promised[longest.name] for half in halves}}
    return [Change(f"split {longest.name} in two", facts._replace(databases=(*rest, *halves)), more)]


def _half(database: DatabaseFacts, name: str) -> DatabaseFacts:
    return database._replace(
        name=name,
        size=database.size // 2,
        saved=tuple(
            saved._replace(size=saved.size // 2, log_octets=saved.log_octets // 2, log_records=saved.log_records // 2)
            for saved in database.saved
        ),
    )


def _backed_up(facts: Facts) -> Facts:
    def saved(database: DatabaseFacts) -> DatabaseFacts:
        fresh = (Saved(target.name, facts.now, database.size, 0, 0, True) for target in facts.targets)
        return database._replace(saved=tuple(fresh))

    return _each_database(facts, saved)


def _with_target(facts: Facts) -> Facts:
    def known_there(database: DatabaseFacts) -> DatabaseFacts:
        saved = Saved(_ANOTHER_PLACE, facts.now, database.size, 0, 0, True)
        behind = Behind(_ANOTHER_PLACE, _SECOND, 0, 0)
        return database._replace(saved=(*database.saved, saved), archived=(*database.archived, behind))

    there = Place(_ANOTHER_PLACE, ELSEWHERE)
    return _each_database(facts._replace(targets=(*facts.targets, there)), known_there)


def _archived_at_once(database: DatabaseFacts) -> DatabaseFacts:
    return database._replace(archived=tuple(Behind(saved.target, _SECOND, 0, 0) for saved in database.saved))


def _followed(database: DatabaseFacts) -> DatabaseFacts:
    return database._replace(standbys=(Behind("standby", 0.0, 0, 0),))


def _each_database(facts: Facts, change: Callable[[DatabaseFacts], DatabaseFacts]) -> Facts:
    return facts._replace(databases=tuple(change(database) for database in facts.databases))


def _late(archived: tuple[Behind, ...], facts: Facts) -> bool:
    known = {behind.place: behind.seconds for behind in archived}
    return any(known.get(target.name, math.inf) > _AT_ONCE for target in facts.targets)


def _late_standby(database: DatabaseFacts) -> bool:
    return not any(behind.seconds == 0 for behind in database.standbys)


def _helps(tried: Improvement) -> bool:
    if tried.seconds_after > tried.seconds_before or tried.loss_after > tried.loss_before:
        return False
    saved = _saved(tried.seconds_before, tried.seconds_after)
    shorter = (saved >= _LEAST_SECONDS and saved >= tried.seconds_before * _LEAST_SHARE) or saved == math.inf
    return shorter or tried.loss_after < tried.loss_before


def _saved(before: float, after: float) -> float:
    return 0.0 if after >= before else before - after


def _loss(seconds: float, beside: float = 0.0) -> str:
    if math.isinf(seconds):
        return "all mail"
    if not seconds:
        return "0"
    return f"{_up_to(seconds)} s" if beside and not math.isinf(beside) else f"up to {_up_to(seconds)} s of mail"


def _up_to(seconds: float) -> str:
    return f"{math.ceil(seconds):,}"
