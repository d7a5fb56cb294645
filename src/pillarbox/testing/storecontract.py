"""What every mail store must do: checks that each implementation of `model.store.MailStore` passes.

Each check is given a fresh store, its clock, and nothing else; `CHECKS` names them all. They raise AssertionError.
Searching has its own checks in `searchcontract`.
"""

from collections.abc import Awaitable, Callable, Sequence

from pillarbox.base.clock import FixedClock
from pillarbox.base.failure import FailureKind
from pillarbox.mime.prepared import prepare
from pillarbox.model.change import Change
from pillarbox.model.content import Body
from pillarbox.model.email import Flag, FlagChange, FlagMode, Message, Wanted
from pillarbox.model.failure import Failure
from pillarbox.model.ids import AccountId, MailboxId, ModSeq
from pillarbox.model.mailbox import FIRST_MAILBOXES, Mailbox, Role, Usage
from pillarbox.model.store import MailStore, Placed, Upload
from pillarbox.model.transaction import Delivery, Drop

Check = Callable[[MailStore, FixedClock], Awaitable[None]]

ALICE = AccountId(1)
BOB = AccountId(2)
HEADERS = Wanted.ENVELOPE | Wanted.SIZE | Wanted.RECEIVED | Wanted.CONTENT


def letter(subject: str, text: str = "Hello.") -> bytes:
    """A small letter."""
    return f"From: carol@example.test\r\nSubject: {subject}\r\n\r\n{text}\r\n".encode()


def upload(data: bytes, flags: int = 0, *keywords: str) -> Upload:
    return Upload(Body(data), prepare(data), flags, frozenset(keywords), 1_000_000)


def delivery(data: bytes, *drops: Drop) -> Delivery:
    return Delivery(Body(data), prepare(data), drops, 2_000_000)


def drop(account: AccountId, mailbox: str = "INBOX", trace: bytes = b"", octets: int = 0, messages: int = 0) -> Drop:
    return Drop(account, mailbox, trace, octets, messages)


async def inbox(store: MailStore, account: AccountId = ALICE) -> Mailbox:
    """The inbox of an account, which is opened."""
    await store.open_account(account, 0, 0)
    return await store.mailbox(account, "INBOX")


async def put(store: MailStore, mailbox: Mailbox, *letters: bytes) -> Placed:
    return await store.append(mailbox.id, [upload(data) for data in letters])


async def read(
    store: MailStore, mailbox: MailboxId, uids: Sequence[int] = range(1, 100), wanted: Wanted = Wanted.NOTHING
) -> list[Message]:
    return [message async for page in store.fetch(mailbox, uids, wanted) for message in page]


async def content(store: MailStore, mailbox: MailboxId, uid: int) -> bytes:
    found = await store.content(mailbox, uid)
    assert found is not None
    return found.read(0, found.size)


async def refused(kind: FailureKind, doing: Awaitable[object]) -> None:
    """Checks that something fails in a certain way."""
    try:
        await doing
    except Failure as failure:
        assert failure.kind is kind, failure
    else:
        raise AssertionError(f"should have failed: {kind}")


async def an_account_begins_with_its_mailboxes(store: MailStore, clock: FixedClock) -> None:
    await store.open_account(ALICE, 100, 5)
    await store.open_account(ALICE, 200, 6)
    boxes = await store.mailboxes(ALICE)
    assert boxes[0].path == "INBOX"
    assert {(box.path, box.role) for box in boxes} == set(FIRST_MAILBOXES)
    assert all(box.subscribed and box.selectable and not box.exists for box in boxes)
    assert await store.usage(ALICE) == Usage(0, 0, 200, 6)
    assert await store.usage(BOB) == Usage(0, 0, 0, 0)
    assert await store.mailboxes(BOB) == []
    await refused(FailureKind.NOT_FOUND, store.mailbox(BOB, "INBOX"))


