"""What there is to lose and what there is to recover from, at one moment: the input of every estimate. Pure data.

A *place* is a volume or a target and the disk that it is on. Two places with the same `disk` die together; a place
whose disk is `ELSEWHERE` (an object store, a network file system) survives this machine. Times are microseconds since
1970 UTC, durations seconds, sizes octets.
"""

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

ELSEWHERE = ""


class Place(NamedTuple):
    """`name` is how people know it: a path or `Target.label`; `disk` how the system does ("sda")."""

    name: str
    disk: str


class Saved(NamedTuple):
    """The newest backup of a database at one target: the moment it brings back, the size of the file, and the log that
    has come since and would have to be played."""

    target: str
    time: int
    size: int
    log_octets: int
    log_records: int
    verified: bool


class Behind(NamedTuple):
    """How much of a database's log is not yet at a place elsewhere; `seconds` is the age of the oldest such record."""

    place: str
    seconds: float
    octets: int
    records: int


class DatabaseFacts(NamedTuple):
    """One database. `saved` has the newest backup of each target, `archived` what each target has of the log,
    `standbys` the same for each standby. `divisible`: it could be split into two (a mailbox database)."""

    name: str
    size: int
    saved: tuple[Saved, ...] = ()
    archived: tuple[Behind, ...] = ()
    standbys: tuple[Behind, ...] = ()
    divisible: bool = True


class Facts(NamedTuple):
    """A site. `workers`: so many databases are restored at a time."""

    now: int
    workers: int
    data: Place
    logs: tuple[Place, ...]
    targets: tuple[Place, ...]
    databases: tuple[DatabaseFacts, ...]


class Kind(Enum):
    """What may be lost. The value is for programs."""

    FILE = "database"  # one database's file, by damage or by mistake
    DATA = "data-volume"
    LOG = "log-volume"
    DISK = "disk"  # with all places on it
    MACHINE = "machine"


class Scenario(NamedTuple):
    """A loss to think through. `key` is the database, the volume's name, or the disk; empty for the machine."""

    kind: Kind
    key: str = ""


class Lost(NamedTuple):
    """What a scenario takes: the files of `databases`, and log volumes and targets by name."""

    databases: frozenset[str]
    logs: frozenset[str]
    targets: frozenset[str]


def scenarios(facts: Facts) -> list[Scenario]:
    """Every loss worth thinking through: each volume, each disk that holds more than one place, the machine."""
    found = [Scenario(Kind.DATA, facts.data.name), *(Scenario(Kind.LOG, log.name) for log in facts.logs)]
    volumes = (facts.data, *facts.logs)
    disks = dict.fromkeys(place.disk for place in volumes)
    found += [Scenario(Kind.DISK, disk) for disk in disks if len(on_disk(facts, disk)) > 1]
    return [*found, Scenario(Kind.MACHINE)]


def on_disk(facts: Facts, disk: str) -> list[Place]:
    """The places that die with a disk."""
    return [place for place in (facts.data, *facts.logs, *facts.targets) if place.disk == disk != ELSEWHERE]


def things_lost(scenario: Scenario, facts: Facts) -> Lost:
    """What a scenario takes with it."""
    everything = frozenset(database.name for database in facts.databases)
    match scenario.kind:
        case Kind.FILE:
            return Lost(frozenset({scenario.key}), frozenset(), frozenset())
        case Kind.DATA:
            return Lost(everything, frozenset(), frozenset())
        case Kind.LOG:
            return Lost(frozenset(), frozenset({scenario.key}), frozenset())
        case Kind.DISK:
            data = everything if facts.data.disk == scenario.key else frozenset[str]()
            return Lost(data, _on(facts.logs, scenario.key), _on(facts.targets, scenario.key))
        case Kind.MACHINE:
            local = frozenset(target.name for target in facts.targets if target.disk != ELSEWHERE)
            return Lost(everything, frozenset(log.name for log in facts.logs), local)


def _on(places: Sequence[Place], disk: str) -> frozenset[str]:
    return frozenset(place.name for place in places if place.disk == disk)
