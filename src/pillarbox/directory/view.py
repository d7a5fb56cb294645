"""What this process remembers of the directory, as long as nobody has changed it.

The directory counts its changes in a row of its own; each question reads that row first, and a count that is not
the one remembered empties everything here: a change made by any process is seen by the next question. What is
remembered is bounded by weight (an entry weighs one, and one for each person in it); the oldest goes first.
"""

from collections import OrderedDict
from typing import Generic, NamedTuple, TypeVar

from pillarbox.directory.schema import change_count
from pillarbox.model.directory import Person, Resolution
from pillarbox.model.logged import Cursor

T = TypeVar("T")

MOST_WEIGHT = 100_000


class Known(NamedTuple):
    """A person and the version of their credentials."""

    person: Person
    credential_version: int


class Bounded(Generic[T]):
    """A mapping that forgets the oldest entries beyond a total weight."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._weight = 0
        self._entries: OrderedDict[str, tuple[T, int]] = OrderedDict()

    def get(self, key: str) -> T | None:
        entry = self._entries.get(key)
        return None if entry is None else entry[0]

    def put(self, key: str, value: T, weight: int = 1) -> None:
        if (old := self._entries.pop(key, None)) is not None:
            self._weight -= old[1]
        self._entries[key] = (value, weight)
        self._weight += weight
        while self._weight > self._most:
            _, (_, dropped) = self._entries.popitem(last=False)
            self._weight -= dropped

    def clear(self) -> None:
        self._entries.clear()
        self._weight = 0

    def __len__(self) -> int:
        return len(self._entries)


class View:
    """Answers of one state of the directory."""

    def __init__(self, most: int = MOST_WEIGHT) -> None:
        self.changes = -1
        self.domains: dict[str, str] = {}
        self.resolutions: Bounded[Resolution] = Bounded(most)
        self.people: Bounded[Known] = Bounded(most)

    def refresh(self, cursor: Cursor) -> int:
        """Empties what is out of date; the number of changes that the answers here are of."""
        changes = change_count(cursor)
        if changes != self.changes:
            self.resolutions.clear()
            self.people.clear()
            self.domains = dict(cursor.execute("SELECT name, catch_all FROM domain"))
            self.changes = changes
        return changes
