"""Search results that are kept up to date: RETURN (UPDATE) and CANCELUPDATE (RFC 5267 section 4.3).

A context lives as long as its mailbox is selected. REMOVEFROM for what is expunged goes out right before the EXPUNGE
(or VANISHED) itself, ADDTO and REMOVEFROM for what changed right after the client was told of the change. Positions
are 0 for SEARCH; for SORT they are places in the sorted result, each as the ones before it leave it.

Not kept up to date, and refused with NOUPDATE: searches by sequence numbers other than 1:* or by `$`, whose meaning
shifts; by age, whose results change without a change; more than MOST_CONTEXTS of a mailbox; sorted results above
MOST_SORTED messages.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence

from pillarbox.model.failure import Failure
from pillarbox.model.search import AllOf, Uids
from pillarbox.servers.imap.context import Context
from pillarbox.servers.imap.criteria import criterion, runs
from pillarbox.servers.imap.state import Client, Selected
from pillarbox.wire.imap import codes, responses, search_keys
from pillarbox.wire.imap.commands.cancelupdate import CancelUpdate
from pillarbox.wire.imap.responses import Status, search_update
from pillarbox.wire.imap.search_keys import SearchKey, every_key
from pillarbox.wire.imap.sequence_set import STAR

MOST_CONTEXTS = 16
MOST_SORTED = 20_000
_EVERYTHING = ((1, STAR),)


def begin(client: Client, context: Context) -> None:
    """Keeps a result up to date from now on, or tells the client that it is not."""
    selected = client.mailbox
    selected.contexts.pop(context.tag, None)
    refusal = _refusal(selected, context)
    if refusal:
        client.untagged(responses.status_line(b"*", Status.NO, refusal, codes.noupdate(context.tag)))
    else:
        selected.contexts[context.tag] = context


async def cancel(client: Client, command: CancelUpdate) -> None:
    """CANCELUPDATE; of what is not kept up to date there is nothing to cancel."""
    for tag in command.tags:
        client.mailbox.contexts.pop(tag, None)
    client.ok(command.tag, "No more updates.")


def _refusal(selected: Selected, context: Context) -> str:
    if len(selected.contexts) >= MOST_CONTEXTS:
        return f"No more than {MOST_CONTEXTS} results are kept up to date."
    if context.order is not None and len(context.result) > MOST_SORTED:
        return f"Sorted results above {MOST_SORTED} messages are not kept up to date."
    if any(_shifts(key) for key in every_key(context.key)):
        return "A result by sequence numbers or by age is not kept up to date."
    return ""


def _shifts(key: SearchKey) -> bool:
    match key:
        case search_keys.Sequence(messages):
            return messages.saved or messages.ranges != _EVERYTHING
        case search_keys.Uid(messages):
            return messages.saved
        case search_keys.Older() | search_keys.Younger():
            return True
        case _:
            return False


def expunged(selected: Selected, uids: Collection[int]) -> bytes:
    """REMOVEFROM for messages about to be taken out of the view."""
    return b"".join([_remove(selected, context, uids) for context in selected.contexts.values()])


async def update(client: Client, selected: Selected, changed: Iterable[int]) -> None:
    """ADDTO and REMOVEFROM for messages that are new or have changed. A result that cannot be brought up to date is
    given up, and the client told so."""
    touched = [uid for uid in changed if selected.view.sequence_of(uid) is not None]
    for context in list(selected.contexts.values()) if touched else ():
        try:
            await _update(client, selected, context, touched)
        except Failure as failure:
            del selected.contexts[context.tag]
            client.untagged(responses.status_line(b"*", Status.NO, failure.public, codes.noupdate(context.tag)))


async def _update(client: Client, selected: Selected, context: Context, touched: list[int]) -> None:
    wanted = criterion(context.key, selected.view, client.services.clock.now())
    found = set(await client.store.search(selected.id, AllOf((Uids(runs(touched)), wanted))))
    client.untagged(_remove(selected, context, [uid for uid in touched if uid not in found]))
    before = set(context.result)
    added = sorted(found - before)
    if added and context.order is None:
        context.result = sorted(before.union(added))
        client.untagged(_told(selected, context, b"ADDTO", [(0, added)]))
    elif added:
        client.untagged(await _insert(client, selected, context, added))


async def _insert(client: Client, selected: Selected, context: Context, added: Sequence[int]) -> bytes:
    """Puts messages where they belong in a sorted result."""
    assert context.order is not None
    everything = Uids(runs(sorted([*context.result, *added])))
    context.result = list(await client.store.sort(selected.id, everything, context.order))
    new = set(added)
    moves = [(place, [uid]) for place, uid in enumerate(context.result, 1) if uid in new]
    return _told(selected, context, b"ADDTO", moves)


def _remove(selected: Selected, context: Context, uids: Iterable[int]) -> bytes:
    gone = set(uids).intersection(context.result)
    if not gone:
        return b""
    moves: list[tuple[int, Sequence[int]]]
    if context.order is None:
        moves = [(0, sorted(gone))]
    else:
        moves = [(place, [uid]) for place, uid in enumerate(context.result, 1) if uid in gone]
        moves.reverse()  # from the end, so that no place is moved by those before it
    context.result = [uid for uid in context.result if uid not in gone]
    return _told(selected, context, b"REMOVEFROM", moves)


def _told(selected: Selected, context: Context, verb: bytes, moves: Sequence[tuple[int, Sequence[int]]]) -> bytes:
    if not context.uid:
        known = selected.view.uids
        moves = [(place, [bisect_left(known, uid) + 1 for uid in uids]) for place, uids in moves]
    return search_update(context.tag, context.uid, verb, moves) if moves else b""
