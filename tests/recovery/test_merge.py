"""Merging and comparing two states of an account: nothing lost, nothing doubled, octet for octet."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.base.clock import FixedClock
from pillarbox.base.failure import FailureKind
from pillarbox.model.email import Flag, FlagChange, FlagMode
from pillarbox.model.failure import Failure
from pillarbox.model.mailbox import Role
from pillarbox.model.search import Header
from pillarbox.model.store import MailStore
from pillarbox.recovery.inventory import compare, take_inventory, tell, what_changed
from pillarbox.recovery.merge import Merged, Selection, merge
from pillarbox.testing.memorystore import MemoryStore
from pillarbox.testing.mergecontract import TRACE
from pillarbox.testing.realstore import real_store
from pillarbox.testing.storecontract import ALICE, content, delivery, drop, inbox, letter, read, upload


def quiet(messages: int, octets: int) -> None:
    pass


Test = Callable[[MailStore, MailStore], Awaitable[None]]


def between(test: Test, path: Path | None = None) -> None:
    """Runs a test on two stores: in memory, or real ones beneath `path`."""

    async def run() -> None:
        if path is None:
            await test(MemoryStore(FixedClock()), MemoryStore(FixedClock()))
            return
        for name in ("source", "target"):
            (path / name).mkdir()
        with real_store(path / "source") as source, real_store(path / "target") as target:
            await test(source, target)

    asyncio.run(run())


@pytest.fixture(params=["memory", "real"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    return tmp_path if request.param == "real" else None


async def everything(store: MailStore) -> dict[str, list[tuple[bytes, int, str, int]]]:
    """All messages of Alice by mailbox: octets, flags, keywords, time."""
    found = {}
    for box in await store.mailboxes(ALICE):
        messages = [each async for page in store.fingerprints(box.id) for each in page]
        found[box.path] = [
            (await content(store, box.id, each.uid), each.flags, each.keywords, each.received_at) for each in messages
        ]
    return found


async def fill(source: MailStore) -> None:
    box = await inbox(source)
    await source.deliver(delivery(letter("delivered"), drop(ALICE, trace=TRACE)))
    await source.append(box.id, [upload(letter("own"), Flag.SEEN | Flag.FLAGGED, "blue", "$Label1")])
    made = await source.create_mailbox(ALICE, "Work/Plans")
    await source.subscribe(ALICE, "Work/Plans", True)
    await source.append(made.id, [upload(letter(f"plan {number}")) for number in range(250)])
    await source.append(made.id, [upload(b"Subject: long\r\n\r\n" + b"0123456789" * 200_000)])


def test_all_of_it_comes_over_once(path: Path | None) -> None:
    async def test(source: MailStore, target: MailStore) -> None:
        await fill(source)
        await target.open_account(ALICE, 1000, 1)
        told: list[int] = []
        result = await merge(source, target, ALICE, lambda messages, octets: told.append(messages))
        assert (result.copied, result.present, result.unreadable) == (253, 0, [])
        assert await everything(source) == await everything(target)
        assert sum(told) == 253
        assert (await target.mailbox(ALICE, "Work/Plans")).subscribed
        again = await merge(source, target, ALICE, quiet)
        assert (again.copied, again.present) == (0, 253)
        assert await everything(source) == await everything(target)

    between(test, path)


def test_twins_come_as_twins_and_what_is_there_stays(path: Path | None) -> None:
    async def test(source: MailStore, target: MailStore) -> None:
        for store, count in ((source, 3), (target, 2)):
            box = await inbox(store)
            await store.append(box.id, [upload(letter("twin"))] * count)
        box = await inbox(target)
        await target.append(box.id, [upload(letter("newer"))])
        for copied in (1, 0):
            assert (await merge(source, target, ALICE, quiet)).copied == copied
        assert len((await everything(target))["INBOX"]) == 4

    between(test, path)


def test_an_interrupted_merge_goes_on(path: Path | None) -> None:
    async def test(source: MailStore, target: MailStore) -> None:
        await fill(source)
        await target.open_account(ALICE, 0, 0)
        calls = 0

        def stop(messages: int, octets: int) -> None:
            nonlocal calls
            calls += 1
            if calls == 3:
                raise KeyboardInterrupt

        task = asyncio.ensure_future(_swallow(merge(source, target, ALICE, stop)))
        assert await task is None
        done = sum(map(len, (await everything(target)).values()))
        assert 0 < done < 253
        result = await merge(source, target, ALICE, quiet)
        assert (result.copied, result.present) == (253 - done, done)
        assert await everything(source) == await everything(target)

    between(test, path)


async def _swallow(doing: Awaitable[Merged]) -> Merged | None:
    try:
        return await doing
    except KeyboardInterrupt:
        return None


def test_roles_are_kept_where_they_are_free(path: Path | None) -> None:
    async def test(source: MailStore, target: MailStore) -> None:
        for store in (source, target):
            await store.open_account(ALICE, 0, 0)
        await source.delete_mailbox(ALICE, "Trash")
        await source.create_mailbox(ALICE, "Papierkorb", Role.TRASH)
        await target.delete_mailbox(ALICE, "Junk")
        await merge(source, target, ALICE, quiet)
        assert (await target.mailbox(ALICE, "Papierkorb")).role is None
        assert (await target.mailbox(ALICE, "Junk")).role is Role.JUNK

    between(test, path)


def test_beside_under_a_prefix(path: Path | None) -> None:
    async def test(source: MailStore, target: MailStore) -> None:
        await fill(source)
        await target.open_account(ALICE, 0, 0)
        for copied in (253, 0):
            assert (await merge(source, target, ALICE, quiet, prefix="Recovered/2026-11-24 10.42")).copied == copied
        mail, old = await everything(target), await everything(source)
        assert mail["Recovered/2026-11-24 10.42/INBOX"] == old["INBOX"]
        assert mail["Recovered/2026-11-24 10.42/Work/Plans"] == old["Work/Plans"]
        assert mail["INBOX"] == []
        assert (await target.mailbox(ALICE, "Recovered/2026-11-24 10.42/Trash")).role is None

    between(test, path)


def test_one_mailbox_and_some_messages(path: Path | None) -> None:
    async def test(source: MailStore, target: MailStore) -> None:
        await fill(source)
        await target.open_account(ALICE, 0, 0)
        prints = (await take_inventory(source, ALICE))["Work/Plans"]
        for selection, copied in (
            (Selection(mailbox="Work/Plans", uids=frozenset({3, 4, 999})), 2),
            (Selection(digests=frozenset({prints[9].digest})), 1),
            (Selection(criterion=Header("subject", "plan 24")), 11),
            (Selection(mailbox="INBOX"), 2),
        ):
            assert (await merge(source, target, ALICE, quiet, selection=selection)).copied == copied
        with pytest.raises(Failure) as caught:
            await merge(source, target, ALICE, quiet, selection=Selection(mailbox="Nothing"))
        assert caught.value.kind is FailureKind.NOT_FOUND

    between(test, path)


def test_only_what_is_missing_now(path: Path | None) -> None:
    async def test(then: MailStore, now: MailStore) -> None:
        await fill(then)
        await now.open_account(ALICE, 0, 0)
        await merge(then, now, ALICE, quiet)
        plans, box = await now.mailbox(ALICE, "Work/Plans"), await inbox(now)
        await now.move(plans.id, [1, 2], box.id)
        await now.remove(plans.id, [3, 4, 5])
        change = FlagChange(FlagMode.ADD, Flag.DELETED | Flag.SEEN)
        await then.set_flags((await then.mailbox(ALICE, "Work/Plans")).id, [3], change)
        changed = await what_changed(then, now, ALICE)
        assert [(lying.mailbox, lying.message.uid) for lying in changed.gone] == [
            ("Work/Plans", 3), ("Work/Plans", 4), ("Work/Plans", 5),
        ]  # fmt: skip
        assert {(pair.then.mailbox, pair.now.mailbox) for pair in changed.moved} == {("Work/Plans", "INBOX")}
        assert [told.subject for told in await tell(then, ALICE, changed.gone)] == ["plan 2", "plan 3", "plan 4"]
        result = await merge(then, now, ALICE, quiet, selection=Selection(missing=True))
        assert result.copied == 3
        back = await read(now, plans.id, range(250, 400))
        assert [message.flags for message in back if message.uid > 251] == [Flag.SEEN, 0, 0]
        assert (await merge(then, now, ALICE, quiet, selection=Selection(missing=True))).copied == 0

    between(test, path)


def test_changed_flags_and_mailboxes_are_told() -> None:
    async def test(then: MailStore, now: MailStore) -> None:
        await fill(then)
        await now.open_account(ALICE, 0, 0)
        await merge(then, now, ALICE, quiet)
        await now.set_flags((await inbox(now)).id, [1], FlagChange(FlagMode.ADD, Flag.SEEN))
        await now.rename_mailbox(ALICE, "Work", "Job")
        changed = await what_changed(then, now, ALICE)
        assert [(pair.then.message.flags, pair.now.message.flags) for pair in changed.flags] == [(0, Flag.SEEN)]
        assert (changed.mailboxes_gone, changed.mailboxes_made) == (["Work", "Work/Plans"], ["Job", "Job/Plans"])
        assert len(changed.moved) == 251
        assert changed.gone == changed.came == []

    between(test)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["INBOX", "Sent", "Junk"]), st.integers(0, 5)), max_size=25),
    st.lists(st.tuples(st.sampled_from(["INBOX", "Sent", "Junk"]), st.integers(0, 5)), max_size=25),
)
def test_every_message_is_accounted_for_once(first: list[tuple[str, int]], second: list[tuple[str, int]]) -> None:
    async def test(then: MailStore, now: MailStore) -> None:
        for store, messages in ((then, first), (now, second)):
            await store.open_account(ALICE, 0, 0)
            for path, number in messages:
                box = await store.mailbox(ALICE, path)
                await store.append(box.id, [upload(letter(str(number)))])
        changed = compare(await take_inventory(then, ALICE), await take_inventory(now, ALICE))
        gone = Counter(told.subject for told in await tell(then, ALICE, changed.gone))
        before, after = Counter(str(number) for _, number in first), Counter(str(number) for _, number in second)
        assert gone == before - after
        assert len(changed.gone) - len(changed.came) == len(first) - len(second)
        assert not {lying.message.digest for lying in changed.gone} & {lying.message.digest for lying in changed.came}
        result = await merge(then, now, ALICE, quiet, selection=Selection(missing=True))
        assert result.copied == len(changed.gone)
        assert compare(await take_inventory(then, ALICE), await take_inventory(now, ALICE)).gone == []

    between(test)
