"""A client's picture of its selected mailbox: UIDs in order, whose places are the sequence numbers.

The picture changes only by what was announced to the client: `append` goes with an EXISTS response, `apply_expunges`
with EXPUNGE responses. When either may be sent (RFC 9051 sections 5.5, 7.4.1, 7.5.1):

- EXISTS (and FETCH with new flags): with the answer to any command, and during IDLE.
- EXPUNGE: never while no command is in progress, except during IDLE; and never while a FETCH, STORE or SEARCH is,
  since the client's sequence numbers would shift under its own command. Their UID forms, and all other
  commands, may carry it. A server that holds EXPUNGEs back answers a FETCH for a vanished message without it.

UIDs are 32-bit and rise strictly (RFC 9051 section 2.3.1.1); four octets each are kept. Lookups take logarithmic
time, a set of k ranges k log k, an expunge one pass of block copies. Raises ValueError when UIDs do not rise.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import islice
from operator import lt

from pillarbox.wire.imap.sequence_set import STAR, SequenceSet

_MANY = 8
"""Where more than one UID in so many is looked for, all are looked through."""


class View:
    """See the module. `saved` is the result of the last SEARCH RETURN (SAVE), as UIDs (RFC 5182)."""

    __slots__ = ("_saved", "_uids")

    def __init__(self, uids: Iterable[int] = ()) -> None:
        self._uids = array("I")
        self._saved = array("I")
        self.append(uids)

    def __len__(self) -> int:
        return len(self._uids)

    @property
    def uids(self) -> Sequence[int]:
        """All UIDs, rising; index + 1 is the sequence number. Not to be changed."""
        return self._uids

    @property
    def last_uid(self) -> int:
        """The largest UID, 0 if the mailbox is empty."""
        return self._uids[-1] if self._uids else 0

    @property
    def saved(self) -> Sequence[int]:
        """The UIDs that `$` stands for, rising."""
        return self._saved

    def save(self, uids: Iterable[int]) -> None:
        """Remember a search result (rising UIDs) for `$`; an empty one after a failed SEARCH."""
        self._saved = array("I", uids)

    def append(self, uids: Iterable[int]) -> None:
        """Add new messages at the end. ValueError unless the UIDs rise above all that are there."""
        new = array("I", uids)
        known = new.tolist()
        if known and (known[0] <= self.last_uid or not all(map(lt, known, islice(known, 1, None)))):
            raise ValueError("UIDs must rise")
        self._uids += new

    def sequence_of(self, uid: int) -> int | None:
        """The sequence number of a UID, None if it is not in the picture."""
        index = bisect_left(self._uids, uid)
        return index + 1 if index < len(self._uids) and self._uids[index] == uid else None

    def uid_of(self, sequence: int) -> int | None:
        """The UID of a sequence number, None if there is no such message."""
        return self._uids[sequence - 1] if 0 < sequence <= len(self._uids) else None

    def apply_expunges(self, uids: Iterable[int]) -> list[int]:
        """Take messages out; the sequence numbers to announce, in order, highest first.

        Highest first, no number needs correcting for the ones before it. UIDs that are not there are ignored.
        `$` loses them too (RFC 5182 section 2.1).
        """
        gone = sorted(set(uids))
        places = _places(self._uids, gone)
        self._uids = _without(self._uids, places)
        if self._saved:
            self._saved = _without(self._saved, _places(self._saved, gone))
        return [place + 1 for place in reversed(places)]

    def spans(self, messages: SequenceSet, by_uid: bool) -> list[tuple[int, int]]:
        """The places a set stands for, as half-open ranges of indexes, rising and apart.

        `*` is the last message; `7:*` includes it even when 7 is beyond the end (RFC 9051 section 9, seq-range).
        Numbers that no message has are left out.
        """
        if messages.saved:
            return _runs(_places(self._uids, self._saved))
        size = len(self._uids)
        if not size:
            return []
        last = self._uids[-1] if by_uid else size
        spans = []
        for low, high in messages.ranges:
            if high == STAR:
                low, high = min(low, last), last
            if by_uid:
                span = (bisect_left(self._uids, low), bisect_right(self._uids, high))
            else:
                span = (low - 1, min(high, size))
            if span[0] < span[1]:
                spans.append(span)
        return _merged(spans)

    def resolve(self, messages: SequenceSet, by_uid: bool) -> Sequence[int]:
        """The UIDs a set stands for, rising, each once; see `spans`."""
        spans = self.spans(messages, by_uid)
        if len(spans) == 1:
            return self._uids[spans[0][0] : spans[0][1]]
        result = array("I")
        for start, stop in spans:
            result += self._uids[start:stop]
        return result

    def beyond(self, messages: SequenceSet) -> bool:
        """Whether a set of sequence numbers names one that no message has, which deserves a BAD.

        RFC 9051 section 9 (seq-number). `*` in an empty mailbox is such a number too.
        """
        size = len(self._uids)
        return any(low > size if low != STAR else not size for low, _ in messages.ranges) or any(
            high > size if high != STAR else not size for _, high in messages.ranges
        )

    def sequences(self, uids: Sequence[int]) -> list[int]:
        """The sequence numbers of rising UIDs; those not in the picture are left out."""
        return [place + 1 for place in _places(self._uids, uids)]


def _places(within: "array[int]", uids: Sequence[int]) -> list[int]:
    """The indexes of those of `uids` (rising) that are in `within`."""
    start, size = 0, len(within)
    if size and within[-1] - within[0] == size - 1:  # the usual case: no gap
        first = within[0]
        return [uid - first for uid in uids if 0 <= uid - first < size]
    if len(uids) > size // _MANY:
        chosen = set(uids)
        return [place for place, uid in enumerate(within) if uid in chosen]
    places = []
    for uid in uids:
        start = bisect_left(within, uid, start)
        if start == size:
            break
        if within[start] == uid:
            places.append(start)
            start += 1
    return places


def _without(uids: "array[int]", places: Sequence[int]) -> "array[int]":
    """`uids` without the items at `places` (rising)."""
    if not places:
        return uids
    kept = array("I")
    start = 0
    for place in places:
        kept += uids[start:place]
        start = place + 1
    kept += uids[start:]
    return kept


def _runs(places: Sequence[int]) -> list[tuple[int, int]]:
    """Rising indexes as half-open ranges."""
    return _merged([(place, place + 1) for place in places])


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges sorted, and those that touch or overlap made one."""
    if len(spans) < 2:
        return spans
    spans.sort()
    merged = [spans[0]]
    for start, stop in spans[1:]:
        if start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged
