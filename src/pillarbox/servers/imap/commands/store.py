"""STORE and UID STORE (RFC 9051 section 6.4.6; UNCHANGEDSINCE: RFC 7162 section 3.1.3).

Large sets are changed in steps, each a commit of its own, so that deliveries to the same database go on meanwhile.
"""

from pillarbox.model.email import FlagChange, FlagMode
from pillarbox.model.store import Flagged
from pillarbox.servers.imap.flags import parse_flags
from pillarbox.servers.imap.state import Client, Selected
from pillarbox.servers.imap.sync import flags_row, sync
from pillarbox.servers.imap.targets import resolve, writable
from pillarbox.wire.imap import codes
from pillarbox.wire.imap.commands.store import Store
from pillarbox.wire.imap.nouns import StoreAction

_STEP = 2000
_MODES = {StoreAction.REPLACE: FlagMode.REPLACE, StoreAction.ADD: FlagMode.ADD, StoreAction.REMOVE: FlagMode.REMOVE}


async def store(client: Client, command: Store) -> None:
    selected = writable(client)
    flags, keywords = parse_flags(command.flags)
    change = FlagChange(_MODES[command.action], flags, keywords, command.unchanged_since)
    if command.unchanged_since is not None:
        client.condstore = selected.condstore = True
    uids = resolve(selected, command.messages, command.uid)
    modified: list[int] = []
    there = 0
    for at in range(0, len(uids), _STEP):
        done = await client.store.set_flags(selected.id, uids[at : at + _STEP], change)
        _tell(client, selected, done, command.silent)
        modified += done.modified
        there += len(done.states) + len(done.modified)
    await sync(client, expunges=command.uid)
    if modified:
        numbers = modified if command.uid else selected.view.sequences(modified)
        client.ok(command.tag, "Some had changed meanwhile.", codes.modified(numbers))
    elif there < len(uids) and not command.uid:
        client.ok(command.tag, "Done; some are no longer there.", codes.EXPUNGEISSUED)
    else:
        client.ok(command.tag, "Done.")


def _tell(client: Client, selected: Selected, done: Flagged, silent: bool) -> None:
    """Shows the new flags, and remembers that they need not be shown again.

    With .SILENT the client knows them already; after a conditional store it still needs the new modseq.
    """
    selected.told.update((state.uid, state.modseq) for state in done.states)
    if silent and not selected.condstore:
        return
    numbers = selected.view.sequences([state.uid for state in done.states])
    rows = []
    for number, (uid, flags, keywords, modseq) in zip(numbers, done.states, strict=True):
        if silent:
            rows.append(b"* %d FETCH (UID %d MODSEQ (%d))\r\n" % (number, uid, modseq))
        else:
            rows.append(flags_row(selected, number, uid, flags, keywords, modseq))
    if selected.texts.unannounced:
        client.untagged(selected.texts.announcement(selected.read_only))
    client.untagged(b"".join(rows))
