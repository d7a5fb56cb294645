"""The mailboxes of the store in memory: accounts, names, quotas and watchers. See `memorystore`."""

from collections.abc import Callable
from dataclasses import dataclass, field

from pillarbox.base.clock import Clock
from pillarbox.base.failure import FailureKind
from pillarbox.database.mailbox import naming
from pillarbox.mime.prepared import Prepared
from pillarbox.model.change import Change
from pillarbox.model.email import Flag
from pillarbox.model.failure import Failure
from pillarbox.model.ids import AccountId, MailboxId, ModSeq, Uid
from pillarbox.model.mailbox import FIRST_MAILBOXES, INBOX, Mailbox, Role, Usage
from pillarbox.model.store import Copied


@dataclass(eq=False, slots=True)
class Email:
    """One message with what all its placements share; deleted items know when and from where."""

    id: int
    account: AccountId
    data: bytes
    trace: bytes
    prepared: Prepared
    received_at: int
    flags: int = 0
    keywords: str = ""
    deleted_at: int = 0
    deleted_from: str = ""
    origin: int = 0  # the email it is a copy of, or itself

    @property
    def size(self) -> int:
        return len(self.trace) + len(self.data)


@dataclass(eq=False, slots=True)
class Placement:
    """An email in a mailbox."""

    uid: int
    email: Email
    modseq: int
    saved_at: int
    deleted: bool = False

    @property
    def flags(self) -> int:
        return self.email.flags | (Flag.DELETED if self.deleted else 0)


@dataclass(eq=False, slots=True)
class Box:
    """A mailbox."""

    id: MailboxId
    account: AccountId
    path: str
    role: Role | None
    selectable: bool
    uid_validity: int
    modseq: int
    uid_next: int = 1
    placements: dict[int, Placement] = field(default_factory=dict)
    gone: dict[int, int] = field(default_factory=dict)
    forgotten: int = 0


@dataclass(eq=False, slots=True)
class Account:
    """An account; `deleted` are its deleted items."""

    octet_limit: int
    message_limit: int
    modseq: int = 0
    boxes: dict[str, Box] = field(default_factory=dict)
    subscribed: set[str] = field(default_factory=set)
    deleted: list[Email] = field(default_factory=list)

    def next_modseq(self) -> int:
        self.modseq += 1
        return self.modseq

    def usage(self) -> Usage:
        sizes = [placement.email.size for box in self.boxes.values() for placement in box.placements.values()]
        return Usage(sum(sizes), len(sizes), self.octet_limit, self.message_limit)


