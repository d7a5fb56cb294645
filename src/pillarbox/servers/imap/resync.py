"""What a client is told that comes back after a while: which messages are gone, which have changed (RFC 7162).

Everything is told as of the snapshot that the client's picture was taken from (`Selected.view`, `Selected.modseq`);
what happened after it is left to the next `sync`. So a message that is still in the picture is never among those told
as gone EARLIER, even if it is gone by now.

The store's memory of what is gone answers what was asked and no more. Where that does not go back far enough, or the
client knows a later state than there ever was (the mailbox is one restored from a backup), every uid that the client
may know and that is not there is told as gone, and all flags are told: more than needed, and right.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from pillarbox.model.change import MailboxChanges
from pillarbox.model.ids import ModSeq
from pillarbox.servers.imap.state import Client, MailboxGone, Selected
from pillarbox.servers.imap.sync import flags_row
from pillarbox.wire.imap.commands.select import Resync
from pillarbox.wire.imap.sequence_set import MAX_NUMBER, STAR, SequenceSet, uid_set
from pillarbox.wire.imap.vanished import vanished
from pillarbox.wire.imap.view import View

Ranges = Sequence[tuple[int, int]]
"""Inclusive, rising, apart."""


async def resync(client: Client, selected: Selected, known: Resync, uid_next: int) -> list[bytes]:
    """The responses of SELECT (QRESYNC ...); none where the client knows another mailbox of that name."""
    if known.uid_validity != selected.uid_validity:
        return []
    later = known.modseq > selected.modseq
    changes = await changes_since(client, selected, 0 if later else known.modseq)
    mine: Ranges = [(1, uid_next - 1)] if uid_next > 1 else []
    if known.known is not None:
        mine = ranges_of(known.known)
    view = selected.view
    if later or known.modseq < changes.forgotten:
        same = _unmoved(view, known.match) if known.match is not None else 0
        gone = _missing([(max(low, same + 1), min(high, uid_next - 1)) for low, high in mine], [view.uids])
    else:
        gone = uid_set(_gone(view, changes, mine))
    lines = [vanished(gone, earlier=True)]
    among = _Among(mine)
    for uid, flags, keywords, modseq in changes.changed:
        number = view.sequence_of(uid)
        if number is not None and modseq <= selected.modseq and uid in among:
            lines.append(flags_row(selected, number, uid, flags, keywords, modseq))
    return lines


async def changes_since(client: Client, selected: Selected, modseq: int) -> MailboxChanges:
    """What the store knows. Raises MailboxGone."""
    changes = await client.store.changes(selected.id, ModSeq(modseq))
    if changes.mailbox_gone:
        raise MailboxGone
    return changes


def gone_since(selected: Selected, messages: SequenceSet, since: int, changes: MailboxChanges) -> bytes:
    """The responses of UID FETCH (CHANGEDSINCE ... VANISHED) for what is gone of `messages`."""
    mine, view = ranges_of(messages), selected.view
    if messages.saved:
        return b""  # a saved result names only what is there
    if since >= changes.forgotten:
        return vanished(uid_set(_gone(view, changes, mine)), earlier=True)
    there = [view.uids, [change.uid for change in changes.changed]]
    last = changes.uid_next - 1
    return vanished(_missing([(low, min(high, last)) for low, high in mine], there), earlier=True)


def ranges_of(messages: SequenceSet) -> list[tuple[int, int]]:
    """Uids as ranges; "*" goes on without end, for the last message may be among those that are gone."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(messages.ranges):
        if high == STAR:
            low, high = (1 if low == STAR else low), MAX_NUMBER
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged


class _Among:
    """Whether a uid is in one of the ranges."""

    def __init__(self, ranges: Ranges) -> None:
        self._ranges = ranges
        self._lows = [low for low, _ in ranges]

    def __contains__(self, uid: int) -> bool:
        at = bisect_right(self._lows, uid) - 1
        return at >= 0 and uid <= self._ranges[at][1]


def _gone(view: View, changes: MailboxChanges, ranges: Ranges) -> list[int]:
    among = _Among(ranges)
    return [uid for uid in changes.gone if uid in among and view.sequence_of(uid) is None]


def _missing(ranges: Ranges, there: Sequence[Sequence[int]]) -> bytes:
    """Those uids of the ranges that are not there, as a set's text."""
    present = sorted({uid for uids in there for uid in uids})
    return SequenceSet(tuple(_gaps(ranges, present))).encode()


def _gaps(ranges: Ranges, present: list[int]) -> Iterator[tuple[int, int]]:
    at = 0
    for low, high in ranges:
        at = max(at, bisect_right(present, low - 1))
        while at < len(present) and present[at] <= high:
            if present[at] > low:
                yield low, present[at] - 1
            low = present[at] + 1
            at += 1
        if low <= high:
            yield low, high


def _unmoved(view: View, match: tuple[SequenceSet, SequenceSet]) -> int:
    """The largest uid that has the number it had for the client: up to it nothing is gone (RFC 7162 section 3.2.5.2).

    Once a message has another number all later ones have, so the last one that has not is found by halving.
    """
    runs = list(_runs(*match))
    found = 0
    low, high = 0, len(runs) - 1
    while low <= high:
        middle = (low + high) // 2
        number, uid, count = runs[middle]
        steady = _steady(view, number, uid, min(count, len(view) - number + 1))
        if not steady:
            high = middle - 1
            continue
        found = uid + steady - 1
        if steady < count:
            break
        low = middle + 1
    return found


def _steady(view: View, number: int, uid: int, count: int) -> int:
    """How many of a run's first messages have the numbers they had."""
    low, high = 0, max(count, 0)
    while low < high:
        middle = (low + high) // 2
        if view.uid_of(number + middle) == uid + middle:
            low = middle + 1
        else:
            high = middle
    return low


def _runs(numbers: SequenceSet, uids: SequenceSet) -> Iterator[tuple[int, int, int]]:
    """(first number, first uid, how many) of stretches in which both go up by one; both sets have one size."""
    waiting = iter(uids.ranges)
    uid, last = 1, 0
    for number, high in numbers.ranges:
        while number <= high:
            if uid > last:
                uid, last = next(waiting)
            count = min(high - number, last - uid) + 1
            yield number, uid, count
            number += count
            uid += count
