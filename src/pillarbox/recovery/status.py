"""What the loss of each disk and each database would mean now, held against the promises, and what to do about it.

`recovery_status` is pure: facts, rates and promises in, `Status` out. `rows_of` makes lines for people of it,
`status_to_json` a value for programs (infinity becomes null).
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pillarbox.base.clock import MICROSECONDS
from pillarbox.recovery.estimate import Fate, Outcome, Way, estimate
from pillarbox.recovery.facts import Facts, Kind, Scenario, on_disk, scenarios
from pillarbox.recovery.improve import Improvement, improvements
from pillarbox.recovery.promise import Promised
from pillarbox.recovery.rates import Rates
from pillarbox.recovery.words import duration, minutes, moment

_OLD_SECONDS = 35 * 86400.0


class Loss(NamedTuple):
    """One loss thought through. `broken` has a sentence for each promise it would break; `improvements` are best
    first."""

    name: str
    outcome: Outcome
    broken: tuple[str, ...]
    improvements: tuple[Improvement, ...]

    @property
    def kept(self) -> bool:
        return not self.broken


class Status(NamedTuple):
    """A site's prospects at the moment `now`. `disks` has the volumes, shared disks and the machine, `databases` each
    database's file alone; `advice` is what would improve most, best first; `notes` is what the numbers rest on."""

    now: int
    headline: str
    disks: tuple[Loss, ...]
    databases: tuple[Loss, ...]
    advice: tuple[Improvement, ...]
    notes: tuple[str, ...]
    measured_at: int

    @property
    def kept(self) -> bool:
        """Whether every promise would be kept whatever is lost."""
        return all(loss.kept for loss in (*self.disks, *self.databases))


def recovery_status(facts: Facts, rates: Rates, promised: Mapping[str, Promised]) -> Status:
    """Think through every loss. `promised` has an entry for every database."""

    def think(scenario: Scenario) -> Loss:
        outcome = estimate(scenario, facts, rates, promised)
        return Loss(
            name=_name(scenario, facts),
            outcome=outcome,
            broken=tuple(_broken(outcome, promised)),
            improvements=tuple(improvements(scenario, facts, rates, promised)),
        )

    disks = tuple(map(think, scenarios(facts)))
    databases = tuple(think(Scenario(Kind.FILE, database.name)) for database in facts.databases)
    return Status(
        now=facts.now,
        headline=headline(_of_data_disk(disks, facts)),
        disks=disks,
        databases=databases,
        advice=tuple(_advice((*disks, *databases))),
        notes=tuple(_notes(facts, rates)),
        measured_at=rates.measured_at,
    )


def headline(loss: Loss) -> str:
    """One sentence: "If the data volume died now: back in 37 minutes, 0 messages lost"."""
    outcome = loss.outcome
    if outcome.way is Way.NOTHING:
        return f"If the {loss.name} died now: there is no backup to restore from, all mail would be lost."
    return f"If the {loss.name} died now: back in {duration(outcome.seconds)}, {lost_words(outcome)}."


def lost_words(outcome: Outcome) -> str:
    """ "0 messages lost", "mail of the last 12 seconds lost (up to 340 messages)", "all mail lost"."""
    if not outcome.loss_seconds:
        return "0 messages lost"
    if math.isinf(outcome.loss_seconds):
        return "all mail lost"
    most = outcome.loss_records
    count = f" (up to {most:,} message{'' if most == 1 else 's'})" if most else ""
    return f"mail of the last {duration(math.ceil(outcome.loss_seconds)).removeprefix('1 ')} lost{count}"


def rows_of(status: Status) -> list[dict[str, Any]]:
    """A line for each loss, for a table."""
    return [
        {
            "if_lost": loss.name,
            "then": loss.outcome.way.value,
            "minutes": minutes(loss.outcome.seconds),
            "lost": _lost_cell(loss.outcome),
            "promise": "kept" if loss.kept else "BROKEN",
            "best_improvement": loss.improvements[0].text if loss.improvements else "",
        }
        for loss in (*status.disks, *status.databases)
    ]


def status_to_json(status: Status) -> dict[str, Any]:
    """Everything, in JSON's types. Seconds and microseconds; null: never, all, or not known."""
    return {
        "now": status.now,
        "headline": status.headline,
        "kept": status.kept,
        "measured_at": status.measured_at or None,
        "measurement_age_seconds": (status.now - status.measured_at) / MICROSECONDS if status.measured_at else None,
        "disks": [_loss_to_json(loss) for loss in status.disks],
        "databases": [_loss_to_json(loss) for loss in status.databases],
        "advice": [_improvement_to_json(improvement) for improvement in status.advice],
        "notes": list(status.notes),
    }


