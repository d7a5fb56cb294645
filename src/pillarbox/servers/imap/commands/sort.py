"""SORT and THREAD, with UID and without (RFC 5256), and SORT's result options (RFC 5267): see `results`.

What the client has not been told of yet is left out, as in a search.
"""

from pillarbox.model import search as model
from pillarbox.model.failure import Failure
from pillarbox.servers.imap import contexts, results
from pillarbox.servers.imap.context import Context
from pillarbox.servers.imap.criteria import criterion
from pillarbox.servers.imap.progress import telling_progress
from pillarbox.servers.imap.state import Client
from pillarbox.servers.imap.sync import sync_if_stale
from pillarbox.wire.imap import codes, responses
from pillarbox.wire.imap.commands.sort import Sort
from pillarbox.wire.imap.commands.thread import Thread
from pillarbox.wire.imap.nouns import SearchReturn, SortField, SortKey, ThreadAlgorithm
from pillarbox.wire.imap.responses import Correlator

_FIELDS: dict[SortField, model.SortField] = {
    SortField.ARRIVAL: model.SortField.ARRIVED,
    SortField.CC: model.SortField.CC,
    SortField.DATE: model.SortField.SENT,
    SortField.FROM: model.SortField.FROM,
    SortField.SIZE: model.SortField.SIZE,
    SortField.SUBJECT: model.SortField.SUBJECT,
    SortField.TO: model.SortField.TO,
    SortField.DISPLAYFROM: model.SortField.SENDER,
    SortField.DISPLAYTO: model.SortField.RECIPIENT,
}
_THREADINGS: dict[ThreadAlgorithm, model.Threading] = {
    ThreadAlgorithm.ORDEREDSUBJECT: model.Threading.SUBJECT,
    ThreadAlgorithm.REFERENCES: model.Threading.REFERENCES,
    ThreadAlgorithm.REFS: model.Threading.LATEST,
}


async def sort(client: Client, command: Sort) -> None:
    selected = client.mailbox
    returns = command.returns
    await sync_if_stale(client, expunges=command.uid)
    view = selected.view
    order = _order(command.order)
    save = returns is not None and SearchReturn.SAVE in returns.options
    try:
        with telling_progress(client, command.tag):
            wanted = criterion(command.key, view, client.services.clock.now())
            found = await client.store.sort(selected.id, wanted, order)
    except Failure:
        if save:
            view.save(())
        raise
    uids, numbers = results.known_in_order(view, found)
    about = results.meant(returns, uids)
    modseq = await results.highest_modseq(client, selected.id, command.key, about)
    if save:
        view.save(sorted(about))
    numbers = uids if command.uid else numbers
    if returns is None:
        client.untagged(responses.sort(numbers, modseq))
    else:
        answer = results.result(returns, numbers, modseq)
        if answer is not None:
            client.untagged(responses.esearch(Correlator(command.tag), command.uid, answer))
        if SearchReturn.UPDATE in returns.options:
            contexts.begin(client, Context(command.tag, command.uid, command.key, order, list(uids)))
    await sync_if_stale(client, expunges=command.uid)
    client.ok(command.tag, "Sorted.", codes.EXPUNGEISSUED if selected.withheld else b"")


def _order(keys: tuple[SortKey, ...]) -> tuple[model.SortKey, ...]:
    """The same order in the words of the model. RELEVANCY is the same for all that matches, and decides nothing."""
    return tuple([model.SortKey(_FIELDS[key.field], key.reverse) for key in keys if key.field in _FIELDS])


async def thread(client: Client, command: Thread) -> None:
    selected = client.mailbox
    await sync_if_stale(client, expunges=command.uid)
    view = selected.view
    with telling_progress(client, command.tag):
        wanted = criterion(command.key, view, client.services.clock.now())
        told = model.AllOf((wanted, model.Uids(((1, view.last_uid),))))
        uids, depths = await client.store.threads(selected.id, told, _THREADINGS[command.algorithm])
    if command.uid:
        numbers = uids
    else:
        places = dict(zip(view.uids, range(1, len(view) + 1), strict=True))
        numbers = [places.get(uid, 0) for uid in uids]
    client.untagged(responses.thread(numbers, depths))
    await sync_if_stale(client, expunges=command.uid)
    client.ok(command.tag, "Threaded.", codes.EXPUNGEISSUED if selected.withheld else b"")
