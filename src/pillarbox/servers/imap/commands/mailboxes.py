"""CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE (RFC 9051 sections 6.3.4 to 6.3.8, RFC 6154 section 3)."""

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.servers.imap import objects
from pillarbox.servers.imap.listing import USES, attributes
from pillarbox.servers.imap.state import Client, Refusal
from pillarbox.servers.imap.sync import gone_lines, sync
from pillarbox.wire.imap import codes, responses
from pillarbox.wire.imap.commands.names import Create, Delete, Rename, Subscribe, Unsubscribe

_ROLES = {word.lower(): role for role, word in USES.items()}


async def create(client: Client, command: Create) -> None:
    """CREATE; where the name is kept in another form than it was written, IMAP4rev2 is told which (OLDNAME)."""
    role = None
    if command.special_use:
        role = _ROLES.get(command.special_use[0].lower())
        if role is None or len(command.special_use) > 1:
            raise Refusal("A mailbox can have one of the uses that are known.", codes.USEATTR)
    try:
        mailbox = await client.store.create_mailbox(client.account, command.mailbox, role)
    except Failure as failure:
        if role is not None and failure.kind is FailureKind.NOT_ALLOWED:
            raise Refusal(failure.public, codes.USEATTR) from failure
        raise
    if client.session.rev2 and mailbox.path != command.mailbox:
        client.untagged(
            responses.list_row(mailbox.path, attributes(mailbox, False), utf8=client.utf8, oldname=command.mailbox)
        )
    client.ok(command.tag, "Created.", codes.mailboxid(objects.mailbox_id(mailbox.id)))


async def delete(client: Client, command: Delete) -> None:
    """DELETE; a client that deletes the mailbox it has selected sees it emptied, and has to select another."""
    selected = client.selected
    mine = selected is not None and selected.id == (await client.store.mailbox(client.account, command.mailbox)).id
    await client.store.delete_mailbox(client.account, command.mailbox)
    if selected is not None and mine:
        client.untagged(gone_lines(client, selected, list(selected.view.uids)))
        selected.deleted = True
    client.ok(command.tag, "Deleted.")


async def rename(client: Client, command: Rename) -> None:
    """RENAME; the inbox stays and gives its messages away, which a client that has it selected must be told."""
    await client.store.rename_mailbox(client.account, command.mailbox, command.new_name)
    await sync(client)
    client.ok(command.tag, "Renamed.")


async def subscribe(client: Client, command: Subscribe | Unsubscribe) -> None:
    await client.store.subscribe(client.account, command.mailbox, isinstance(command, Subscribe))
    client.ok(command.tag, "Noted.")
