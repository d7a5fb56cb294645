"""Sizes and times as people write and read them on the command line."""

import re
from datetime import UTC, datetime

from pillarbox.base.clock import MICROSECONDS
from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", re.I)
_FACTOR = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def parse_size(text: str) -> int:
    """Octets in "500M", "2G", "1048576". Raises Failure(INVALID)."""
    found = _SIZE.fullmatch(text.strip())
    if not found:
        raise Failure(FailureKind.INVALID, f"{text!r} is not a size; write 500M, 2G, or octets")
    return int(float(found[1]) * _FACTOR[found[2].lower()])


def local_time(microseconds: int) -> str:
    """A moment in UTC, to the second."""
    return f"{datetime.fromtimestamp(microseconds // MICROSECONDS, UTC):%Y-%m-%d %H:%M:%S}Z" if microseconds else ""
