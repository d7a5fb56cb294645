"""SEARCH and UID SEARCH (RFC 9051 section 6.4.4) with their result options (`results`).

The store answers in uids; what the client has not been told of yet is left out. Once IMAP4rev2 is enabled the
answer is always an ESEARCH response.
"""

from pillarbox.model.failure import Failure
from pillarbox.servers.imap import contexts, results
from pillarbox.servers.imap.context import Context
from pillarbox.servers.imap.criteria import criterion
from pillarbox.servers.imap.progress import telling_progress
from pillarbox.servers.imap.state import Client
from pillarbox.servers.imap.sync import sync_if_stale
from pillarbox.wire.imap import codes, responses
from pillarbox.wire.imap.commands.search import Returns, Search
from pillarbox.wire.imap.nouns import SearchReturn
from pillarbox.wire.imap.responses import Correlator

_ALL = Returns(frozenset({SearchReturn.ALL}))


async def search(client: Client, command: Search) -> None:
    selected = client.mailbox
    returns = command.returns
    await sync_if_stale(client, expunges=command.uid)
    view = selected.view
    save = returns is not None and SearchReturn.SAVE in returns.options
    try:
        with telling_progress(client, command.tag):
            wanted = criterion(command.key, view, client.services.clock.now())
            found = await client.store.search(selected.id, wanted)
    except Failure:
        if save:
            view.save(())
        raise
    uids, numbers = results.known(view, found)
    about = results.meant(returns, uids)
    modseq = await results.highest_modseq(client, selected.id, command.key, about)
    if save:
        view.save(about)
    numbers = uids if command.uid else numbers
    if returns is None and not client.session.rev2:
        client.untagged(responses.search(numbers, modseq))
    else:
        answer = results.result(returns or _ALL, numbers, modseq)
        if answer is not None:
            client.untagged(responses.esearch(Correlator(command.tag), command.uid, answer))
    if returns is not None and SearchReturn.UPDATE in returns.options:
        contexts.begin(client, Context(command.tag, command.uid, command.key, None, list(uids)))
    await sync_if_stale(client, expunges=command.uid)
    client.ok(command.tag, "Searched.", codes.EXPUNGEISSUED if selected.withheld else b"")