class MemoryBoxes:
    """The part of the store that knows mailboxes but moves no messages."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._accounts: dict[AccountId, Account] = {}
        self._boxes: dict[MailboxId, Box] = {}
        self._watchers: list[tuple[AccountId, Callable[[Change], None]]] = []
        self._last_mailbox = 0
        self._last_validity = 0
        self._last_email = 0

    async def open_account(self, account: AccountId, octet_limit: int, message_limit: int) -> None:
        held = self._accounts.get(account)
        if held is not None:
            held.octet_limit, held.message_limit = octet_limit, message_limit
            return
        held = self._accounts[account] = Account(octet_limit, message_limit)
        modseq = held.next_modseq()
        for path, role in FIRST_MAILBOXES:
            self._new_box(account, held, path, role, True, modseq)
            held.subscribed.add(path)
        self._tell(account, {MailboxId(0)}, modseq)

    async def mailboxes(self, account: AccountId) -> list[Mailbox]:
        held = self._accounts.get(account)
        boxes = sorted(held.boxes.values(), key=lambda box: (box.path != INBOX, box.path)) if held else []
        return [self._view(box) for box in boxes]

    async def mailbox(self, account: AccountId, path: str) -> Mailbox:
        return self._view(self._named(account, path))

    async def create_mailbox(self, account: AccountId, path: str, role: Role | None = None) -> Mailbox:
        path = naming.clean(path)
        if role in (Role.INBOX, Role.ALL, Role.FLAGGED):
            raise Failure(FailureKind.NOT_ALLOWED, "A mailbox cannot be made for that use")
        held = self._account(account)
        if self._selectable(held, path):
            raise Failure(FailureKind.ALREADY_EXISTS, "There is a mailbox of that name")
        if role is not None and any(box.role is role for box in held.boxes.values()):
            raise Failure(FailureKind.NOT_ALLOWED, "Another mailbox has that use")
        modseq = held.modseq + 1
        self._make(held, path, role, modseq, account)
        held.modseq = modseq
        self._tell(account, {MailboxId(0)}, modseq)
        return self._view(held.boxes[path])

    async def rename_mailbox(self, account: AccountId, path: str, new_path: str) -> None:
        path, new_path = naming.clean(path), naming.clean(new_path)
        held, box = self._account(account), self._named(account, path)
        if new_path in held.boxes:
            raise Failure(FailureKind.ALREADY_EXISTS, "There is a mailbox of that name")
        if path == INBOX:
            modseq = held.modseq + 1
            self._make(held, new_path, None, modseq, account)
            held.modseq = modseq
            self._tell(account, {MailboxId(0)}, modseq)
            self._move(box, sorted(box.placements), held.boxes[new_path])
            return
        if naming.is_below(new_path, path):
            raise Failure(FailureKind.INVALID, "A mailbox cannot be put beneath itself")
        moving = {name: each for name, each in held.boxes.items() if name == path or naming.is_below(name, path)}
        renamed = {naming.clean(new_path + name[len(path) :]): each for name, each in moving.items()}
        modseq = held.modseq + 1
        above = naming.above(new_path)
        if above:
            self._make_levels(account, held, above, modseq)
        for name in moving:
            del held.boxes[name]
        for name, each in renamed.items():
            each.path = name
            held.boxes[name] = each
        held.modseq = modseq
        self._tell(account, {MailboxId(0)}, modseq)

    async def delete_mailbox(self, account: AccountId, path: str) -> None:
        held, box = self._account(account), self._named(account, path)
        if box.path == INBOX:
            raise Failure(FailureKind.NOT_ALLOWED, "The inbox cannot be deleted")
        has_children = any(naming.is_below(name, box.path) for name in held.boxes)
        if has_children and not box.selectable:
            raise Failure(FailureKind.NOT_ALLOWED, "The mailbox has others beneath it; delete those first")
        modseq = held.next_modseq()
        del self._boxes[box.id]
        del held.boxes[box.path]
        if has_children:
            self._new_box(account, held, box.path, None, False, modseq)
        for placement in box.placements.values():
            self._discard(held, placement.email, box.path)
        self._tell(account, {MailboxId(0), box.id}, modseq)

    async def subscribe(self, account: AccountId, path: str, subscribed: bool) -> None:
        path = naming.clean(path)
        held = self._account(account)
        if (path in held.subscribed) is subscribed:
            return
        if subscribed:
            held.subscribed.add(path)
        else:
            held.subscribed.discard(path)
        self._tell(account, {MailboxId(0)}, held.next_modseq())

    async def subscriptions(self, account: AccountId) -> list[str]:
        held = self._accounts.get(account)
        return sorted(held.subscribed) if held else []

    async def usage(self, account: AccountId) -> Usage:
        held = self._accounts.get(account)
        return held.usage() if held else Usage(0, 0, 0, 0)

    async def delete_account(self, account: AccountId) -> None:
        held = self._accounts.pop(account, None)
        if held is not None:
            for box in held.boxes.values():
                del self._boxes[box.id]
            self._tell(account, {MailboxId(0)}, held.modseq + 1)

    def watch(self, account: AccountId, wake: Callable[[Change], None]) -> Callable[[], None]:
        entry = (account, wake)
        self._watchers.append(entry)
        return lambda: self._watchers.remove(entry) if entry in self._watchers else None

    def _tell(self, account: AccountId, touched: set[MailboxId], modseq: int) -> None:
        for watched, wake in list(self._watchers):
            if watched == account:
                for mailbox in sorted(touched):
                    wake(Change(account, mailbox, ModSeq(modseq)))

    def _account(self, account: AccountId) -> Account:
        if account not in self._accounts:
            raise Failure(FailureKind.NOT_FOUND, "There is no such account")
        return self._accounts[account]

    def _named(self, account: AccountId, path: str) -> Box:
        held = self._accounts.get(account)
        try:
            box = held.boxes.get(naming.clean(path)) if held else None
        except Failure:
            box = None
        if box is None:
            raise Failure(FailureKind.NOT_FOUND, "There is no mailbox of that name")
        return box

    def _box(self, mailbox: MailboxId) -> Box:
        box = self._boxes.get(mailbox)
        if box is None or not box.selectable:
            raise Failure(FailureKind.NOT_FOUND, "The mailbox is no longer there")
        return box

    @staticmethod
    def _selectable(held: Account, path: str) -> bool:
        return path in held.boxes and held.boxes[path].selectable

    def _make(self, held: Account, path: str, role: Role | None, modseq: int, account: AccountId) -> None:
        """Makes a mailbox with the levels above it, or makes one selectable that was only a level."""
        self._make_levels(account, held, naming.above(path), modseq)
        box = held.boxes.get(path)
        if box is not None:
            box.selectable, box.role, box.modseq = True, role, modseq
        else:
            self._make_levels(account, held, [path], modseq)
            held.boxes[path].role = role

    def _make_levels(self, account: AccountId, held: Account, paths: list[str], modseq: int) -> None:
        missing = [path for path in paths if path not in held.boxes]
        if len(held.boxes) + len(missing) > naming.MOST_MAILBOXES:
            raise Failure(FailureKind.TOO_MANY, f"An account has at most {naming.MOST_MAILBOXES} mailboxes")
        for path in missing:
            self._new_box(account, held, path, None, True, modseq)

    def _new_box(
        self, account: AccountId, held: Account, path: str, role: Role | None, selectable: bool, modseq: int
    ) -> None:
        self._last_mailbox += 1
        self._last_validity = max(self._clock.now() // 1_000_000, self._last_validity + 1)
        box = Box(MailboxId(self._last_mailbox), account, path, role, selectable, self._last_validity, modseq)
        held.boxes[path] = self._boxes[box.id] = box

    def _view(self, box: Box) -> Mailbox:
        placements = box.placements.values()
        return Mailbox(
            box.id,
            box.path,
            box.role,
            box.selectable,
            box.path in self._accounts[box.account].subscribed,
            box.uid_validity,
            box.uid_next,
            len(placements),
            sum(not placement.flags & Flag.SEEN for placement in placements),
            sum(placement.deleted for placement in placements),
            sum(placement.email.size for placement in placements),
            ModSeq(box.modseq),
        )

    @staticmethod
    def _same_account(box: Box, to: Box) -> None:
        if box.account != to.account:
            raise Failure(FailureKind.NOT_ALLOWED, "The mailboxes belong to different accounts")

    @staticmethod
    def _check_room(held: Account, sizes: list[int], freed: int = 0, fewer: int = 0) -> None:
        usage = held.usage()
        if sizes and (
            (held.octet_limit and usage.octets - freed + sum(sizes) > held.octet_limit)
            or (held.message_limit and usage.messages - fewer + len(sizes) > held.message_limit)
        ):
            raise Failure(FailureKind.OVER_QUOTA, "The mailbox is full")

    def _email(self, account: AccountId, data: bytes, trace: bytes, prepared: Prepared, received_at: int) -> Email:
        self._last_email += 1
        return Email(self._last_email, account, data, trace, prepared, received_at, origin=self._last_email)

    def _place(self, box: Box, email: Email, modseq: int) -> Placement:
        placement = Placement(box.uid_next, email, modseq, self._clock.now())
        box.placements[box.uid_next] = placement
        box.uid_next += 1
        box.modseq = modseq
        return placement

    @staticmethod
    def _take_away(box: Box, uid: int, modseq: int) -> Placement:
        placement = box.placements.pop(uid)
        box.gone[uid] = box.modseq = modseq
        return placement

    def _discard(self, held: Account, email: Email, path: str) -> None:
        """Makes an email a deleted item if it lies nowhere any more."""
        lies = any(p.email is email for box in held.boxes.values() for p in box.placements.values())
        if not lies:
            email.deleted_at, email.deleted_from = self._clock.now(), path
            held.deleted.append(email)

    def _move(self, box: Box, uids: list[int], to: Box) -> Copied:
        account = self._accounts[box.account]
        modseq = account.next_modseq() if uids else 0
        found = [self._take_away(box, uid, modseq) for uid in uids]
        placed = [self._place(to, self._for_mailbox(placement.email, to), modseq) for placement in found]
        self._tell(box.account, {box.id, to.id} if uids else set(), modseq)
        return Copied(to.uid_validity, [Uid(each.uid) for each in found], [Uid(each.uid) for each in placed])

    def _for_mailbox(self, email: Email, box: Box) -> Email:
        """The email itself, or another one with the same content where it already lies in the mailbox."""
        if all(placement.email is not email for placement in box.placements.values()):
            return email
        twin = self._email(email.account, email.data, email.trace, email.prepared, email.received_at)
        twin.flags, twin.keywords, twin.origin = email.flags, email.keywords, email.origin
        return twin
