"""What merging asks of every mail store: fingerprints, and messages put in with their trace, whatever the quota.

Checks like those of `storecontract`.
"""

from hashlib import sha256

from pillarbox.base.clock import FixedClock
from pillarbox.base.failure import FailureKind
from pillarbox.mime.prepared import prepare
from pillarbox.model.content import Body
from pillarbox.model.email import Flag, Wanted
from pillarbox.model.ids import MailboxId, Uid
from pillarbox.model.store import Fingerprint, MailStore, Upload
from pillarbox.testing.storecontract import (
    ALICE,
    Check,
    content,
    delivery,
    drop,
    inbox,
    letter,
    put,
    read,
    refused,
    upload,
)

TRACE = (
    b"Return-Path: <carol@example.test>\r\nDelivered-To: alice@example.test\r\n"
    b"Received: from a by b;\r\n Mon, 1 Jan 2024 00:00:00 +0000\r\n"
)


async def prints(store: MailStore, mailbox: MailboxId) -> list[Fingerprint]:
    return [each async for page in store.fingerprints(mailbox) for each in page]


async def fingerprints_tell_messages_apart(store: MailStore, clock: FixedClock) -> None:
    box = await inbox(store)
    assert await prints(store, box.id) == []
    first, second = letter("first"), letter("second")
    await store.deliver(delivery(first, drop(ALICE, trace=TRACE)))
    await store.append(box.id, [upload(second, Flag.SEEN, "blue", "Amber")])
    words = (await read(store, box.id))[1].keywords
    assert await prints(store, box.id) == [
        Fingerprint(Uid(1), sha256(first).digest(), 2_000_000, 0, "", len(TRACE) + len(first)),
        Fingerprint(Uid(2), sha256(second).digest(), 1_000_000, int(Flag.SEEN), words, len(second)),
    ]  # fmt: skip
    await refused(FailureKind.NOT_FOUND, prints(store, MailboxId(999)))


async def fingerprints_come_in_pages(store: MailStore, clock: FixedClock) -> None:
    box = await inbox(store)
    for start in range(0, 2500, 500):
        await put(store, box, *[letter(str(number)) for number in range(start, start + 500)])
    assert [each.uid for each in await prints(store, box.id)] == list(range(1, 2501))


async def what_is_put_in_with_its_trace_is_as_it_was_delivered(store: MailStore, clock: FixedClock) -> None:
    box = await inbox(store)
    data = letter("with trace")
    await store.deliver(delivery(data, drop(ALICE, trace=TRACE)))
    await store.append(box.id, [Upload(Body(data), prepare(data), 0, frozenset(), 2_000_000, TRACE)])
    wanted = Wanted.ENVELOPE | Wanted.SIZE | Wanted.FIELDS
    one, two = await read(store, box.id, wanted=wanted)
    assert (one.size, one.trace_size, one.header_size) == (two.size, two.trace_size, two.header_size)
    assert (one.envelope, one.fields) == (two.envelope, two.fields)
    assert await content(store, box.id, 1) == await content(store, box.id, 2) == TRACE + data
    assert (await store.usage(ALICE)).octets == 2 * len(TRACE + data)
    assert await store.has_content(box.id, [Body(TRACE + data)]) == [True]


async def a_full_account_takes_what_comes_back(store: MailStore, clock: FixedClock) -> None:
    box = await inbox(store)
    await store.open_account(ALICE, 10, 1)
    await refused(FailureKind.OVER_QUOTA, store.append(box.id, [upload(letter("big"))]))
    assert (await store.append(box.id, [upload(letter("big"))], beyond_quota=True)).uids == [1]
    assert (await store.usage(ALICE)).messages == 1


CHECKS: tuple[Check, ...] = (
    fingerprints_tell_messages_apart,
    fingerprints_come_in_pages,
    what_is_put_in_with_its_trace_is_as_it_was_delivered,
    a_full_account_takes_what_comes_back,
)
