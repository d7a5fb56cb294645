"""What searching must find, in every mail store. See `storecontract`."""

from pillarbox.base.clock import FixedClock
from pillarbox.model.email import Flag, Wanted
from pillarbox.model.ids import MailboxId, ModSeq
from pillarbox.model.search import (
    All,
    AllOf,
    AnyOf,
    Criterion,
    HasFlag,
    HasKeyword,
    HasObjectId,
    Header,
    InThread,
    ModSeqAbove,
    Not,
    Received,
    Saved,
    Sent,
    Size,
    Text,
    Uids,
)
from pillarbox.model.store import MailStore
from pillarbox.testing.storecontract import ALICE, Check, delivery, drop, inbox, letter, put, read, upload

PLAIN = (
    b"From: Zoe <zoe@example.test>\r\nSubject: Quarterly figures\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
    b"X-Tag: Alpha\r\n\r\nThe numbers are in the table.\r\n"
)
ENCODED = (
    b"From: =?iso-8859-1?q?J=F6rg?= <joerg@example.test>\r\nSubject: =?utf-8?b?R3LDvMOfZQ==?= aus\r\n Wien\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nU8O8w59lIExlYmtlbg==\r\n"
)
MIXED = (
    b"From: bot@example.test\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/html; charset=iso-8859-1\r\n\r\n<p>caf\xe9</p>\r\n"
    b"--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\nc2VjcmV0\r\n"
    b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nforwarded words\r\n--b--\r\n"
)


async def _found(store: MailStore, mailbox: MailboxId, criterion: Criterion) -> list[int]:
    return list(await store.search(mailbox, criterion))


async def _three(store: MailStore) -> MailboxId:
    box = await inbox(store)
    await store.append(box.id, [upload(PLAIN, Flag.SEEN, "Work")])
    await store.append(box.id, [upload(ENCODED, Flag.DELETED)])
    await store.deliver(delivery(MIXED, drop(ALICE, trace=b"Return-Path: <path@example.test>\r\n")))
    return box.id


async def columns_are_found(store: MailStore, clock: FixedClock) -> None:
    box = await _three(store)
    [modseq] = [change.modseq for change in (await store.changes(box, ModSeq(0))).changed if change.uid == 2]
    for criterion, expected in (
        (All(), [1, 2, 3]),
        (Uids(((2, 2), (3, 9))), [2, 3]),
        (Uids(()), []),
        (Uids(((3, 3), *((2 * number, 2 * number) for number in range(2, 300)))), [3]),
        (HasFlag(Flag.SEEN), [1]),
        (HasFlag(Flag.DELETED), [2]),
        (HasKeyword("WORK"), [1]),
        (HasKeyword("wor"), []),
        (Received(None, 2_000_000), [1, 2]),
        (Received(2_000_000, None), [3]),
        (Sent(1_700_000_000_000_000, 1_700_000_000_000_001), [1]),
        (Sent(None, None), [1]),
        (Size(len(PLAIN), None), [2, 3]),
        (Size(None, len(PLAIN)), []),
        (ModSeqAbove(modseq), [2, 3]),
    ):
        assert await _found(store, box, criterion) == expected, criterion


async def headers_are_found_decoded(store: MailStore, clock: FixedClock) -> None:
    box = await _three(store)
    for criterion, expected in (
        (Header("SUBJECT", "quarter"), [1]),
        (Header("Subject", "GRÜSSE AUS WIEN"), [2]),
        (Header("subject", ""), [1, 2]),
        (Header("From", "jörg"), [2]),
        (Header("from", "EXAMPLE.TEST"), [1, 2, 3]),
        (Header("x-tag", "alpha"), [1]),
        (Header("Return-Path", "path@"), [3]),
        (Header("no-such", ""), []),
    ):
        assert await _found(store, box, criterion) == expected, criterion


async def text_is_found_decoded(store: MailStore, clock: FixedClock) -> None:
    box = await _three(store)
    for criterion, expected in (
        (Text("NUMBERS", False), [1]),
        (Text("süsse lebken", False), [2]),
        (Text("CAFÉ", False), [3]),
        (Text("forwarded", False), [3]),
        (Text("secret", False), []),
        (Text("quarterly", False), []),
        (Text("quarterly", True), [1]),
        (Text("return-path: <path", True), [3]),
        (Text("grüße", True), [2]),
        (Text("GRU\u0308SSE", True), [2]),
        (Text("ﬁgures", True), [1]),
        (Text("cafe", False), [3]),
    ):
        assert await _found(store, box, criterion) == expected, criterion


