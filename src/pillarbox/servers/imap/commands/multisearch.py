"""ESEARCH: one search in several mailboxes (RFC 7377), each answered by itself and in UIDs, those without a match not
at all. Names that do not exist, or cannot be opened, are passed over."""

from collections.abc import Sequence

from pillarbox.model.failure import Failure
from pillarbox.model.mailbox import DELIMITER, Mailbox, Role
from pillarbox.servers.imap import results
from pillarbox.servers.imap.criteria import criterion
from pillarbox.servers.imap.progress import telling_progress
from pillarbox.servers.imap.state import Client, Refusal
from pillarbox.servers.imap.sync import sync_if_stale
from pillarbox.wire.imap import responses, search_keys
from pillarbox.wire.imap.commands.esearch import Esearch, Source
from pillarbox.wire.imap.commands.search import Returns
from pillarbox.wire.imap.nouns import MailboxFilter, SearchReturn
from pillarbox.wire.imap.responses import Correlator, Status
from pillarbox.wire.imap.search_keys import SearchKey, every_key
from pillarbox.wire.imap.view import View

_ALL = Returns(frozenset({SearchReturn.ALL}))


async def esearch(client: Client, command: Esearch) -> None:
    only_selected = all(source.filter is MailboxFilter.SELECTED for source in command.sources)
    returns = command.returns or _ALL
    if any(source.filter is MailboxFilter.SELECTED for source in command.sources) and client.selected is None:
        raise Refusal("No mailbox is selected.", status=Status.BAD)
    if not only_selected and SearchReturn.SAVE in returns.options:
        raise Refusal("Only results in the selected mailbox can be saved.", status=Status.BAD)
    if not only_selected and any(_is_by_number(key) for key in every_key(command.key)):
        raise Refusal("Sequence numbers are those of the selected mailbox alone.", status=Status.BAD)
    await sync_if_stale(client)
    with telling_progress(client, command.tag):
        for mailbox in await _mailboxes(client, command.sources):
            await _search(client, command, returns, mailbox)
    client.ok(command.tag, "Searched.")


def _is_by_number(key: SearchKey) -> bool:
    return isinstance(key, search_keys.Sequence) or (isinstance(key, search_keys.Uid) and key.messages.saved)


async def _search(client: Client, command: Esearch, returns: Returns, mailbox: Mailbox) -> None:
    """Searches one mailbox. One that vanishes meanwhile has no messages."""
    selected = client.selected
    here = selected is not None and selected.id == mailbox.id
    view = selected.view if selected is not None and here else _view_of(mailbox)
    try:
        wanted = criterion(command.key, view, client.services.clock.now())
        found: Sequence[int] = await client.store.search(mailbox.id, wanted)
        if here:
            found, _ = results.known(view, found)
        about = results.meant(returns, found)
        modseq = await results.highest_modseq(client, mailbox.id, command.key, about)
    except Failure:
        if here:
            if SearchReturn.SAVE in returns.options:
                view.save(())
            raise
        return
    if here and SearchReturn.SAVE in returns.options:
        view.save(about)
    answer = results.result(returns, found, modseq) if found else None
    if answer is not None:
        source = Correlator(command.tag, mailbox.path, mailbox.uid_validity)
        client.untagged(responses.esearch(source, True, answer, client.utf8))
    await client.connection.drain()


def _view_of(mailbox: Mailbox) -> View:
    """A picture that knows "*" (or nearly, if the last message is gone) and needs to know no more."""
    return View([mailbox.uid_next - 1] if mailbox.uid_next > 1 else [])


async def _mailboxes(client: Client, sources: Sequence[Source]) -> list[Mailbox]:
    """The mailboxes meant, each once, in the order of their names."""
    everything = [mailbox for mailbox in await client.store.mailboxes(client.account) if mailbox.selectable]
    subscribed = frozenset(await client.store.subscriptions(client.account))
    here = client.selected.id if client.selected is not None else None
    return [
        mailbox
        for mailbox in everything
        if any(_is_meant(mailbox, source, here, mailbox.path in subscribed) for source in sources)
    ]


def _is_meant(mailbox: Mailbox, source: Source, here: int | None, subscribed: bool) -> bool:
    """filter-mailboxes (RFC 5465 section 6)"""
    path = mailbox.path
    match source.filter:
        case MailboxFilter.SELECTED:
            return mailbox.id == here
        case MailboxFilter.INBOXES:
            return mailbox.role is Role.INBOX
        case MailboxFilter.PERSONAL:
            return True
        case MailboxFilter.SUBSCRIBED:
            return subscribed
        case MailboxFilter.MAILBOXES:
            return path in source.names
        case MailboxFilter.SUBTREE:
            return any(path == name or path.startswith(name + DELIMITER) for name in source.names)
        case MailboxFilter.SUBTREE_ONE:
            return path in source.names or path.rpartition(DELIMITER)[0] in source.names
