"""COPY, MOVE, EXPUNGE and their UID forms (RFC 9051 sections 6.4.3, 6.4.7 to 6.4.9; RFC 4315, RFC 6851, RFC 7162)."""

from collections.abc import Sequence

from pillarbox.model.store import Copied
from pillarbox.servers.imap.state import Client, Selected
from pillarbox.servers.imap.sync import sync
from pillarbox.servers.imap.targets import find_target, resolve, writable
from pillarbox.wire.imap import codes, responses
from pillarbox.wire.imap.commands.copy import Copy, Move
from pillarbox.wire.imap.commands.expunge import Expunge
from pillarbox.wire.imap.responses import Status


async def copy(client: Client, command: Copy) -> None:
    """COPY: all of the messages or none. Those that are gone already are left out."""
    selected = client.mailbox
    uids = resolve(selected, command.messages, command.uid)
    target = await find_target(client, command.mailbox)
    copied = await client.store.copy(selected.id, uids, target.id)
    await sync(client)
    client.ok(command.tag, "Copied.", _copyuid(copied))


async def move(client: Client, command: Move) -> None:
    """MOVE: COPYUID comes first, then the EXPUNGEs (RFC 6851 section 4.3)."""
    selected = writable(client)
    uids = resolve(selected, command.messages, command.uid)
    target = await find_target(client, command.mailbox)
    moved = await client.store.move(selected.id, uids, target.id)
    if moved.source:
        client.untagged(responses.status_line(b"*", Status.OK, "Where they went.", _copyuid(moved)))
    await sync(client)
    client.ok(command.tag, "Moved.", modseq_after(client, selected, moved.source))


def _copyuid(copied: Copied) -> bytes:
    if not copied.source:
        return b""
    return codes.copyuid(copied.uid_validity, copied.source, copied.target)


async def expunge(client: Client, command: Expunge) -> None:
    selected = writable(client)
    uids = None if command.uids is None else resolve(selected, command.uids, True)
    removed = await client.store.expunge(selected.id, uids)
    await sync(client)
    client.ok(command.tag, "Expunged.", modseq_after(client, selected, removed))


def modseq_after(client: Client, selected: Selected, removed: Sequence[int]) -> bytes:
    """The mailbox's new HIGHESTMODSEQ, for those who keep it, where anything was removed (RFC 7162 section 3.2.7)."""
    return codes.highestmodseq(selected.modseq) if removed and client.session.qresync else b""
