"""LIST, LSUB and STATUS (RFC 9051 sections 6.3.9 and 6.3.11, RFC 3501 section 6.3.9).

What STATUS tells: RFC 5819, RFC 8438, RFC 8474, RFC 9208.
"""

from pillarbox.model.email import Flag, Wanted
from pillarbox.model.mailbox import DELIMITER, Mailbox
from pillarbox.model.search import HasFlag
from pillarbox.servers.imap import objects
from pillarbox.servers.imap.commands.select import find_selectable
from pillarbox.servers.imap.listing import list_rows, lsub_rows
from pillarbox.servers.imap.state import Client
from pillarbox.wire.imap import responses
from pillarbox.wire.imap.commands.list import List, Lsub
from pillarbox.wire.imap.commands.status import Status
from pillarbox.wire.imap.list_pattern import ListPattern, join_reference
from pillarbox.wire.imap.nouns import ListReturn, ListSelect, StatusItem


async def list_(client: Client, command: List) -> None:
    if command.patterns == ("",) and not command.extended:
        client.untagged(responses.list_row("", ["\\Noselect"], DELIMITER, client.utf8))
        client.ok(command.tag, "That is the hierarchy delimiter.")
        return
    patterns = [ListPattern(join_reference(command.reference, text)) for text in command.patterns if text]
    mailboxes = await client.store.mailboxes(client.account)
    subscribed: frozenset[str] = frozenset()
    if ListSelect.SUBSCRIBED in command.select or ListReturn.SUBSCRIBED in command.returns:
        subscribed = frozenset(await client.store.subscriptions(client.account))
    lines = []
    for row in list_rows(patterns, command.select, command.returns, mailboxes, subscribed):
        lines.append(responses.list_row(row.name, row.attributes, DELIMITER, client.utf8, row.childinfo))
        if command.status and row.mailbox is not None and row.mailbox.selectable:
            lines.append(await _status_row(client, row.name, row.mailbox, command.status))
    client.untagged(b"".join(lines))
    client.ok(command.tag, "That is all.")


async def lsub(client: Client, command: Lsub) -> None:
    pattern = ListPattern(join_reference(command.reference, command.pattern))
    mailboxes = await client.store.mailboxes(client.account)
    rows = lsub_rows(pattern, mailboxes, await client.store.subscriptions(client.account))
    client.untagged(
        b"".join([responses.list_row(row.name, row.attributes, DELIMITER, client.utf8, verb=b"LSUB") for row in rows])
    )
    client.ok(command.tag, "That is all.")


async def status(client: Client, command: Status) -> None:
    mailbox = await find_selectable(client, command.mailbox)
    client.untagged(await _status_row(client, command.mailbox, mailbox, command.items))
    client.ok(command.tag, "That is how it is.")


async def _status_row(client: Client, name: str, mailbox: Mailbox, items: tuple[StatusItem, ...]) -> bytes:
    if StatusItem.HIGHESTMODSEQ in items:
        client.enable_condstore()
    reclaimable = 0
    if StatusItem.DELETED_STORAGE in items and mailbox.deleted:
        reclaimable = await _deleted_octets(client, mailbox)
    limit = client.services.settings.message_size
    values: dict[StatusItem, int | bytes] = {
        StatusItem.MESSAGES: mailbox.exists,
        StatusItem.RECENT: 0,
        StatusItem.UIDNEXT: mailbox.uid_next,
        StatusItem.UIDVALIDITY: mailbox.uid_validity,
        StatusItem.UNSEEN: mailbox.unseen,
        StatusItem.DELETED: mailbox.deleted,
        StatusItem.SIZE: mailbox.size,
        StatusItem.HIGHESTMODSEQ: mailbox.modseq,
        StatusItem.APPENDLIMIT: limit,
        StatusItem.MAILBOXID: objects.mailbox_id(mailbox.id),
        StatusItem.DELETED_STORAGE: reclaimable,
    }
    return responses.status(name, [(item, values[item]) for item in items], client.utf8)


async def _deleted_octets(client: Client, mailbox: Mailbox) -> int:
    """How much an EXPUNGE would free, octets (RFC 9208 section 4.1.4)."""
    uids = await client.store.search(mailbox.id, HasFlag(Flag.DELETED))
    if not uids:
        return 0
    pages = client.store.fetch(mailbox.id, uids, Wanted.SIZE)
    return sum([message.size async for page in pages for message in page])