async def mailboxes_are_made_with_the_levels_above(store: MailStore, clock: FixedClock) -> None:
    await store.open_account(ALICE, 0, 0)
    made = await store.create_mailbox(ALICE, "inbox/Work/e\u0301")
    assert made.path == "INBOX/Work/\u00e9"
    assert (await store.mailbox(ALICE, "Inbox/Work")).selectable
    await refused(FailureKind.ALREADY_EXISTS, store.create_mailbox(ALICE, "INBOX/Work"))
    await refused(FailureKind.INVALID, store.create_mailbox(ALICE, "a//b"))
    await refused(FailureKind.NOT_ALLOWED, store.create_mailbox(ALICE, "Bin", Role.TRASH))


async def a_mailbox_with_children_stays_as_a_level(store: MailStore, clock: FixedClock) -> None:
    await store.open_account(ALICE, 0, 0)
    parent = await store.create_mailbox(ALICE, "Top")
    await store.create_mailbox(ALICE, "Top/Below")
    await put(store, parent, letter("one"))
    await store.delete_mailbox(ALICE, "Top")
    left = await store.mailbox(ALICE, "Top")
    assert not left.selectable
    assert left.exists == 0
    assert (await store.changes(parent.id, ModSeq(0))).mailbox_gone
    assert [item.mailbox for item in await store.deleted_items(ALICE)] == ["Top"]
    await refused(FailureKind.NOT_FOUND, store.uids(left.id))
    await refused(FailureKind.NOT_ALLOWED, store.delete_mailbox(ALICE, "Top"))
    again = await store.create_mailbox(ALICE, "Top")
    assert again.selectable
    assert again.uid_validity > parent.uid_validity
    await refused(FailureKind.NOT_ALLOWED, store.delete_mailbox(ALICE, "INBOX"))


async def uid_validity_never_repeats(store: MailStore, clock: FixedClock) -> None:
    await store.open_account(ALICE, 0, 0)
    seen = {box.uid_validity for box in await store.mailboxes(ALICE)}
    assert len(seen) == len(FIRST_MAILBOXES)
    for _ in range(3):
        made = await store.create_mailbox(ALICE, "Again")
        assert made.uid_validity not in seen
        seen.add(made.uid_validity)
        await store.delete_mailbox(ALICE, "Again")


async def renaming_takes_everything_below_along(store: MailStore, clock: FixedClock) -> None:
    await store.open_account(ALICE, 0, 0)
    made = await store.create_mailbox(ALICE, "A/B/C")
    await store.rename_mailbox(ALICE, "A", "X/Y")
    assert (await store.mailbox(ALICE, "X/Y/B/C"))._replace(path="A/B/C") == made
    await refused(FailureKind.NOT_FOUND, store.mailbox(ALICE, "A/B"))
    await refused(FailureKind.INVALID, store.rename_mailbox(ALICE, "X", "X/Z"))
    await refused(FailureKind.ALREADY_EXISTS, store.rename_mailbox(ALICE, "X", "Trash"))


async def renaming_the_inbox_moves_its_messages(store: MailStore, clock: FixedClock) -> None:
    box = await inbox(store)
    await put(store, box, letter("one"), letter("two"))
    await store.rename_mailbox(ALICE, "INBOX", "Old")
    old = await store.mailbox(ALICE, "Old")
    assert (old.exists, (await store.mailbox(ALICE, "INBOX")).exists) == (2, 0)
    assert await content(store, old.id, 2) == letter("two")


async def subscriptions_need_no_mailbox(store: MailStore, clock: FixedClock) -> None:
    await store.open_account(ALICE, 0, 0)
    await store.subscribe(ALICE, "Nowhere", True)
    await store.subscribe(ALICE, "Trash", False)
    names = await store.subscriptions(ALICE)
    assert "Nowhere" in names
    assert "Trash" not in names
    assert not (await store.mailbox(ALICE, "Trash")).subscribed
    await store.delete_mailbox(ALICE, "Sent")
    assert "Sent" in await store.subscriptions(ALICE)


