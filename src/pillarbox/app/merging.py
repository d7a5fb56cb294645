"""The mail that came while a dial-tone database worked, merged into the restored one behind it; and opening copies.

`merge_back` is to be run after `swapping.install` said that a merge is due. It may run beside the server, is
interrupted and repeated without harm, and ends by forgetting the dial tone (its files stay until they are discarded).
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pillarbox.app.build import Parts
from pillarbox.app.swapping import dial_tone_of, end_dial_tone, kept_place
from pillarbox.base.clock import SystemClock
from pillarbox.base.failure import FailureKind
from pillarbox.database.engine import Engine
from pillarbox.database.mailbox.schema import MailboxSchema
from pillarbox.database.mailbox.store import MailboxStore
from pillarbox.database.readonly import ReadOnlyDatabase
from pillarbox.model.failure import Failure
from pillarbox.model.store import MailStore
from pillarbox.recovery.merge import NOTHING_YET, Merged, Progress, merge


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


async def count_to_merge(parts: Parts, name: str) -> int:
    """How many messages `merge_back` will deal with. Raises NOT_FOUND where nothing is to be merged."""
    with _kept_store(parts, name) as source:
        boxes = [box for person in await parts.directory.people() for box in await source.mailboxes(person.account)]
        return sum(box.exists for box in boxes)


async def merge_back(parts: Parts, name: str, progress: Progress) -> Merged:
    """Merges the dial-tone mail of everybody in a database. Raises NOT_FOUND where nothing is to be merged."""
    target = parts.store(name)
    total = NOTHING_YET
    with _kept_store(parts, name) as source:
        for person in await parts.directory.people():
            if person.database == name and await source.mailboxes(person.account):
                await target.open_account(person.account, person.octet_limit, person.message_limit)
                total = total.plus(await merge(source, target, person.account, progress))
                await asyncio.sleep(0)
    end_dial_tone(parts.site, name)
    return total


@contextmanager
def _kept_store(parts: Parts, name: str) -> Iterator[MailStore]:
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
