"""SEARCH and UID SEARCH (RFC 9051 section 6.4.4, RFC 4731, RFC 5182).

The store answers in uids; what the client has not been told of yet is left out. Once IMAP4rev2 is enabled the
answer is always an ESEARCH response.
"""

from pillarbox.model.failure import Failure
from pillarbox.servers.imap.criteria import criterion
from pillarbox.servers.imap.state import Client
from pillarbox.servers.imap.sync import sync_if_stale
from pillarbox.wire.imap import codes, responses
from pillarbox.wire.imap.commands.search import Search
from pillarbox.wire.imap.nouns import SearchReturn

_SPOKEN = frozenset({SearchReturn.MIN, SearchReturn.MAX, SearchReturn.ALL, SearchReturn.COUNT})


async def search(client: Client, command: Search) -> None:
    selected = client.mailbox
    await sync_if_stale(client, expunges=command.uid)
    view = selected.view
    save = command.returns is not None and SearchReturn.SAVE in command.returns
    try:
        found = await client.store.search(selected.id, criterion(command.key, view, client.services.clock.now()))
    except Failure:
        if save:
            view.save(())
        raise
    numbers = view.sequences(found)
    known = view.uids
    uids: list[int] = list(found) if len(numbers) == len(found) else [known[number - 1] for number in numbers]
    if save:
        view.save(_saved(uids, command.returns or frozenset()))
    _answer(client, command, uids if command.uid else numbers)
    await sync_if_stale(client, expunges=command.uid)
    client.ok(command.tag, "Searched.", codes.EXPUNGEISSUED if selected.withheld else b"")


def _saved(uids: list[int], returns: frozenset[SearchReturn]) -> list[int]:
    """With MIN or MAX and nothing that names all, only those are saved (RFC 5182 section 2.4)."""
    if not uids or not returns & {SearchReturn.MIN, SearchReturn.MAX} or returns & {
        SearchReturn.ALL, SearchReturn.COUNT
    }:  # fmt: skip
        return uids
    ends = {uids[0]} if SearchReturn.MIN in returns else set()
    if SearchReturn.MAX in returns:
        ends.add(uids[-1])
    return sorted(ends)


def _answer(client: Client, command: Search, numbers: list[int]) -> None:
    returns = command.returns
    if returns is None:
        if not client.session.rev2:
            client.untagged(responses.search(numbers))
            return
        returns = frozenset({SearchReturn.ALL})
    if not returns & _SPOKEN:
        return
    client.untagged(
        responses.esearch(
            command.tag,
            command.uid,
            low=numbers[0] if numbers and SearchReturn.MIN in returns else None,
            high=numbers[-1] if numbers and SearchReturn.MAX in returns else None,
            all_=numbers if SearchReturn.ALL in returns else None,
            count=len(numbers) if SearchReturn.COUNT in returns else None,
        )
    )