async def what_is_appended_can_be_read(store: MailStore, clock: FixedClock) -> None:
    box = await inbox(store)
    data = letter("Greetings")
    placed = await store.append(box.id, [upload(data, Flag.SEEN | Flag.DELETED, "b", "a"), upload(letter("x"))])
    assert (placed.uid_validity, placed.uids) == (box.uid_validity, [1, 2])
    first, second = await read(store, box.id, wanted=HEADERS)
    assert (first.flags, first.keywords, first.received_at) == (Flag.SEEN | Flag.DELETED, "a b", 1_000_000)
    assert first.size == len(data)
    assert first.envelope == prepare(data).envelope
    assert first.content is not None
    assert b"".join(first.content.pieces(6, 5)) == data[6:11]
    assert second.flags == 0
    after = await store.mailbox(ALICE, "INBOX")
    assert (after.exists, after.unseen, after.deleted, after.uid_next) == (2, 1, 1, 3)
    assert after.size == len(data) + len(letter("x"))
    assert await store.content(box.id, 3) is None
    assert await store.has_content(box.id, [Body(data), Body(letter("y"))]) == [True, False]


async def a_delivery_puts_the_trace_before_the_content(store: MailStore, clock: FixedClock) -> None:
    data, trace = letter("Hi"), b"Return-Path: <x@y>\r\n"
    drops = (drop(ALICE, trace=trace), drop(BOB, "Nowhere", octets=10**6))
    assert await store.deliver(delivery(data, *drops)) == [None, None]
    box = await store.mailbox(ALICE, "INBOX")
    [message] = await read(store, box.id, wanted=HEADERS)
    assert (message.trace_size, message.size) == (len(trace), len(trace) + len(data))
    assert message.header_size == len(trace) + prepare(data).header_size
    assert await content(store, box.id, 1) == trace + data
    assert await content(store, (await store.mailbox(BOB, "INBOX")).id, 1) == data
    assert (await store.usage(BOB)).octet_limit == 10**6


async def a_delivered_message_is_known_again_with_its_trace(store: MailStore, clock: FixedClock) -> None:
    trace = b"Return-Path: <x@y>\r\nDelivered-To: a@b\r\nReceived: from x by y;\r\n\tMon, 1 Jan 2024 00:00:00 +0000\r\n"
    data = letter("Hi")
    await store.deliver(delivery(data, drop(ALICE, trace=trace)))
    box = await store.mailbox(ALICE, "INBOX")
    bodies = [Body(data), Body(trace + data), Body(trace.replace(b"a@b", b"c@d") + data)]
    assert await store.has_content(box.id, bodies) == [True, True, False]


async def a_full_account_refuses_alone(store: MailStore, clock: FixedClock) -> None:
    data = letter("Hi")
    drops = (drop(ALICE), drop(BOB, octets=len(data) - 1), drop(ALICE, "Archive"))
    first, second, third = await store.deliver(delivery(data, *drops))
    assert second is not None
    assert (first, second.kind, third) == (None, FailureKind.OVER_QUOTA, None)
    assert (await store.usage(ALICE)).messages == 2
    assert await store.usage(BOB) == Usage(0, 0, len(data) - 1, 0)
    last, more = drop(BOB, messages=1), drop(BOB, messages=1)._replace(beyond_quota=True)
    assert await store.deliver(delivery(data, last, more)) == [None, None]


async def appending_is_all_or_none(store: MailStore, clock: FixedClock) -> None:
    box = await inbox(store)
    await store.open_account(ALICE, 0, 1)
    await refused(FailureKind.OVER_QUOTA, put(store, box, letter("one"), letter("two")))
    assert (await store.mailbox(ALICE, "INBOX")).exists == 0
    await put(store, box, letter("one"))
    await refused(FailureKind.OVER_QUOTA, store.copy(box.id, [1], (await store.mailbox(ALICE, "Sent")).id))


async def flags_are_the_same_wherever_an_email_lies(store: MailStore, clock: FixedClock) -> None:
    box = await inbox(store)
    other = await store.mailbox(ALICE, "Archive")
    await put(store, box, letter("one"))
    await store.copy(box.id, [1], other.id)
    change = FlagChange(FlagMode.ADD, Flag.SEEN | Flag.DELETED, frozenset({"Work"}))
    result = await store.set_flags(box.id, [1, 7], change)
    [state] = result.states
    assert (state.flags, state.keywords, result.modified) == (Flag.SEEN | Flag.DELETED, "Work", [])
    [copy] = await read(store, other.id)
    assert (copy.flags, copy.keywords, copy.modseq) == (Flag.SEEN, "Work", state.modseq)
    assert (await store.mailbox(ALICE, "Archive")).unseen == 0
    await store.set_flags(other.id, [1], FlagChange(FlagMode.REMOVE, 0, frozenset({"WORK"})))
    [message] = await read(store, box.id)
    assert (message.flags, message.keywords) == (Flag.SEEN | Flag.DELETED, "")


