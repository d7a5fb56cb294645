"""What is promised to whom, from the settings: hours until mail is back, seconds of it that may be lost. Pure.

`[promise] classes` has one line for each class of people: `"board@example.org hours=1 loss_seconds=0"`, the members
of that group; what a line leaves out is as for everybody. A database is held to the strictest promise of those whose
mail is in it. Raises `Failure` INVALID, one sentence that names the line and what to write instead.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pillarbox.base.failure import FailureKind
from pillarbox.base.settings import Promise
from pillarbox.model.failure import Failure

EVERYBODY = "everybody"


class PromiseClass(NamedTuple):
    """A class of people: the address of a group (or a person), in lower case, or `EVERYBODY`."""

    name: str
    hours: float
    loss_seconds: float


class Promised(NamedTuple):
    """What a database is held to, and to whom each part was promised."""

    hours: float
    loss_seconds: float
    hours_to: str = EVERYBODY
    loss_to: str = EVERYBODY

    @property
    def seconds(self) -> float:
        return self.hours * 3600


def promise_classes(settings: Promise) -> list[PromiseClass]:
    """Everybody's promise first, then the classes in their order."""
    classes = [PromiseClass(EVERYBODY, settings.hours, settings.loss_seconds)]
    for line in settings.classes:
        found = _class(line, settings)
        if any(found.name == other.name for other in classes):
            raise _invalid(line, f"{found.name} has a promise already")
        classes.append(found)
    return classes


def promises(
    classes: Sequence[PromiseClass], members: Mapping[str, frozenset[str]], databases: Sequence[str]
) -> dict[str, Promised]:
    """For each database the strictest promise. `members` says, by the class's name, which databases hold mail of its
    members; everybody's promise holds for all databases."""
    everybody, *stricter = classes
    found = {}
    for database in databases:
        promised = Promised(everybody.hours, everybody.loss_seconds)
        for one in stricter:
            if database in members.get(one.name, frozenset()):
                if one.hours < promised.hours:
                    promised = promised._replace(hours=one.hours, hours_to=one.name)
                if one.loss_seconds < promised.loss_seconds:
                    promised = promised._replace(loss_seconds=one.loss_seconds, loss_to=one.name)
        found[database] = promised
    return found


def _class(line: str, settings: Promise) -> PromiseClass:
    words = line.split()
    if not words or "=" in words[0]:
        raise _invalid(line, 'it must begin with an address, like "board@example.org hours=1"')
    name = words[0].lower()
    if name.count("@") != 1 or name[0] == "@" or name[-1] == "@":
        raise _invalid(line, f"{words[0]!r} is not the address of a group")
    values = {"hours": settings.hours, "loss_seconds": settings.loss_seconds}
    given: set[str] = set()
    for word in words[1:]:
        key, equals, text = word.partition("=")
        if not equals or key not in values:
            raise _invalid(line, f"{word!r} is neither hours=NUMBER nor loss_seconds=NUMBER")
        if key in given:
            raise _invalid(line, f"{key} is given twice")
        given.add(key)
        values[key] = _number(line, key, text)
    if not given:
        raise _invalid(line, "it promises nothing: give hours=NUMBER, loss_seconds=NUMBER, or both")
    if not values["hours"]:
        raise _invalid(line, "nothing is back in 0 hours")
    return PromiseClass(name, values["hours"], values["loss_seconds"])


def _number(line: str, key: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise _invalid(line, f"{key}={text} is not a number") from None
    if not math.isfinite(value) or value < 0:
        raise _invalid(line, f"{key}={text} must be zero or more")
    return value


def _invalid(line: str, why: str) -> Failure:
    return Failure(FailureKind.INVALID, f'[promise] classes has "{line}": {why}')