async def criteria_are_put_together(store: MailStore, clock: FixedClock) -> None:
    box = await _three(store)
    for criterion, expected in (
        (Not(HasFlag(Flag.SEEN)), [2, 3]),
        (Not(Sent(0, None)), [2, 3]),
        (Not(Text("numbers", False)), [2, 3]),
        (AllOf((Uids(tuple((2 * number, 2 * number) for number in range(1, 300))), Not(Header("x-tag", "")))), [2]),
        (AllOf(()), [1, 2, 3]),
        (AnyOf(()), []),
        (AllOf((Uids(((1, 2),)), Header("from", "example"), Not(HasKeyword("work")))), [2]),
        (AnyOf((HasFlag(Flag.SEEN), Text("forwarded", False))), [1, 3]),
        (AllOf((AnyOf((Header("x-tag", ""), Text("lebken", True))), Not(AllOf((HasFlag(Flag.SEEN), All()))))), [2]),
    ):
        assert await _found(store, box, criterion) == expected, criterion


async def object_ids_and_threads_are_found(store: MailStore, clock: FixedClock) -> None:
    box = await inbox(store)
    root = b"Message-ID: <root@x>\r\nSubject: Lunch\r\n\r\n1\r\n"
    answer = b"Message-ID: <b@x>\r\nReferences: <root@x>\r\nSubject: Re: Lunch\r\n\r\n2\r\n"
    await put(store, box, root, answer, letter("Other"))
    await store.deliver(delivery(root, drop(ALICE, trace=b"Received: 1\r\n"), drop(ALICE, trace=b"Received: 2\r\n")))
    await store.copy(box.id, [1, 4], box.id)
    await store.copy(box.id, [1, 5], (await store.mailbox(ALICE, "Archive")).id)
    await store.move(box.id, [2], box.id)
    found = {int(each.uid): each for each in await read(store, box.id, wanted=Wanted.OBJECT)}
    archive = (await store.mailbox(ALICE, "Archive")).id
    copies = await read(store, archive, wanted=Wanted.OBJECT | Wanted.CONTENT | Wanted.ENVELOPE)
    names = {uid: each.object_id for uid, each in found.items()}
    assert list(names) == [1, 3, 4, 5, 6, 7, 8]
    assert len({names[uid] for uid in (1, 3, 4, 5, 8)}) == 5
    assert (names[6], names[7]) == (names[1], names[4])
    assert [each.object_id for each in copies] == [names[1], names[5]]
    assert copies[0].content is not None and copies[0].content.read(0, 99) == root
    assert {found[uid].thread for uid in (4, 5, 6, 7, 8)} == {found[1].thread} != {found[3].thread}
    for uid, name in names.items():
        assert uid in await _found(store, box.id, HasObjectId(name))
    assert await _found(store, box.id, HasObjectId(names[4])) == [4, 7]
    assert await _found(store, box.id, Not(HasObjectId(names[1]))) == [3, 4, 5, 7, 8]
    assert await _found(store, box.id, AllOf((Uids(((5, 9),)), HasObjectId(names[1])))) == [6]
    for name in ("", "e", "x", "e1-", names[1] + "-0011223344556677", "e" + "f" * 15 + "-1"):
        assert await _found(store, box.id, HasObjectId(name)) == []
    assert await _found(store, box.id, InThread(found[1].thread)) == [1, 4, 5, 6, 7, 8]
    assert await _found(store, box.id, InThread(1)) == []


async def the_time_of_saving_is_that_of_this_mailbox(store: MailStore, clock: FixedClock) -> None:
    box = await inbox(store)
    first = clock.now()
    await put(store, box, letter("one"))
    clock.advance(100)
    second = clock.now()
    await store.copy(box.id, [1], box.id)
    await store.move(box.id, [1], box.id)
    await store.deliver(delivery(letter("two"), drop(ALICE)))
    messages = await read(store, box.id, wanted=Wanted.SAVED | Wanted.RECEIVED)
    assert [(each.uid, each.saved_at) for each in messages] == [(2, second), (3, second), (4, second)]
    assert await _found(store, box.id, Saved(second, None)) == [2, 3, 4]
    assert await _found(store, box.id, Saved(first, second)) == []


CHECKS: tuple[Check, ...] = (
    columns_are_found,
    headers_are_found_decoded,
    text_is_found_decoded,
    criteria_are_put_together,
    object_ids_and_threads_are_found,
    the_time_of_saving_is_that_of_this_mailbox,
)
