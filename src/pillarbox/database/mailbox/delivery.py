"""Mail coming in, and messages put in by their owner: contents settled, emails made and placed in one write."""

import re
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from pillarbox.base.clock import Clock
from pillarbox.base.failure import FailureKind
from pillarbox.database.mailbox import keywords, naming, placing, quota, removing
from pillarbox.database.mailbox.accounts import open_account
from pillarbox.database.mailbox.contents import Arriving, Packer, Vanished, arrange, hash_of, settle
from pillarbox.database.mailbox.sql import one, take_ids
from pillarbox.database.mailbox.threads import ThreadKeys, find_thread, thread_keys
from pillarbox.model.change import Change
from pillarbox.model.content import Body
from pillarbox.model.failure import Failure
from pillarbox.model.ids import MailboxId, ModSeq, Uid
from pillarbox.model.logged import Cursor, LoggedDatabase, WriteCursor
from pillarbox.model.mailbox import INBOX
from pillarbox.model.store import Placed, Upload
from pillarbox.model.transaction import Delivery, Drop

_ATTEMPTS = 3
_BRIEF_DROPS = 3
_BRIEF_OCTETS = 65_536
_OVERHEAD = 2_000  # octets a write adds beyond the content, for the size hint

_TRACE = re.compile(
    rb"Return-Path: <[^\r\n]*>\r\nDelivered-To: [^\r\n]*\r\nReceived: [^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*"
)
"""The trace headers as this server writes them (`mime.trace`)."""

_PLACE_BY_PATH = """
    UPDATE mailbox
    SET uid_next = uid_next + 1, messages = messages + 1, unseen = unseen + 1, size = size + ?, modseq = ?
    WHERE account_id = ? AND path = ? AND selectable = 1
    RETURNING id, uid_next
"""


class Incoming(NamedTuple):
    """A delivery made ready: paths cleaned, thread keys known."""

    delivery: Delivery
    paths: list[str]
    keys: ThreadKeys


async def deliver(database: LoggedDatabase, packer: Packer, clock: Clock, delivery: Delivery) -> list[Failure | None]:
    """Stores a message and places it for each drop; one outcome per drop."""
    now = clock.now()
    paths = [naming.clean_or_inbox(drop.mailbox) for drop in delivery.drops]
    for _ in range(_ATTEMPTS):
        [arriving] = await arrange(database, packer, [(delivery.body, delivery.prepared)], now)
        incoming = Incoming(delivery, paths, thread_keys(delivery.prepared, arriving.hash))
        try:
            return await database.write(
                partial(_deliver, incoming=incoming, arriving=arriving, now=now),
                size=_size(arriving) + _OVERHEAD * len(paths),
                brief=len(paths) <= _BRIEF_DROPS and _size(arriving) <= _BRIEF_OCTETS,
            )
        except Vanished:
            continue
    raise _vanishing()


def _deliver(cursor: WriteCursor, incoming: Incoming, arriving: Arriving, now: int) -> list[Failure | None]:
    delivery = incoming.delivery
    outcomes: list[Failure | None] = []
    accepted: list[tuple[Drop, str, int]] = []
    for drop, path in zip(delivery.drops, incoming.paths, strict=True):
        try:
            accepted.append((drop, path, _charge(cursor, drop, len(drop.trace) + arriving.size, now)))
        except Failure as failure:
            outcomes.append(failure)
        else:
            outcomes.append(None)
    if accepted:
        first = take_ids(cursor, len(accepted) + 1)
        content = settle(cursor, arriving, first, now)
        for number, (drop, path, modseq) in enumerate(accepted, first + 1):
            _drop(cursor, incoming, drop, path, modseq, number, content, now)
    return outcomes


def _charge(cursor: WriteCursor, drop: Drop, size: int, now: int) -> int:
    """Counts the message for its account; the modseq. Makes the account where it is missing."""
    modseq = quota.charge_within(cursor, drop.account, size, drop.octet_limit, drop.message_limit)
    if modseq is None:
        open_account(cursor, drop.account, drop.octet_limit, drop.message_limit, now)
        modseq = quota.charge_within(cursor, drop.account, size, drop.octet_limit, drop.message_limit)
    if modseq is None and drop.beyond_quota:
        modseq = quota.adjust(cursor, drop.account, size, 1)
    if modseq is None:
        raise quota.over_quota()
    return modseq


def _drop(
    cursor: WriteCursor,
    incoming: Incoming,
    drop: Drop,
    path: str,
    modseq: int,
    email: int,
    content: int,
    now: int,
) -> None:
    delivery = incoming.delivery
    account, trace = drop.account, drop.trace
    size = len(trace) + delivery.body.size
    row = one(cursor.execute(_PLACE_BY_PATH, (size, modseq, account, path)))
    if row is None:
        row = one(cursor.execute(_PLACE_BY_PATH, (size, modseq, account, INBOX)))
        assert row is not None, "an account has an inbox"
    mailbox, uid_next = row
    thread = find_thread(cursor, account, incoming.keys)
    received_at = delivery.received_at
    cursor.execute(placing.INSERT_EMAIL, (email, account, content, thread, incoming.keys.own, received_at, size, trace))
    cursor.execute(
        placing.INSERT_PLACEMENT,
        (mailbox, uid_next - 1, email, content, 0, "", modseq, received_at, size, len(trace), now),
    )
    cursor.publish(Change(account, mailbox, ModSeq(modseq)))


