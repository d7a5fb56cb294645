"""A mail store in plain lists and dictionaries: the model the real one is held against, and a fake for servers.

Slow and obviously right. Implements `pillarbox.model.store.MailStore`; nothing survives the object. Every method
that changes something takes one modseq from the account and tells the watchers before it returns.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from hashlib import sha256

from pillarbox.base.clock import Clock, FixedClock
from pillarbox.base.failure import FailureKind
from pillarbox.database.mailbox import keywords, naming
from pillarbox.model.change import FlagsSince, MailboxChanges
from pillarbox.model.content import Body, Content
from pillarbox.model.email import Flag, FlagChange, FlagMode, FlagState, Message, Wanted
from pillarbox.model.failure import Failure
from pillarbox.model.ids import AccountId, EmailId, MailboxId, ModSeq, Uid
from pillarbox.model.search import Criterion, Forest, SortKey, Threading
from pillarbox.model.store import Copied, DeletedItem, Fingerprint, Flagged, Placed, Upload
from pillarbox.model.transaction import Delivery, Drop
from pillarbox.testing import memorythreads
from pillarbox.testing.memoryboxes import Account, Box, Email, MemoryBoxes, Placement
from pillarbox.testing.memorysearch import matches, thread_of

_PAGE = 100
_PIECE = 262_144


class MemoryContent:
    """The bytes of a message in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size(self) -> int:
        return len(self._data)

    def read(self, start: int, length: int) -> bytes:
        return self._data[start : start + length]

    def pieces(self, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        data = self._data[start : None if length is None else start + length]
        for at in range(0, len(data), _PIECE):
            yield data[at : at + _PIECE]


class MemoryStore(MemoryBoxes):
    """See the module; the mailboxes are in `MemoryBoxes`."""

    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__(clock or FixedClock())
        self._locked: set[AccountId] = set()

    async def uids(self, mailbox: MailboxId) -> tuple[list[Uid], MailboxChanges]:
        box = self._box(mailbox)
        nothing = MailboxChanges(ModSeq(box.modseq), [], [], len(box.placements), box.uid_next)
        return [Uid(uid) for uid in sorted(box.placements)], nothing

    async def changes(self, mailbox: MailboxId, since: ModSeq) -> MailboxChanges:
        box = self._boxes.get(mailbox)
        if box is None or not box.selectable:
            return MailboxChanges(since, [], [], 0, 0, mailbox_gone=True)
        changed = [
            FlagsSince(*state(placement)) for _, placement in sorted(box.placements.items()) if placement.modseq > since
        ]
        gone = [Uid(uid) for uid, modseq in sorted(box.gone.items()) if modseq > since]
        return MailboxChanges(
            ModSeq(max(box.modseq, since)),
            gone,
            changed,
            len(box.placements),
            box.uid_next,
            forgotten=ModSeq(box.forgotten),
        )

    def forget_expunged(self, mailbox: MailboxId) -> None:
        """Loses all memory of which messages are gone, as a store may that keeps it for a while only."""
        box = self._box(mailbox)
        box.forgotten = box.modseq
        box.gone.clear()

    async def fetch(self, mailbox: MailboxId, uids: Sequence[int], wanted: Wanted) -> AsyncIterator[list[Message]]:
        for at in range(0, len(uids), _PAGE):
            box = self._boxes.get(mailbox)
            chosen = uids[at : at + _PAGE]
            found = [_message(box.placements[uid], wanted) for uid in chosen if uid in box.placements] if box else []
            if found:
                yield found

    async def content(self, mailbox: MailboxId, uid: int) -> Content | None:
        box = self._boxes.get(mailbox)
        placement = box.placements.get(uid) if box else None
        return _content(placement.email) if placement else None

    async def fingerprints(self, mailbox: MailboxId) -> AsyncIterator[list[Fingerprint]]:
        found = [_fingerprint(placement) for _, placement in sorted(self._box(mailbox).placements.items())]
        for at in range(0, len(found), _PAGE):
            yield found[at : at + _PAGE]

    async def append(
        self,
        mailbox: MailboxId,
        uploads: Sequence[Upload],
        *,
        beyond_quota: bool = False,
        replacing: tuple[MailboxId, int] | None = None,
    ) -> Placed:
        box = self._box(mailbox)
        account = self._accounts[box.account]
        old = None if replacing is None else self._box(replacing[0])
        if old is not None:
            self._same_account(old, box)
        gone = None if old is None or replacing is None else old.placements.get(replacing[1])
        if old is not None and gone is None:
            raise Failure(FailureKind.NOT_FOUND, "The message to be replaced is no longer there")
        if not beyond_quota:
            sizes = [len(upload.trace) + upload.body.size for upload in uploads]
            self._check_room(account, sizes, gone.email.size if gone else 0, 1 if gone else 0)
        if old is not None and gone is not None:
            self._remove(old, [gone.uid])
        uids = []
        modseq = account.next_modseq() if uploads else 0
        for upload in uploads:
            email = self._email(box.account, bytes(upload.body.data), upload.trace, upload.prepared, upload.received_at)
            email.flags = upload.flags & ~Flag.DELETED
            email.keywords = keywords.join(upload.keywords)
            placement = self._place(box, email, modseq)
            placement.deleted = bool(upload.flags & Flag.DELETED)
            uids.append(Uid(placement.uid))
        self._tell(box.account, {box.id} if uploads else set(), modseq)
        return Placed(box.uid_validity, uids)

    async def deliver(self, delivery: Delivery) -> list[Failure | None]:
        outcomes: list[Failure | None] = []
        for drop in delivery.drops:
            try:
                await self._drop(delivery, drop)
            except Failure as failure:
                outcomes.append(failure)
            else:
                outcomes.append(None)
        return outcomes

    async def _drop(self, delivery: Delivery, drop: Drop) -> None:
        await self.open_account(drop.account, drop.octet_limit, drop.message_limit)
        account = self._accounts[drop.account]
        if not drop.beyond_quota:
            self._check_room(account, [len(drop.trace) + delivery.body.size])
        path = naming.clean_or_inbox(drop.mailbox)
        box = account.boxes.get(path)
        if box is None or not box.selectable:
            box = account.boxes["INBOX"]
        email = self._email(
            drop.account, bytes(delivery.body.data), drop.trace, delivery.prepared, delivery.received_at
        )
        placement = self._place(box, email, account.next_modseq())
        self._tell(drop.account, {box.id}, placement.modseq)

    async def set_flags(self, mailbox: MailboxId, uids: Sequence[int], change: FlagChange) -> Flagged:
        box = self._box(mailbox)
        account = self._accounts[box.account]
        states: list[FlagState] = []
        modified: list[Uid] = []
        touched: set[MailboxId] = set()
        modseq = account.modseq + 1
        for uid in uids:
            placement = box.placements.get(uid)
            if placement is None:
                continue
            if change.unchanged_since is not None and placement.modseq > change.unchanged_since:
                modified.append(Uid(uid))
                continue
            before = placement.flags, placement.email.keywords
            _apply(placement, change)
            after = placement.flags, placement.email.keywords
            if after != before:
                touched |= self._touch(account, placement, _shared(after) != _shared(before), modseq)
            states.append(FlagState(*state(placement)))
        if touched:
            account.modseq = modseq
            self._tell(box.account, touched, modseq)
        return Flagged(states, modified)

    def _touch(self, account: Account, changed: Placement, shared: bool, modseq: int) -> set[MailboxId]:
        """Gives a placement, or all placements of its email, a new modseq; their mailboxes."""
        touched = set()
        for box in account.boxes.values():
            for placement in box.placements.values():
                if placement is changed or (shared and placement.email is changed.email):
                    placement.modseq = box.modseq = modseq
                    touched.add(box.id)
        return touched

    async def copy(self, mailbox: MailboxId, uids: Sequence[int], target: MailboxId) -> Copied:
        box, to = self._box(mailbox), self._box(target)
        self._same_account(box, to)
        found = [box.placements[uid] for uid in uids if uid in box.placements]
        account = self._accounts[box.account]
        self._check_room(account, [placement.email.size for placement in found])
        modseq = account.next_modseq() if found else 0
        placed = [self._place(to, self._for_mailbox(placement.email, to), modseq) for placement in found]
        self._tell(box.account, {to.id} if found else set(), modseq)
        return _copied(to, found, placed)

    async def move(self, mailbox: MailboxId, uids: Sequence[int], target: MailboxId) -> Copied:
        box, to = self._box(mailbox), self._box(target)
        self._same_account(box, to)
        return self._move(box, [uid for uid in uids if uid in box.placements], to)

    async def expunge(self, mailbox: MailboxId, uids: Sequence[int] | None) -> list[Uid]:
        box = self._box(mailbox)
        among = sorted(box.placements) if uids is None else uids
        return self._remove(box, [uid for uid in among if uid in box.placements and box.placements[uid].deleted])

    async def remove(self, mailbox: MailboxId, uids: Sequence[int]) -> list[Uid]:
        box = self._box(mailbox)
        return self._remove(box, [uid for uid in uids if uid in box.placements])

    def _remove(self, box: Box, uids: list[int]) -> list[Uid]:
        account = self._accounts[box.account]
        modseq = account.next_modseq() if uids else 0
        for uid in uids:
            self._discard(account, self._take_away(box, uid, modseq).email, box.path)
        self._tell(box.account, {box.id} if uids else set(), modseq)
        return [Uid(uid) for uid in uids]

    async def search(self, mailbox: MailboxId, criterion: Criterion) -> list[Uid]:
        box = self._box(mailbox)
        return [Uid(uid) for uid, placement in sorted(box.placements.items()) if matches(placement, criterion)]

    async def sort(self, mailbox: MailboxId, criterion: Criterion, order: Sequence[SortKey]) -> list[Uid]:
        found = [placement for placement in self._box(mailbox).placements.values() if matches(placement, criterion)]
        return memorythreads.sorted_uids(found, order)

    async def threads(self, mailbox: MailboxId, criterion: Criterion, threading: Threading) -> Forest:
        found = [placement for placement in self._box(mailbox).placements.values() if matches(placement, criterion)]
        return memorythreads.forest(found, threading)

    async def has_content(self, mailbox: MailboxId, bodies: Sequence[Body]) -> list[bool]:
        emails = [placement.email for placement in self._box(mailbox).placements.values()]
        held = {email.data for email in emails} | {email.trace + email.data for email in emails}
        return [bytes(body.data) in held for body in bodies]

    async def deleted_items(self, account: AccountId) -> list[DeletedItem]:
        held = self._accounts.get(account)
        items = [
            DeletedItem(
                EmailId(email.id),
                email.deleted_from,
                email.deleted_at,
                email.received_at,
                email.size,
                email.prepared.subject,
                email.prepared.from_,
            )
            for email in (held.deleted if held else [])
        ]
        return sorted(items, key=lambda item: (-item.deleted_at, -item.email))

    async def restore_items(self, account: AccountId, emails: Sequence[EmailId], mailbox: str) -> int:
        path = naming.clean(mailbox)
        held = self._account(account)
        chosen = sorted((email for email in held.deleted if email.id in set(emails)), key=lambda email: email.id)
        if not chosen:
            return 0
        self._check_room(held, [email.size for email in chosen])
        modseq = held.modseq + 1
        touched = set()
        if not self._selectable(held, path):
            self._make(held, path, None, modseq, account)
            touched.add(MailboxId(0))
        held.modseq = modseq
        box = held.boxes[path]
        for email in chosen:
            held.deleted.remove(email)
            self._place(box, email, modseq)
        self._tell(account, touched | {box.id}, modseq)
        return len(chosen)

    async def purge(self, deleted_before: int, limit: int) -> int:
        old = [
            (email.deleted_at, email.id, account, email)
            for account in self._accounts.values()
            for email in account.deleted
            if email.deleted_at < deleted_before
        ]
        old.sort(key=lambda entry: entry[:2])
        for _, _, account, email in old[:limit]:
            account.deleted.remove(email)
        return len(old[:limit])

    def acquire(self, account: AccountId) -> Callable[[], None]:
        if account in self._locked:
            raise Failure(FailureKind.IN_USE, "Another session holds this maildrop")
        self._locked.add(account)
        return lambda: self._locked.discard(account)


def state(placement: Placement) -> tuple[Uid, int, str, ModSeq]:
    """A placement's flags as they are told."""
    return Uid(placement.uid), placement.flags, placement.email.keywords, ModSeq(placement.modseq)


def _fingerprint(placement: Placement) -> Fingerprint:
    email = placement.email
    digest = sha256(email.data).digest()
    return Fingerprint(Uid(placement.uid), digest, email.received_at, placement.flags, email.keywords, email.size)


def _copied(to: Box, found: list[Placement], placed: list[Placement]) -> Copied:
    return Copied(to.uid_validity, [Uid(each.uid) for each in found], [Uid(each.uid) for each in placed])


def _shared(state: tuple[int, str]) -> tuple[int, str]:
    """What of a placement's flags and keywords is its email's."""
    return state[0] & ~Flag.DELETED, state[1]


def _apply(placement: Placement, change: FlagChange) -> None:
    """Sets the flags of a placement and its email."""
    email = placement.email
    if change.mode is FlagMode.ADD:
        flags = placement.flags | change.flags
    elif change.mode is FlagMode.REMOVE:
        flags = placement.flags & ~change.flags
    else:
        flags = change.flags
    placement.deleted = bool(flags & Flag.DELETED)
    email.flags = flags & ~Flag.DELETED
    email.keywords = keywords.change(email.keywords, change.mode, change.keywords)


def _content(email: Email) -> Content:
    return MemoryContent(email.trace + email.data)


def _message(placement: Placement, wanted: Wanted) -> Message:
    email, prepared = placement.email, placement.email.prepared
    beyond = bool(wanted & ~(Wanted.RECEIVED | Wanted.SIZE | Wanted.OBJECT | Wanted.SAVED))
    return Message(
        Uid(placement.uid),
        EmailId(email.id),
        placement.flags,
        email.keywords,
        ModSeq(placement.modseq),
        received_at=email.received_at if wanted & Wanted.RECEIVED else 0,
        size=email.size if wanted & Wanted.SIZE else 0,
        trace_size=len(email.trace) if beyond else 0,
        header_size=len(email.trace) + prepared.header_size if beyond else 0,
        envelope=prepared.envelope if wanted & Wanted.ENVELOPE else b"",
        body=prepared.body if wanted & Wanted.BODY else b"",
        bodystructure=prepared.bodystructure if wanted & Wanted.BODYSTRUCTURE else b"",
        fields=prepared.fields if wanted & Wanted.FIELDS else b"",
        preview=prepared.preview if wanted & Wanted.PREVIEW else "",
        saved_at=placement.saved_at if wanted & Wanted.SAVED else 0,
        object_id=f"e{email.origin}" if wanted & Wanted.OBJECT else "",
        thread=thread_of(email) if wanted & Wanted.OBJECT else 0,
        content=_content(email) if wanted & Wanted.CONTENT else None,
    )
