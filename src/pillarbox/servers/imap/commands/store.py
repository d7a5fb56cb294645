"""STORE and UID STORE (RFC 9051 section 6.4.6; UNCHANGEDSINCE: RFC 7162 section 3.1.3)."""

from collections.abc import Sequence

from pillarbox.model.email import FlagChange, FlagMode
from pillarbox.model.store import Flagged
from pillarbox.servers.imap.flags import parse_flags
from pillarbox.servers.imap.state import Client, Selected
from pillarbox.servers.imap.sync import flags_row, sync
from pillarbox.servers.imap.targets import resolve, writable
from pillarbox.wire.imap import codes
from pillarbox.wire.imap.commands.store import Store
from pillarbox.wire.imap.nouns import StoreAction

_MODES = {StoreAction.REPLACE: FlagMode.REPLACE, StoreAction.ADD: FlagMode.ADD, StoreAction.REMOVE: FlagMode.REMOVE}


async def store(client: Client, command: Store) -> None:
    selected = writable(client)
    flags, keywords = parse_flags(command.flags)
    change = FlagChange(_MODES[command.action], flags, keywords, command.unchanged_since)
    if command.unchanged_since is not None:
        client.enable_condstore()
    uids = resolve(selected, command.messages, command.uid)
    if command.silent:
        done = await _silently(client, selected, uids, change)
    else:
        done = await client.store.set_flags(selected.id, uids, change)
        _tell(client, selected, done)
    await sync(client, expunges=command.uid)
    if done.modified:
        numbers = done.modified if command.uid else selected.view.sequences(done.modified)
        client.ok(command.tag, "Some had changed meanwhile.", codes.modified(numbers))
    elif len(done.states) < len(uids) and not command.uid:
        client.ok(command.tag, "Done; some are no longer there.", codes.EXPUNGEISSUED)
    else:
        client.ok(command.tag, "Done.")


async def _silently(client: Client, selected: Selected, uids: Sequence[int], change: FlagChange) -> Flagged:
    """Changes flags that the client does not want to see, since it knows them already.

    It knows them only where nobody else changed the message since it was last told: those are changed first, on
    just that condition. The rest are changed too, and shown by the next `sync`.
    """
    asked = change.unchanged_since
    known = selected.modseq if asked is None else min(selected.modseq, asked)
    quiet = await client.store.set_flags(selected.id, uids, change._replace(unchanged_since=known))
    selected.told.update((state.uid, state.modseq) for state in quiet.states)
    if selected.condstore:
        # After a conditional store the client still needs the new modification sequences.
        numbers = selected.view.sequences([state.uid for state in quiet.states])
        rows = zip(numbers, quiet.states, strict=True)
        client.untagged(b"".join([b"* %d FETCH (UID %d MODSEQ (%d))\r\n" % (n, s.uid, s.modseq) for n, s in rows]))
    if not quiet.modified:
        return quiet
    rest = await client.store.set_flags(selected.id, quiet.modified, change)
    return Flagged(quiet.states + rest.states, rest.modified)


def _tell(client: Client, selected: Selected, done: Flagged) -> None:
    """Shows the new flags, and remembers that they need not be shown again."""
    selected.told.update((state.uid, state.modseq) for state in done.states)
    numbers = selected.view.sequences([state.uid for state in done.states])
    rows = [flags_row(selected, number, *state) for number, state in zip(numbers, done.states, strict=True)]
    if selected.texts.unannounced:
        client.untagged(selected.texts.announcement(selected.read_only))
    client.untagged(b"".join(rows))
