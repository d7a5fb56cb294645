"""Sets of message numbers: what clients write (`SequenceSet`) and the compact form servers answer with.

A set holds ranges (low, high) with low <= high, in the order written. `STAR` stands for `*`, the largest number in
use, and is larger than any number; `SAVED` (`$`, RFC 5182) is the saved result of the last search. What numbers a
set means is for `view.View` to say, which knows the mailbox.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

MAX_NUMBER = 0xFFFFFFFF
STAR = MAX_NUMBER + 1


class SequenceSet(NamedTuple):
    """sequence-set (RFC 9051 section 9): ranges of numbers, or `saved` for `$`."""

    ranges: tuple[tuple[int, int], ...]
    saved: bool = False

    def encode(self) -> bytes:
        """The set as IMAP text; equal to what was parsed but for the order within a range."""
        if self.saved:
            return b"$"
        return b",".join(_number(low) if low == high else _number(low) + b":" + _number(high)
                         for low, high in self.ranges)  # fmt: skip


SAVED = SequenceSet((), True)


def _number(number: int) -> bytes:
    return b"*" if number == STAR else b"%d" % number


def uid_set(uids: Sequence[int]) -> bytes:
    """`uids` (rising, no doubles) as compact text: [1, 2, 3, 7] is b"1:3,7". Empty gives b""."""
    if not uids:
        return b""
    first, last = uids[0], uids[-1]
    if last - first == len(uids) - 1:  # the usual case: no gap
        return b"%d:%d" % (first, last) if last > first else b"%d" % first
    return ordered_set(uids)


def ordered_set(numbers: Sequence[int]) -> bytes:
    """Numbers in any order as compact text in that order: [7, 1, 2, 3] is b"7,1:3". Empty gives b""."""
    if not numbers:
        return b""
    first, last = numbers[0], numbers[-1]
    parts = []
    for low, high in pairwise(numbers):
        if high - low != 1:
            parts.append(b"%d:%d" % (first, low) if low > first else b"%d" % low)
            first = high
    parts.append(b"%d:%d" % (first, last) if last > first else b"%d" % last)
    return b",".join(parts)