async def a_change_that_changes_nothing_gets_no_modseq(store: MailStore, clock: FixedClock) -> None:
    box = await inbox(store)
    await put(store, box, letter("one"))
    before = await store.mailbox(ALICE, "INBOX")
    await store.set_flags(box.id, [1], FlagChange(FlagMode.REPLACE, 0))
    assert await store.mailbox(ALICE, "INBOX") == before


async def unchanged_since_leaves_newer_ones_alone(store: MailStore, clock: FixedClock) -> None:
    box = await inbox(store)
    await put(store, box, letter("one"), letter("two"))
    [state] = (await store.set_flags(box.id, [1], FlagChange(FlagMode.ADD, Flag.SEEN))).states
    change = FlagChange(FlagMode.ADD, Flag.FLAGGED, unchanged_since=state.modseq - 1)
    result = await store.set_flags(box.id, [1, 2], change)
    assert [each.uid for each in result.states] == [2]
    assert result.modified == [1]


async def copies_of_what_is_there_are_emails_of_their_own(store: MailStore, clock: FixedClock) -> None:
    box = await inbox(store)
    await put(store, box, letter("one"))
    copied = await store.copy(box.id, [1, 5], box.id)
    assert (copied.source, copied.target) == ([1], [2])
    await store.set_flags(box.id, [2], FlagChange(FlagMode.ADD, Flag.SEEN))
    first, second = await read(store, box.id)
    assert first.email != second.email
    assert first.flags == 0


async def moving_keeps_the_email(store: MailStore, clock: FixedClock) -> None:
    box = await inbox(store)
    other = await store.mailbox(ALICE, "Archive")
    await put(store, box, letter("one"), letter("two"))
    [before, _] = await read(store, box.id)
    moved = await store.move(box.id, [1], other.id)
    assert (moved.uid_validity, moved.source, moved.target) == (other.uid_validity, [1], [1])
    [after] = await read(store, other.id)
    assert after.email == before.email
    assert (await store.changes(box.id, ModSeq(after.modseq - 1))).gone == [1]
    assert await store.deleted_items(ALICE) == []
    assert (await store.usage(ALICE)).messages == 2
    await store.open_account(BOB, 0, 0)
    foreign = await store.mailbox(BOB, "INBOX")
    await refused(FailureKind.NOT_ALLOWED, store.move(box.id, [2], foreign.id))


async def what_was_expunged_can_be_brought_back(store: MailStore, clock: FixedClock) -> None:
    box = await inbox(store)
    other = await store.mailbox(ALICE, "Archive")
    await put(store, box, letter("one"), letter("two"), letter("three"))
    await store.copy(box.id, [2], other.id)
    await store.set_flags(box.id, [1, 2], FlagChange(FlagMode.ADD, Flag.DELETED | Flag.SEEN))
    clock.advance(60)
    assert await store.expunge(box.id, [2, 3]) == [2]
    assert await store.deleted_items(ALICE) == []
    assert await store.expunge(box.id, None) == [1]
    [item] = await store.deleted_items(ALICE)
    assert (item.mailbox, item.subject, item.deleted_at) == ("INBOX", "one", clock.now())
    assert (await store.usage(ALICE)).messages == 2
    assert await store.restore_items(ALICE, [item.email], "Back/Again") == 1
    back = await store.mailbox(ALICE, "Back/Again")
    [message] = await read(store, back.id)
    assert (message.email, message.flags) == (item.email, Flag.SEEN)
    assert await store.restore_items(ALICE, [item.email], "Back/Again") == 0


