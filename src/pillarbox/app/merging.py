"""Mail of a database that was put aside, merged into the one in place; and opening copies.

`merge_back` is to be run after `swapping.install` said that a merge is due. It may run beside the server, is
interrupted and repeated without harm, and ends by forgetting the dial tone (its files stay until they are discarded).
With `kept`, a name of `swapping.kept_of`, mail of that database is merged that lies nowhere in the present one: after a
restore to an earlier moment, what came since.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pillarbox.app.build import Parts
from pillarbox.app.recovery.items import RECOVERED
from pillarbox.app.swapping import dial_tone_of, end_dial_tone, kept_of, kept_place
from pillarbox.base.clock import SystemClock
from pillarbox.base.failure import FailureKind
from pillarbox.database.engine import Engine
from pillarbox.database.mailbox.schema import MailboxSchema
from pillarbox.database.mailbox.store import MailboxStore
from pillarbox.database.readonly import ReadOnlyDatabase
from pillarbox.model.failure import Failure
from pillarbox.model.store import MailStore
from pillarbox.recovery.merge import EVERYTHING, NOTHING_YET, Merged, Progress, Selection, merge


@contextmanager
def open_copy(file: Path) -> Iterator[MailStore]:
    """The mail in a database file that was brought back to a moment, to be read under a running event loop.

    Nothing plays it further, whatever log lies beside it. Raises Failure NOT_FOUND, CORRUPT, WRONG_VERSION.
    """
    database = ReadOnlyDatabase(file, MailboxSchema())
    store = MailboxStore(database, SystemClock(), file.parent / "locks")
    try:
        yield store
    finally:
        store.close()
        database.close()


async def count_to_merge(parts: Parts, name: str, kept: str = "") -> int:
    """How many messages `merge_back` will look at. Raises NOT_FOUND where nothing is to be merged."""
    with _kept_store(parts, name, kept) as source:
        boxes = [box for person in await parts.directory.people() for box in await source.mailboxes(person.account)]
        return sum(box.exists for box in boxes)


async def merge_back(parts: Parts, name: str, progress: Progress, kept: str = "") -> Merged:
    """Merges mail of everybody in a database. Raises NOT_FOUND where nothing is to be merged."""
    target = parts.store(name)
    total = NOTHING_YET
    selection = Selection(missing=True, apart_from=RECOVERED) if kept else EVERYTHING
    with _kept_store(parts, name, kept) as source:
        for person in await parts.directory.people():
            if person.database == name and await source.mailboxes(person.account):
                await target.open_account(person.account, person.octet_limit, person.message_limit)
                total = total.plus(await merge(source, target, person.account, progress, selection=selection))
                await asyncio.sleep(0)
    if not kept:
        end_dial_tone(parts.site, name)
    return total


@contextmanager
def _kept_store(parts: Parts, name: str, kept: str) -> Iterator[MailStore]:
    if kept:
        known = kept_of(parts.site, name)
        if kept not in known:
            there = f"there is {', '.join(known)}" if known else "nothing is"
            raise Failure(FailureKind.NOT_FOUND, f"{kept} is not kept aside; {there}")
        with open_copy(kept_place(parts.site, name, kept).file) as store:
            yield store
        return
    state = dial_tone_of(parts.site, name)
    if state is None or not state.merge:
        raise Failure(FailureKind.NOT_FOUND, f"there is no dial-tone mail to be merged into {name}")
    place = kept_place(parts.site, name, state.merge)
    # Not read only: a process that died may have left records in the log that the file does not contain yet.
    engine = Engine.open(place, MailboxSchema())
    store = MailboxStore(engine, parts.clock, place.data / "locks")

    try:
        yield store
    finally:
        store.close()
        engine.close()
