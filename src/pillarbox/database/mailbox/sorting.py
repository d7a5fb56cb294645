"""SORT and THREAD: one scan of prepared columns, page by page, then sorted or put together in memory.

As in a search, what comes or goes meanwhile may or may not be there. What takes long is done in a thread of its own.
References are those that were prepared: where References does not name what In-Reply-To does, that counts as the last
one (RFC 5256 would leave it out).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial

from pillarbox.database.mailbox import forest, reading, searching
from pillarbox.database.mailbox.criteria import condition
from pillarbox.database.mailbox.placing import owner
from pillarbox.mime import sortname
from pillarbox.mime.casemap import casemap
from pillarbox.model.ids import MailboxId, Uid
from pillarbox.model.logged import LoggedDatabase, Row
from pillarbox.model.search import Criterion, Forest, SortField, SortKey, Threading

_PAGE = 2000
_CHOSEN_PAGE = 500
_FEW = 5000  # letters that are put together at once, without a thread
_SENT = "COALESCE(c.sent_at, p.received_at) / 1000000"
_COLUMNS: dict[SortField, str] = {
    SortField.ARRIVED: "p.received_at / 1000000",
    SortField.CC: "c.envelope",
    SortField.FROM: "c.envelope",
    SortField.RECIPIENT: "c.envelope",
    SortField.SENDER: "c.envelope",
    SortField.SENT: _SENT,
    SortField.SIZE: "p.size",
    SortField.SUBJECT: "c.base_subject",
    SortField.TO: "c.envelope",
}
_KEYS: dict[SortField, Callable[..., str]] = {
    SortField.CC: partial(sortname.mailbox_key, field=sortname.CC),
    SortField.FROM: partial(sortname.mailbox_key, field=sortname.FROM),
    SortField.RECIPIENT: partial(sortname.display_key, field=sortname.TO),
    SortField.SENDER: partial(sortname.display_key, field=sortname.FROM),
    SortField.SUBJECT: casemap,
    SortField.TO: partial(sortname.mailbox_key, field=sortname.TO),
}
_LETTER = f", p.received_at / 1000000, {_SENT}, c.base_subject, c.subject, c.message_id, c.refs"


async def sort(
    database: LoggedDatabase, mailbox: MailboxId, criterion: Criterion, order: Sequence[SortKey]
) -> list[Uid]:
    """The messages that match, in order. Raises Failure NOT_FOUND or CORRUPT."""
    columns = "".join([f", {_COLUMNS[key.field]}" for key in order])
    uids: list[Uid] = []
    keys: list[list[int | str]] = [[] for _ in order]
    async for rows in _scan(database, mailbox, criterion, columns):
        page, *values = zip(*rows, strict=True) if rows else ((), *(() for _ in order))
        uids += page
        for key, held, column in zip(order, keys, values, strict=True):
            make = _KEYS.get(key.field)
            held += column if make is None else map(make, column)
    places = list(range(len(uids)))
    for key, held in zip(reversed(order), reversed(keys), strict=True):
        # Stable, in reverse too: what is equal stays in the order of the keys that count less.
        places.sort(key=held.__getitem__, reverse=key.reverse)
    return [uids[place] for place in places]


async def threads(database: LoggedDatabase, mailbox: MailboxId, criterion: Criterion, threading: Threading) -> Forest:
    """The messages that match, in threads. Raises Failure NOT_FOUND or CORRUPT."""
    letters: list[forest.Letter] = []
    async for rows in _scan(database, mailbox, criterion, _LETTER):
        letters += [
            forest.Letter(uid, received, sent, casemap(base), subject, message_id, references)
            for uid, received, sent, base, subject, message_id, references in rows
        ]
    if len(letters) <= _FEW:
        return forest.threads(letters, threading)
    return await asyncio.to_thread(forest.threads, letters, threading)


async def _scan(
    database: LoggedDatabase, mailbox: MailboxId, criterion: Criterion, columns: str
) -> AsyncIterator[list[Row]]:
    """Pages of (uid, columns …) of the messages that match, by uid."""
    join = " JOIN content c ON c.id = p.content_id"
    exact = condition(criterion)
    select = f"SELECT p.uid{columns} FROM placement p{join} WHERE p.mailbox_id = ? AND "
    if exact is None:
        uids = await searching.find(database, mailbox, criterion)
        for at in range(0, len(uids), _CHOSEN_PAGE):
            await asyncio.sleep(0)
            with database.read() as cursor:
                rows = list(reading.page(cursor, select, mailbox, uids[at : at + _CHOSEN_PAGE], "p.uid"))
            yield rows
        return
    if "c." not in columns + exact.sql:
        select = select.replace(join, "")
    select += f"p.uid > ? AND ({exact.sql}) ORDER BY p.uid LIMIT {_PAGE}"
    after = 0
    while True:
        with database.read() as cursor:
            if not after:
                owner(cursor, mailbox)
            rows = list(cursor.execute(select, (mailbox, after, *exact.params)))
        yield rows
        if len(rows) < _PAGE:
            return
        after = rows[-1][0]
        await asyncio.sleep(0)
