"""The mail store over a logged database: implements `pillarbox.model.store.MailStore`.

Each method is a read, or one write; what may be much (flags, moving, removing) is several writes of a slice each,
so that deliveries are never held up for long: each message is changed or not, never half. `copy` and `append` are
one write each. To be used on one event loop.

What this process commits wakes its own watchers and goes to `outgoing`; what other processes tell comes by `inject`.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from pathlib import Path

from pillarbox.base.clock import MICROSECONDS, Clock
from pillarbox.database.mailbox import (
    accounts,
    changes,
    copying,
    deleted,
    flags,
    locks,
    mailboxes,
    quota,
    reading,
    removal,
    removing,
    searching,
    sorting,
)
from pillarbox.database.mailbox import delivery as incoming
from pillarbox.database.mailbox.contents import Packer
from pillarbox.database.mailbox.placing import owner, same_owner
from pillarbox.database.mailbox.remembered import Remembered
from pillarbox.database.mailbox.sql import SLICE, slices
from pillarbox.database.mailbox.watching import Watchers
from pillarbox.model.change import Change, MailboxChanges
from pillarbox.model.content import Body, Content
from pillarbox.model.email import Flag, FlagChange, Message, Wanted
from pillarbox.model.failure import Failure
from pillarbox.model.ids import AccountId, EmailId, MailboxId, ModSeq, Uid
from pillarbox.model.logged import Commit, LoggedDatabase
from pillarbox.model.mailbox import Mailbox, Role, Usage
from pillarbox.model.search import Criterion, Forest, SortKey, Threading
from pillarbox.model.store import Copied, DeletedItem, Fingerprint, Flagged, Placed, Upload
from pillarbox.model.transaction import Delivery

_UNFINISHED_FOR = 3600 * MICROSECONDS

Outgoing = Callable[[Sequence[Change]], None]


class MailboxStore:
    """The mail store of one mailbox database."""

    def __init__(
        self, database: LoggedDatabase, clock: Clock, lock_directory: Path, outgoing: Outgoing | None = None
    ) -> None:
        """To be made on the event loop.

        `lock_directory` is one of this database alone on the data volume, the same for all processes. `outgoing` is
        called on the loop with the changes of each commit of this process.
        """
        self._database = database
        self._clock = clock
        self._lock_directory = lock_directory
        self._outgoing = outgoing
        self._packer = Packer()
        self._watchers = Watchers()
        self._sorted: Remembered[list[Uid]] = Remembered(database)
        self._forests: Remembered[Forest] = Remembered(database)
        self._unsubscribe = database.subscribe(self._committed)

    def close(self) -> None:
        """Stops listening to the database, which stays open."""
        self._unsubscribe()

    def wake_all(self) -> None:
        """Wakes every watcher: this store is closed and another one has taken its place."""
        self._watchers.wake_all()

    def _committed(self, commit: Commit) -> None:
        made = [change for change in commit.changes if isinstance(change, Change)]
        self._watchers.tell(made)
        if self._outgoing is not None:
            self._outgoing(made)

    def inject(self, made: Sequence[Change]) -> None:
        """Wakes watchers for what another process changed."""
        self._watchers.tell(made)

    # Mailboxes

    async def open_account(self, account: AccountId, octet_limit: int, message_limit: int) -> None:
        now = self._clock.now()
        with self._database.read() as cursor:
            held = quota.limits(cursor, account)
        if held != (octet_limit, message_limit):
            await self._database.write(
                lambda cursor: accounts.open_account(cursor, account, octet_limit, message_limit, now)
            )

    async def mailboxes(self, account: AccountId) -> list[Mailbox]:
        with self._database.read() as cursor:
            return mailboxes.mailboxes(cursor, account)

    async def mailbox(self, account: AccountId, path: str) -> Mailbox:
        with self._database.read() as cursor:
            return mailboxes.mailbox(cursor, account, path)

    async def create_mailbox(self, account: AccountId, path: str, role: Role | None = None) -> Mailbox:
        now = self._clock.now()
        return await self._database.write(lambda cursor: mailboxes.create(cursor, account, path, role, now))

    async def rename_mailbox(self, account: AccountId, path: str, new_path: str) -> None:
        now = self._clock.now()
        inbox = await self._database.write(lambda cursor: mailboxes.rename(cursor, account, path, new_path, now))
        if inbox is not None:
            source, target = inbox
            uids, _ = await self.uids(source)
            await self.move(source, uids, target)

    async def delete_mailbox(self, account: AccountId, path: str) -> None:
        now = self._clock.now()
        await self._database.write(lambda cursor: mailboxes.delete(cursor, account, path, now))
        await self._clear_away(account)

    async def subscribe(self, account: AccountId, path: str, subscribed: bool) -> None:
        await self._database.write(lambda cursor: mailboxes.subscribe(cursor, account, path, subscribed))

    async def subscriptions(self, account: AccountId) -> list[str]:
        with self._database.read() as cursor:
            return mailboxes.subscriptions(cursor, account)

    async def usage(self, account: AccountId) -> Usage:
        with self._database.read() as cursor:
            return quota.usage(cursor, account)

    async def delete_account(self, account: AccountId) -> None:
        await self._database.write(lambda cursor: accounts.delete_account(cursor, account))
        await self._clear_away(account)

    async def _clear_away(self, account: AccountId | None = None) -> None:
        """Finishes what was deleted: of one account, or whatever there is."""
        now = self._clock.now()
        with self._database.read() as cursor:
            gone_mailboxes = removal.pending_mailboxes(cursor, account)
            gone_accounts = removal.pending_accounts(cursor, account)
        for mailbox in gone_mailboxes:
            while await self._database.write(partial(removal.clear_mailbox, mailbox=mailbox, now=now)):
                pass
        for each in gone_accounts:
            while await self._database.write(partial(removal.clear_account, account=each)):
                pass

    # Messages

    async def uids(self, mailbox: MailboxId) -> tuple[list[Uid], MailboxChanges]:
        with self._database.read() as cursor:
            return changes.uids(cursor, mailbox)

    async def changes(self, mailbox: MailboxId, since: ModSeq) -> MailboxChanges:
        with self._database.read() as cursor:
            return changes.changes(cursor, mailbox, since)

    def fetch(self, mailbox: MailboxId, uids: Sequence[int], wanted: Wanted) -> AsyncIterator[list[Message]]:
        return reading.fetch(self._database, mailbox, uids, wanted)

    async def content(self, mailbox: MailboxId, uid: int) -> Content | None:
        return reading.content(self._database, mailbox, uid)

    def fingerprints(self, mailbox: MailboxId) -> AsyncIterator[list[Fingerprint]]:
        return reading.fingerprints(self._database, mailbox)

    async def append(
        self,
        mailbox: MailboxId,
        uploads: Sequence[Upload],
        *,
        beyond_quota: bool = False,
        replacing: tuple[MailboxId, int] | None = None,
    ) -> Placed:
        return await incoming.append(
            self._database, self._packer, self._clock, mailbox, uploads, beyond_quota, replacing
        )

    async def set_flags(self, mailbox: MailboxId, uids: Sequence[int], change: FlagChange) -> Flagged:
        self._check(mailbox)
        result = Flagged([], [])
        for some in slices(uids):
            part = await self._database.write(
                partial(flags.set_flags, mailbox=mailbox, uids=some, change=change), size=100 * len(some)
            )
            result.states.extend(part.states)
            result.modified.extend(part.modified)
        return result

    async def copy(self, mailbox: MailboxId, uids: Sequence[int], target: MailboxId) -> Copied:
        now = self._clock.now()
        return await self._database.write(
            lambda cursor: copying.copy(cursor, mailbox, uids, target, now), size=200 * len(uids)
        )

    async def move(self, mailbox: MailboxId, uids: Sequence[int], target: MailboxId) -> Copied:
        now = self._clock.now()
        with self._database.read() as cursor:
            _, validity = same_owner(cursor, mailbox, target)
        result = Copied(validity, [], [])
        for some in slices(uids):
            part = await self._database.write(
                partial(copying.move, mailbox=mailbox, uids=some, target=target, now=now), size=300 * len(some)
            )
            result.source.extend(part.source)
            result.target.extend(part.target)
        return result

    async def expunge(self, mailbox: MailboxId, uids: Sequence[int] | None) -> list[Uid]:
        with self._database.read() as cursor:
            flagged = removing.deleted_uids(cursor, mailbox)
        if uids is not None:
            chosen = set(uids)
            flagged = [uid for uid in flagged if uid in chosen]
        return await self._remove(mailbox, flagged, Flag.DELETED)

    async def remove(self, mailbox: MailboxId, uids: Sequence[int]) -> list[Uid]:
        self._check(mailbox)
        return await self._remove(mailbox, uids, Flag.NONE)

    async def _remove(self, mailbox: MailboxId, uids: Sequence[int], having: Flag) -> list[Uid]:
        now = self._clock.now()
        removed: list[Uid] = []
        for some in slices(uids):
            removed += await self._database.write(
                partial(removing.remove, mailbox=mailbox, uids=some, flags=int(having), now=now),
                size=200 * len(some),
            )
        return removed

    async def search(self, mailbox: MailboxId, criterion: Criterion) -> list[Uid]:
        return await searching.find(self._database, mailbox, criterion)

    async def sort(self, mailbox: MailboxId, criterion: Criterion, order: Sequence[SortKey]) -> list[Uid]:
        modseq = self._sorted.modseq(mailbox)
        found = self._sorted.get(mailbox, (criterion, tuple(order)), modseq)
        if found is None:
            found = await sorting.sort(self._database, mailbox, criterion, order)
            self._sorted.put(mailbox, (criterion, tuple(order)), modseq, len(found), found)
        return list(found)

    async def threads(self, mailbox: MailboxId, criterion: Criterion, threading: Threading) -> Forest:
        modseq = self._forests.modseq(mailbox)
        found = self._forests.get(mailbox, (criterion, threading), modseq)
        if found is None:
            found = await sorting.threads(self._database, mailbox, criterion, threading)
            self._forests.put(mailbox, (criterion, threading), modseq, len(found.uids), found)
        return Forest(list(found.uids), list(found.depths))

    async def has_content(self, mailbox: MailboxId, bodies: Sequence[Body]) -> list[bool]:
        sought = [await incoming.sought_for(body) for body in bodies]
        with self._database.read() as cursor:
            return incoming.has_content(cursor, mailbox, sought)

    def _check(self, mailbox: MailboxId) -> None:
        """Raises Failure(NOT_FOUND) where the mailbox is not there."""
        with self._database.read() as cursor:
            owner(cursor, mailbox)

    # Deliveries

    async def deliver(self, delivery: Delivery) -> list[Failure | None]:
        return await incoming.deliver(self._database, self._packer, self._clock, delivery)

    # Deleted items

    async def deleted_items(self, account: AccountId) -> list[DeletedItem]:
        with self._database.read() as cursor:
            return deleted.deleted_items(cursor, account)

    async def restore_items(self, account: AccountId, emails: Sequence[EmailId], mailbox: str) -> int:
        now = self._clock.now()
        return await self._database.write(lambda cursor: deleted.restore(cursor, account, emails, mailbox, now))

    async def purge(self, deleted_before: int, limit: int) -> int:
        """Also finishes deletions that a crash interrupted, and removes contents that were never finished."""
        await self._clear_away()
        removed = 0
        while removed < limit:
            most = min(limit - removed, SLICE)
            count = await self._database.write(partial(deleted.purge, deleted_before=deleted_before, limit=most))
            removed += count
            if count < most:
                break
        begun_before = self._clock.now() - _UNFINISHED_FOR
        while await self._database.write(lambda cursor: removal.sweep(cursor, begun_before)):
            pass
        return removed

    # Watching and exclusive use

    def watch(self, account: AccountId, wake: Callable[[Change], None]) -> Callable[[], None]:
        return self._watchers.watch(account, wake)

    def acquire(self, account: AccountId) -> Callable[[], None]:
        return locks.acquire(self._lock_directory, account)
