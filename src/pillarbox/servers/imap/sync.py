"""Bringing a client's picture of its mailbox up to date.

`sync` reads what happened since the last time and tells the client: EXPUNGE (or VANISHED, to those who enabled
QRESYNC), then EXISTS, then FETCH with the new flags. What is gone is held back (`expunges=False`) while a FETCH, STORE
or SEARCH by sequence number is answered, since it would shift the numbers under the client (RFC 9051 section 7.5.1);
new messages and flags may come at any time.

A client is not told again of what it did itself (`Selected.told`). A mailbox that somebody else deleted ends the
session with BYE, as RFC 2180 section 3.3 has it: there is no way in IMAP to say that a mailbox is no longer selected,
and EXPUNGEs for all of it would let the client believe in an empty mailbox where there is none.

RECENT is never sent from here: nothing is \\Recent in this server. IMAP4rev2 has dropped it, and IMAP4rev1 allows a
server to give it to nobody.
"""

from collections.abc import Iterable

from pillarbox.base.failure import FailureKind
from pillarbox.model.change import FlagsSince, MailboxChanges
from pillarbox.model.failure import Failure
from pillarbox.model.ids import Uid
from pillarbox.servers.imap import contexts
from pillarbox.servers.imap.state import Client, MailboxGone, Selected
from pillarbox.wire.imap import responses
from pillarbox.wire.imap.sequence_set import uid_set
from pillarbox.wire.imap.vanished import vanished

_FRESH_SECONDS = 1.0
"""A reading command does not look for changes that nobody told of where the last look is younger than this."""


async def sync(client: Client, *, expunges: bool = True) -> None:
    """Tells the client what has changed. Raises MailboxGone, or Failure where the store cannot answer."""
    selected = client.selected
    if selected is None or selected.deleted:
        return
    selected.dirty = False
    changes = await _changes(client, selected)
    selected.checked_at = client.services.clock.monotonic()
    selected.modseq = changes.modseq
    selected.withheld.update(changes.gone)
    out: list[bytes] = []
    if expunges and selected.withheld:
        out.append(gone_lines(client, selected, selected.withheld))
        selected.withheld.clear()
    if changes.changed:
        _tell_changed(selected, changes.changed, out)
    selected.told.clear()
    client.untagged(b"".join(out))
    if selected.contexts and changes.changed:
        await contexts.update(client, selected, [change.uid for change in changes.changed])


async def sync_if_stale(client: Client, *, expunges: bool = True) -> None:
    """The same, but only where something is known to have changed, or where the last look was a while ago."""
    selected = client.selected
    if selected is None:
        return
    if (
        selected.dirty
        or (expunges and selected.withheld)
        or client.services.clock.monotonic() - selected.checked_at > _FRESH_SECONDS
    ):
        await sync(client, expunges=expunges)


def gone_lines(client: Client, selected: Selected, uids: Iterable[int]) -> bytes:
    """Takes messages out of the client's picture and says so, by number or (QRESYNC) by uid."""
    view = selected.view
    known, there = view.uids, view.sequences(sorted(uids))
    gone = [known[number - 1] for number in there]
    results = contexts.expunged(selected, gone)
    numbers = view.apply_expunges(gone)
    return results + (vanished(uid_set(gone)) if client.session.qresync else responses.expunges(numbers))


async def _changes(client: Client, selected: Selected) -> MailboxChanges:
    try:
        changes = await client.store.changes(selected.id, selected.modseq)
    except Failure as failure:
        if failure.kind is FailureKind.NOT_FOUND:
            raise MailboxGone from failure
        raise
    if changes.mailbox_gone:
        raise MailboxGone
    if selected.modseq < changes.forgotten:
        # The store no longer knows all that is gone; what is there it knows.
        uids, _ = await client.store.uids(selected.id)
        return changes._replace(gone=sorted({Uid(uid) for uid in selected.view.uids}.difference(uids)))
    return changes


def _tell_changed(selected: Selected, changed: list[FlagsSince], out: list[bytes]) -> None:
    view, texts, told = selected.view, selected.texts, selected.told
    last = view.last_uid
    arrived = [change.uid for change in changed if change.uid > last]
    if arrived:
        view.append(arrived)
        out.append(responses.exists(len(view)))
    rows = []
    for uid, flags, keywords, modseq in changed:
        if uid > last:
            break
        if told.get(uid) == modseq:
            continue
        number = view.sequence_of(uid)
        if number is not None:
            rows.append(flags_row(selected, number, uid, flags, keywords, modseq))
    if texts.unannounced:
        out.append(texts.announcement(selected.read_only))
    out.extend(rows)


def flags_row(selected: Selected, number: int, uid: int, flags: int, keywords: str, modseq: int) -> bytes:
    """One FETCH response that tells a message's flags."""
    text = selected.texts[flags, keywords]
    if selected.condstore:
        return b"* %d FETCH (UID %d FLAGS %b MODSEQ (%d))\r\n" % (number, uid, text, modseq)
    return b"* %d FETCH (UID %d FLAGS %b)\r\n" % (number, uid, text)
