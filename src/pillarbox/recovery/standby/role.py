"""Who is active: the state of one server, and the port by which it is decided.

`FileLease` keeps it in a file of the site, which survives a crash of the machine. With it, people decide (promote,
demote), and a server that meets a later generation of its own databases steps back. A lease in a store that several
machines agree on (etcd) has the same three methods: `standing` is then what that store says, and `take` fails with
`Failure` IN_USE where another server holds it.
"""

import os
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.recovery.jsonfile import read_whole, write_durably


class Role(Enum):
    """What a server does."""

    ACTIVE = "active"  # serves, and ships its log
    STANDBY = "standby"  # follows, and serves nobody


class Fork(NamedTuple):
    """`generation` of a database began behind record `after`."""

    generation: int
    after: int


class Standing(NamedTuple):
    """A server's role since `since` (microseconds), why, and where generations of its databases began, by name."""

    role: Role
    since: int
    reason: str
    forks: dict[str, list[Fork]]


class Lease(Protocol):
    """Who decides."""

    def standing(self) -> Standing | None:
        """What was decided last; None: nothing yet."""

    def take(self, standing: Standing) -> None:
        """Become active, durably, before this returns. Raises IN_USE where another server is."""

    def give_up(self, standing: Standing) -> None:
        """Become a standby, durably, before this returns."""


class FileLease:
    """See `Lease`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def standing(self) -> Standing | None:
        row = read_whole(self._path)
        if not row:
            if self._path.exists() and os.path.getsize(self._path):
                raise Failure(FailureKind.CORRUPT, f"{self._path} cannot be understood; is this server active or not?")
            return None
        try:
            return _decode(row)
        except (ValueError, KeyError, TypeError) as error:
            raise Failure(FailureKind.CORRUPT, f"{self._path} cannot be understood: {error}.", error) from error

    def take(self, standing: Standing) -> None:
        write_durably(self._path, _encode(standing._replace(role=Role.ACTIVE)))

    def give_up(self, standing: Standing) -> None:
        write_durably(self._path, _encode(standing._replace(role=Role.STANDBY)))


def _encode(standing: Standing) -> dict[str, Any]:
    return {**standing._asdict(), "role": standing.role.value}


def _decode(row: dict[str, Any]) -> Standing:
    forks = {name: [Fork(int(g), int(after)) for g, after in listed] for name, listed in row["forks"].items()}
    return Standing(Role(row["role"]), int(row["since"]), str(row["reason"]), forks)
