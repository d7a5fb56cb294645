"""SELECT, EXAMINE, CLOSE, UNSELECT (RFC 9051 sections 6.3.2, 6.3.3, 6.4.1, 6.4.2).

For IMAP4rev1, `0 RECENT` is said because that grammar demands it, and the first unseen message is looked up; IMAP4rev2
has neither, and gets a LIST response instead.
"""

from pillarbox.base.failure import FailureKind
from pillarbox.model.email import Flag
from pillarbox.model.failure import Failure
from pillarbox.model.mailbox import DELIMITER, Mailbox
from pillarbox.model.search import AllOf, HasFlag, Not, Uids
from pillarbox.servers.imap import objects
from pillarbox.servers.imap.listing import attributes
from pillarbox.servers.imap.resync import resync
from pillarbox.servers.imap.state import Client, Refusal, Selected
from pillarbox.wire.imap import codes, responses
from pillarbox.wire.imap.commands.select import Select
from pillarbox.wire.imap.commands.simple import Close, Unselect
from pillarbox.wire.imap.responses import Status
from pillarbox.wire.imap.view import View

_LOOKED_AT = 500


async def select(client: Client, command: Select) -> None:
    """The mailbox that was selected is left in any case, even where the new one cannot be opened."""
    if command.resync is not None and not client.session.qresync:
        raise Refusal("QRESYNC must be enabled first.", status=Status.BAD)
    if client.selected is not None:
        client.selected = None
        client.untagged(_note("The other mailbox is closed.", codes.CLOSED))
    mailbox = await find_selectable(client, command.mailbox)
    uids, changes = await client.store.uids(mailbox.id)
    selected = Selected(mailbox.id, mailbox.path, mailbox.uid_validity, command.read_only, View(uids), changes.modseq)
    client.condstore |= command.condstore
    selected.condstore = client.condstore
    selected.checked_at = client.services.clock.monotonic()
    rows = [] if command.resync is None else await resync(client, selected, command.resync, changes.uid_next)
    lines = [selected.texts.announcement(command.read_only), responses.exists(len(uids))]
    if not client.session.rev2:
        lines += [responses.recent(0), await _first_unseen(client, mailbox, selected.view)]
    lines += [
        _note("UIDs are valid as long as this stays.", codes.uidvalidity(mailbox.uid_validity)),
        _note("The next message gets this or more.", codes.uidnext(changes.uid_next)),
        _note("The latest change.", codes.highestmodseq(changes.modseq)),
        _note("The mailbox under any name.", codes.mailboxid(objects.mailbox_id(mailbox.id))),
    ]
    if client.session.rev2:
        lines.append(await _list_row(client, mailbox, command.mailbox))
    lines += rows
    # From here on notices count. A change between the reading of the uids and now is found by the first sync.
    selected.dirty = True
    client.selected = selected
    client.untagged(b"".join(lines))
    how = "read-only" if command.read_only else "read-write"
    client.ok(command.tag, f"Selected, {how}.", codes.READ_ONLY if command.read_only else codes.READ_WRITE)


async def find_selectable(client: Client, path: str) -> Mailbox:
    """The mailbox of this name. Raises Failure(NOT_FOUND) where it is missing or only a name in the hierarchy."""
    mailbox = await client.store.mailbox(client.account, path)
    if not mailbox.selectable:
        raise Failure(FailureKind.NOT_FOUND, "There is only a name here, with mailboxes below it.")
    return mailbox


async def _first_unseen(client: Client, mailbox: Mailbox, view: View) -> bytes:
    if not mailbox.unseen:
        return b""
    at, size = 0, _LOOKED_AT
    while at < len(view):
        # The first one is mostly near the beginning, or else near the end: each look takes in more than the last.
        span = Uids(((view.uids[at], view.uids[min(at + size, len(view)) - 1]),))
        unseen = await client.store.search(mailbox.id, AllOf((span, Not(HasFlag(Flag.SEEN)))))
        numbers = view.sequences(unseen[:1])
        if numbers:
            return _note("The first message nobody has read.", codes.unseen(numbers[0]))
        at, size = at + size, size * 8
    return b""


async def _list_row(client: Client, mailbox: Mailbox, asked: str) -> bytes:
    """The LIST response of IMAP4rev2, with OLDNAME where the client wrote the name differently."""
    others = await client.store.mailboxes(client.account)
    has_children = any(other.path.startswith(mailbox.path + DELIMITER) for other in others)
    old = asked if asked != mailbox.path else None
    return responses.list_row(mailbox.path, attributes(mailbox, has_children), utf8=client.utf8, oldname=old)


def _note(text: str, code: bytes) -> bytes:
    return responses.status_line(b"*", Status.OK, text, code)


async def close(client: Client, command: Close) -> None:
    """CLOSE: removes what is marked \\Deleted without a word about it, unless the mailbox was opened read-only."""
    selected = client.mailbox
    if not selected.read_only and not selected.deleted:
        await client.store.expunge(selected.id, None)
    client.selected = None
    client.ok(command.tag, "Closed.")


async def unselect(client: Client, command: Unselect) -> None:
    client.selected = None
    client.ok(command.tag, "Left the mailbox as it is.")