def _name(scenario: Scenario, facts: Facts) -> str:
    match scenario.kind:
        case Kind.FILE:
            return f"database {scenario.key}"
        case Kind.DATA:
            return f"data volume {scenario.key}"
        case Kind.LOG:
            return f"log volume {scenario.key}"
        case Kind.DISK:
            return f"disk {scenario.key} ({', '.join(place.name for place in on_disk(facts, scenario.key))})"
        case Kind.MACHINE:
            return "whole machine"


def _of_data_disk(disks: Sequence[Loss], facts: Facts) -> Loss:
    wanted = (Scenario(Kind.DISK, facts.data.disk), Scenario(Kind.DATA, facts.data.name))
    return next(loss for scenario in wanted for loss in disks if loss.outcome.scenario == scenario)


def _broken(outcome: Outcome, promised: Mapping[str, Promised]) -> list[str]:
    found = []
    for fate in outcome.fates:
        held = promised[fate.database]
        if fate.ready > held.seconds:
            when = "never back" if math.isinf(fate.ready) else f"back in {duration(fate.ready)}"
            found.append(f"{fate.database}: {when}, {duration(held.seconds)} are promised to {held.hours_to}")
        if fate.loss_seconds > held.loss_seconds:
            found.append(f"{fate.database}: {_lost_of(fate)}, {held.loss_seconds:g} s are promised to {held.loss_to}")
    return found


def _lost_of(fate: Fate) -> str:
    return "all mail lost" if math.isinf(fate.loss_seconds) else f"{math.ceil(fate.loss_seconds):,} s of mail lost"


def _advice(losses: Sequence[Loss]) -> list[Improvement]:
    """Each change once, where it does most."""
    best: dict[str, Improvement] = {}
    for loss in losses:
        for improvement in loss.improvements:
            known = best.get(improvement.change)
            if known is None or improvement.rank < known.rank:
                best[improvement.change] = improvement
    return sorted(best.values(), key=lambda improvement: improvement.rank)


def _notes(facts: Facts, rates: Rates) -> list[str]:
    found = []
    if not rates.measured_at:
        found.append("no drill has measured this site yet: the minutes are assumed, hold a drill")
    else:
        age = (facts.now - rates.measured_at) / MICROSECONDS
        found.append(f"measured by the drill of {moment(rates.measured_at)}, {duration(max(age, 1))} ago")
        if rates.assumed:
            found.append(f"assumed, since no drill had enough of it to measure: {', '.join(rates.assumed)}")
        if age > _OLD_SECONDS:
            found.append("the measurement is old: hold a drill")
    shared = [place.name for place in on_disk(facts, facts.data.disk)]
    if len(shared) > 1:
        found.append(f"on one disk, and lost together: {', '.join(shared)}")
    found += [
        f"{database.name}: no backup at {saved.target} has been read back yet (`backup verify`)"
        for database in facts.databases
        for saved in database.saved
        if not saved.verified
    ]
    return found


def _lost_cell(outcome: Outcome) -> str:
    if not outcome.loss_seconds:
        return "0"
    return "all" if math.isinf(outcome.loss_seconds) else f"{math.ceil(outcome.loss_seconds):,} s"


def _finite(value: float) -> float | None:
    return None if math.isinf(value) else value


def _loss_to_json(loss: Loss) -> dict[str, Any]:
    outcome = loss.outcome
    return {
        "name": loss.name,
        "kind": outcome.scenario.kind.value,
        "key": outcome.scenario.key,
        "way": outcome.way.value,
        "seconds": _finite(outcome.seconds),
        "loss_seconds": _finite(outcome.loss_seconds),
        "loss_records": outcome.loss_records,
        "kept": loss.kept,
        "broken": list(loss.broken),
        "improvements": [_improvement_to_json(improvement) for improvement in loss.improvements],
        "databases": [_fate_to_json(fate) for fate in outcome.fates],
    }


def _fate_to_json(fate: Fate) -> dict[str, Any]:
    row = {**fate._asdict(), "way": fate.way.value}
    return {key: _finite(value) if isinstance(value, float) else value for key, value in row.items()}


def _improvement_to_json(improvement: Improvement) -> dict[str, Any]:
    return {
        "text": improvement.text,
        "seconds_before": _finite(improvement.seconds_before),
        "seconds_after": _finite(improvement.seconds_after),
        "loss_before": _finite(improvement.loss_before),
        "loss_after": _finite(improvement.loss_after),
        "mends": improvement.mends,
    }
