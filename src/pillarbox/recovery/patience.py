"""Trying again what failed for a moment."""

import time
from collections.abc import Callable
from typing import TypeVar

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure

Result = TypeVar("Result")

DELAYS = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds between attempts, half a minute in all: a restart of the other side, not an outage."""


def patiently(
    call: Callable[[], Result],
    pause: Callable[[float], None] = time.sleep,
    delays: tuple[float, ...] = DELAYS,
    given_up: Callable[[], bool] = lambda: False,
) -> Result:
    """What `call` returns; after UNAVAILABLE it is called again, once for each of `delays`.

    Any other failure, and the last one, is raised; so is one that comes when `given_up` says there is no use.
    """
    for delay in delays:
        try:
            return call()
        except Failure as failure:
            if failure.kind is not FailureKind.UNAVAILABLE or given_up():
                raise
        pause(delay)
    return call()
