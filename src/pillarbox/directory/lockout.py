"""Locking out whoever guesses passwords: a limit on failed logins of one name from one address.

Failures are counted in a sliding window of `seconds`; the one that reaches the limit locks the pair (login,
client) for `seconds`. What is tried meanwhile is refused without being looked at and does not prolong the lock; a
successful login forgets the failures. Names that do not exist are counted like all others.

The counts are this process's own and are lost when it ends; with several workers a guesser has that many times
the limit. Memory is bounded: beyond `most` pairs, the one that failed longest ago is forgotten.
"""

from collections import OrderedDict, deque

from pillarbox.base.clock import Clock
from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure

MOST_PAIRS = 20_000

Pair = tuple[str, str]


class Lockout:
    """Counts failed logins by (login, client)."""

    def __init__(self, limit: int, seconds: float, clock: Clock, most: int = MOST_PAIRS) -> None:
        """`limit` failures within `seconds` lock out for `seconds`; a limit of 0 never locks."""
        self._limit = limit
        self._seconds = seconds
        self._clock = clock
        self._most = most
        self._failures: OrderedDict[Pair, deque[float]] = OrderedDict()

    def check(self, login: str, client: str) -> None:
        """Raises Failure(LOCKED_OUT) while the pair is locked."""
        times = self._failures.get((login, client))
        if times is None or self._limit <= 0:
            return
        left = times[-1] + self._seconds - self._clock.monotonic()
        if left <= 0:
            del self._failures[login, client]
        elif len(times) >= self._limit:
            raise Failure(FailureKind.LOCKED_OUT, f"Too many failed logins; try again in {max(1, round(left))} seconds")

    def failed(self, login: str, client: str) -> None:
        """Counts one failed login."""
        now = self._clock.monotonic()
        times = self._failures.setdefault((login, client), deque(maxlen=max(1, self._limit)))
        while times and times[0] <= now - self._seconds:
            times.popleft()
        times.append(now)
        self._failures.move_to_end((login, client))
        while len(self._failures) > self._most:
            self._failures.popitem(last=False)

    def succeeded(self, login: str, client: str) -> None:
        """Forgets the failures of the pair."""
        self._failures.pop((login, client), None)

    def __len__(self) -> int:
        """How many pairs are remembered."""
        return len(self._failures)
