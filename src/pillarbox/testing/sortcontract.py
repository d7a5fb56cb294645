"""In which order messages must be told, and in which threads, in every mail store. See `storecontract`."""

from pillarbox.base.clock import FixedClock
from pillarbox.base.failure import FailureKind
from pillarbox.model.email import Flag, FlagChange, FlagMode
from pillarbox.model.ids import MailboxId
from pillarbox.model.search import (
    All,
    AllOf,
    Criterion,
    Forest,
    HasFlag,
    Header,
    Not,
    SortField,
    SortKey,
    Text,
    Threading,
    Uids,
)  # fmt: skip
from pillarbox.model.store import MailStore
from pillarbox.testing.storecontract import Check, inbox, refused, upload

LETTERS = (
    b"From: =?utf-8?q?=C3=89lo?= <zed@a.test>\r\nTo: team: b@x, c@y;\r\nSubject: Re: Zebra\r\n"
    b"Date: Tue, 14 Nov 2023 22:13:20 +0000\r\nMessage-ID: <2@x>\r\nReferences: <1@x>\r\n\r\nlonger than others\r\n",
    b'From: "Zoe" <amy@b.test>\r\nTo: Bob <bob@x>, al@y\r\nSubject: zebra\r\nMessage-ID: <1@x>\r\n'
    b"Date: Mon, 13 Nov 2023 22:13:20 +0000\r\n\r\n12\r\n",
    b"From: Bob@c.test\r\nCc: x@y\r\nSubject: [list] =?utf-8?q?=C3=A4ther?= (fwd)\r\nMessage-ID: <3@x>\r\n"
    b"Date: Wed, 15 Nov 2023 00:13:20 +0200\r\n\r\n1\r\n",
    b"Subject: \r\nIn-Reply-To: <gone@x>\r\n\r\n\r\n",
    b'From: "a, b <c@d>" <ann@q>\r\nSubject: Apple\r\nDate: nonsense\r\nIn-Reply-To: <gone@x>\r\n\r\n123\r\n',
)


async def _five(store: MailStore) -> MailboxId:
    box = await inbox(store)
    for number, letter in enumerate(LETTERS):
        one = upload(letter, Flag.SEEN if number % 2 else Flag.NONE)
        await store.append(box.id, [one._replace(received_at=(5 - number // 2) * 1_000_000 + number)])
    return box.id


def key(name: str) -> SortKey:
    """A sort key by name, "-" before it for the reverse."""
    return SortKey(SortField(name.lstrip("-")), name.startswith("-"))


async def every_key_sorts(store: MailStore, clock: FixedClock) -> None:
    box = await _five(store)
    for names, expected in (
        (["arrived"], [5, 3, 4, 1, 2]),
        (["-arrived"], [1, 2, 3, 4, 5]),
        (["cc"], [1, 2, 4, 5, 3]),
        (["sent"], [5, 4, 2, 1, 3]),
        (["-sent"], [1, 3, 2, 4, 5]),
        (["from"], [4, 2, 5, 3, 1]),
        (["size"], [4, 5, 2, 3, 1]),
        (["subject"], [4, 5, 3, 1, 2]),
        (["-subject"], [1, 2, 3, 5, 4]),
        (["to"], [3, 4, 5, 2, 1]),
        (["sender"], [4, 5, 3, 1, 2]),
        (["recipient"], [3, 4, 5, 2, 1]),
        (["subject", "sent"], [4, 5, 3, 2, 1]),
        (["cc", "-size"], [1, 2, 5, 4, 3]),
        (["-cc", "-subject", "size"], [3, 2, 1, 5, 4]),
    ):
        found = await store.sort(box, All(), [key(name) for name in names])
        assert found == expected, (names, found)


async def what_is_found_is_sorted(store: MailStore, clock: FixedClock) -> None:
    box = await _five(store)
    criteria: tuple[tuple[Criterion, list[int]], ...] = (
        (HasFlag(Flag.SEEN), [2, 4]),
        (AllOf((Not(HasFlag(Flag.SEEN)), Uids(((1, 4),)))), [1, 3]),
        (Text("12", False), [2, 5]),
        (AllOf((Header("message-id", ""), Uids(((2, 9),)))), [2, 3]),
        (Uids(()), []),
    )
    for criterion, expected in criteria:
        found = await store.sort(box, criterion, [key("size"), key("arrived")])
        assert sorted(found) == expected, (criterion, found)
        forest = await store.threads(box, criterion, Threading.REFERENCES)
        assert sorted(uid for uid in forest.uids if uid) == expected, (criterion, forest)
    await refused(FailureKind.NOT_FOUND, store.sort(MailboxId(999), All(), [key("size")]))
    await refused(FailureKind.NOT_FOUND, store.threads(MailboxId(999), Text("x", True), Threading.LATEST))


async def threads_are_put_together(store: MailStore, clock: FixedClock) -> None:
    box = await _five(store)
    for threading, expected in (
        (Threading.SUBJECT, Forest([5, 4, 2, 1, 3], [0, 0, 0, 1, 0])),
        (Threading.REFERENCES, Forest([0, 5, 4, 2, 1, 3], [0, 1, 1, 0, 1, 0])),
        (Threading.LATEST, Forest([3, 0, 5, 4, 2, 1], [0, 0, 1, 1, 0, 1])),
    ):
        found = await store.threads(box, All(), threading)
        assert found == expected, (threading, found)


async def every_change_is_seen(store: MailStore, clock: FixedClock) -> None:
    """Asked again after each change, the same question gets the answer that is right then."""
    box = await _five(store)
    unseen = Not(HasFlag(Flag.SEEN))

    async def ask() -> tuple[list[int], list[int]]:
        forest = await store.threads(box, unseen, Threading.SUBJECT)
        return list(await store.sort(box, unseen, [key("arrived")])), sorted(forest.uids)

    for _ in range(2):
        assert await ask() == ([5, 3, 1], [1, 3, 5])
    await store.set_flags(box, [3], FlagChange(FlagMode.ADD, Flag.SEEN))
    assert await ask() == ([5, 1], [1, 5])
    await store.remove(box, [5])
    assert await ask() == ([1], [1])
    [uid] = (await store.append(box, [upload(LETTERS[0])])).uids
    assert await ask() == ([uid, 1], [1, uid])
    await store.set_flags(box, [3], FlagChange(FlagMode.REMOVE, Flag.SEEN))
    assert (await ask())[1] == [1, 3, uid]


CHECKS: tuple[Check, ...] = (every_change_is_seen, every_key_sorts, what_is_found_is_sorted, threads_are_put_together)