async def purged_items_are_gone(store: MailStore, clock: FixedClock) -> None:
    box = await inbox(store)
    await put(store, box, letter("one"), letter("two"), letter("three"))
    assert await store.remove(box.id, [1, 2, 9]) == [1, 2]
    assert await store.purge(clock.now(), 10) == 0
    clock.advance(1)
    assert await store.purge(clock.now(), 1) == 1
    assert [item.subject for item in await store.deleted_items(ALICE)] == ["two"]
    assert await store.purge(clock.now(), 10) == 1
    assert await content(store, box.id, 3) == letter("three")


async def changes_tell_what_happened_since(store: MailStore, clock: FixedClock) -> None:
    box = await inbox(store)
    await put(store, box, letter("one"), letter("two"))
    uids, start = await store.uids(box.id)
    assert (uids, start.exists, start.uid_next) == ([1, 2], 2, 3)
    assert await store.changes(box.id, start.modseq) == start
    await store.set_flags(box.id, [2], FlagChange(FlagMode.ADD, Flag.FLAGGED))
    await store.remove(box.id, [1])
    await put(store, box, letter("three"))
    changes = await store.changes(box.id, start.modseq)
    assert changes.gone == [1]
    assert [(each.uid, each.flags) for each in changes.changed] == [(2, Flag.FLAGGED), (3, 0)]
    assert (changes.exists, changes.uid_next) == (2, 4)
    assert await store.changes(box.id, changes.modseq) == changes._replace(gone=[], changed=[])


async def watchers_are_woken(store: MailStore, clock: FixedClock) -> None:
    box = await inbox(store)
    heard: list[Change] = []
    end = store.watch(ALICE, heard.append)
    await store.deliver(delivery(letter("one"), drop(ALICE), drop(BOB)))
    [change] = heard
    assert change == Change(ALICE, box.id, (await store.mailbox(ALICE, "INBOX")).modseq)
    await store.create_mailbox(ALICE, "New")
    assert [each.mailbox for each in heard] == [box.id, 0]
    end()
    end()
    await store.deliver(delivery(letter("two"), drop(ALICE)))
    assert len(heard) == 2


async def a_deleted_account_is_gone(store: MailStore, clock: FixedClock) -> None:
    box = await inbox(store)
    await put(store, box, letter("one"), letter("two"))
    await store.remove(box.id, [1])
    await store.delete_account(ALICE)
    await store.delete_account(ALICE)
    assert await store.mailboxes(ALICE) == []
    assert await store.deleted_items(ALICE) == []
    assert await store.content(box.id, 2) is None
    await refused(FailureKind.NOT_FOUND, store.create_mailbox(ALICE, "New"))
    await refused(FailureKind.NOT_FOUND, put(store, box, letter("x")))


async def one_session_at_a_time_holds_a_maildrop(store: MailStore, clock: FixedClock) -> None:
    release = store.acquire(ALICE)
    store.acquire(BOB)()
    try:
        store.acquire(ALICE)
    except Failure as failure:
        assert failure.kind is FailureKind.IN_USE
    else:
        raise AssertionError("two hold the maildrop")
    release()
    release()
    store.acquire(ALICE)()


CHECKS: tuple[Check, ...] = (
    an_account_begins_with_its_mailboxes,
    mailboxes_are_made_with_the_levels_above,
    a_mailbox_with_children_stays_as_a_level,
    uid_validity_never_repeats,
    renaming_takes_everything_below_along,
    renaming_the_inbox_moves_its_messages,
    subscriptions_need_no_mailbox,
    what_is_appended_can_be_read,
    a_delivery_puts_the_trace_before_the_content,
    a_delivered_message_is_known_again_with_its_trace,
    a_full_account_refuses_alone,
    appending_is_all_or_none,
    flags_are_the_same_wherever_an_email_lies,
    a_change_that_changes_nothing_gets_no_modseq,
    unchanged_since_leaves_newer_ones_alone,
    copies_of_what_is_there_are_emails_of_their_own,
    moving_keeps_the_email,
    what_was_expunged_can_be_brought_back,
    purged_items_are_gone,
    changes_tell_what_happened_since,
    watchers_are_woken,
    a_deleted_account_is_gone,
    one_session_at_a_time_holds_a_maildrop,
)