async def append(
    database: LoggedDatabase,
    packer: Packer,
    clock: Clock,
    mailbox: MailboxId,
    uploads: Sequence[Upload],
    beyond_quota: bool = False,
    replacing: tuple[MailboxId, int] | None = None,
) -> Placed:
    """Puts messages into a mailbox, all or none. Raises Failure NOT_FOUND or OVER_QUOTA (not `beyond_quota`)."""
    now = clock.now()
    for _ in range(_ATTEMPTS):
        arriving = await arrange(database, packer, [(upload.body, upload.prepared) for upload in uploads], now)
        keys = [thread_keys(upload.prepared, each.hash) for upload, each in zip(uploads, arriving, strict=True)]
        try:
            return await database.write(
                partial(
                    _append,
                    mailbox=mailbox,
                    uploads=uploads,
                    arriving=arriving,
                    keys=keys,
                    now=now,
                    beyond_quota=beyond_quota,
                    replacing=replacing,
                ),
                size=sum(_size(each) + _OVERHEAD for each in arriving),
                brief=len(uploads) == 1 and _size(arriving[0]) <= _BRIEF_OCTETS,
            )
        except Vanished:
            continue
    raise _vanishing()


def _append(
    cursor: WriteCursor,
    mailbox: MailboxId,
    uploads: Sequence[Upload],
    arriving: list[Arriving],
    keys: list[ThreadKeys],
    now: int,
    beyond_quota: bool,
    replacing: tuple[MailboxId, int] | None,
) -> Placed:
    account, validity = placing.owner_and_validity(cursor, mailbox)
    if replacing is not None:
        _replace(cursor, *replacing, mailbox, now)
    if not uploads:
        return Placed(validity, [])
    sizes = [len(upload.trace) + each.size for upload, each in zip(uploads, arriving, strict=True)]
    modseq = (quota.adjust if beyond_quota else quota.charge)(cursor, account, sum(sizes), len(sizes))
    fresh = take_ids(cursor, 2 * len(uploads))
    items = []
    for number, (upload, each, key) in enumerate(zip(uploads, arriving, keys, strict=True)):
        content = settle(cursor, each, fresh + 2 * number, now)
        email = fresh + 2 * number + 1
        thread = find_thread(cursor, account, key)
        at, size, trace = upload.received_at, sizes[number], upload.trace
        cursor.execute(placing.INSERT_EMAIL, (email, account, content, thread, key.own, at, size, trace))
        words = keywords.join(upload.keywords)
        items.append(placing.Placing(email, content, int(upload.flags), words, at, size, len(trace)))
    _, uids = placing.place(cursor, mailbox, items, modseq, now)
    cursor.publish(Change(account, mailbox, ModSeq(modseq)))
    return Placed(validity, [Uid(uid) for uid in uids])


def _replace(cursor: WriteCursor, mailbox: MailboxId, uid: int, target: MailboxId, now: int) -> None:
    """Makes room for what takes a message's place. Raises Failure NOT_FOUND, NOT_ALLOWED (another account)."""
    placing.same_owner(cursor, mailbox, target)
    if not removing.remove(cursor, mailbox, [uid], 0, now):
        raise Failure(FailureKind.NOT_FOUND, "The message to be replaced is no longer there")


class Sought(NamedTuple):
    """Bytes to look for: a content's hash, and the trace headers before it where they look like this server's."""

    hash: bytes
    trace: bytes


async def sought_for(body: Body) -> list[Sought]:
    """What a stored message with these very bytes may be: all of them its content, or its trace and its content."""
    sought = [Sought(await hash_of(body), b"")]
    trace = _TRACE.match(body.data)
    if trace is not None:
        sought.append(Sought(await hash_of(Body(body.data[trace.end() :])), trace[0]))
    return sought


def has_content(cursor: Cursor, mailbox: MailboxId, bodies: Sequence[Sequence[Sought]]) -> list[bool]:
    """For each body, whether a message with its content, or with its trace and content, lies in the mailbox.

    Raises Failure(NOT_FOUND).
    """
    placing.owner(cursor, mailbox)
    # Written so that each step has its index: a join would be free to begin with the whole mailbox.
    statement = """
        SELECT trace FROM email
        WHERE content_id = (SELECT id FROM content WHERE hash = ?)
        AND EXISTS (SELECT 1 FROM placement p WHERE p.email_id = email.id AND p.mailbox_id = ?)
    """

    def held(sought: Sought) -> bool:
        traces = cursor.execute(statement, (sought.hash, mailbox))
        return any(not sought.trace or trace == sought.trace for (trace,) in traces)

    return [any(held(each) for each in sought) for sought in bodies]


def _size(arriving: Arriving) -> int:
    return len(arriving.packed.data) if arriving.packed else 0


def _vanishing() -> Failure:
    return Failure(FailureKind.UNAVAILABLE, "The message could not be stored; try again")
