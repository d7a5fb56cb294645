"""What putting messages in must do, in every mail store, beyond `storecontract`: in the place of another one."""

from pillarbox.base.clock import FixedClock
from pillarbox.base.failure import FailureKind
from pillarbox.model.ids import ModSeq
from pillarbox.model.store import MailStore
from pillarbox.testing.storecontract import ALICE, BOB, Check, content, inbox, letter, put, refused, upload


async def a_message_takes_the_place_of_another(store: MailStore, clock: FixedClock) -> None:
    box = await inbox(store)
    await put(store, box, letter("one"), letter("two"))
    _, start = await store.uids(box.id)
    placed = await store.append(box.id, [upload(letter("three"))], replacing=(box.id, 1))
    assert placed.uids == [3]
    changes = await store.changes(box.id, start.modseq)
    assert (changes.gone, [each.uid for each in changes.changed], changes.exists) == ([1], [3], 2)
    assert [item.subject for item in await store.deleted_items(ALICE)] == ["one"]
    drafts = await store.mailbox(ALICE, "Drafts")
    assert (await store.append(drafts.id, [upload(letter("four"))], replacing=(box.id, 3))).uids == [1]
    assert await content(store, drafts.id, 1) == letter("four")
    assert (await store.uids(box.id))[0] == [2]


async def nothing_takes_the_place_of_what_is_gone(store: MailStore, clock: FixedClock) -> None:
    box, other = await inbox(store), await inbox(store, BOB)
    await put(store, box, letter("one"))
    await put(store, other, letter("his"))
    await refused(FailureKind.NOT_FOUND, store.append(box.id, [upload(letter("two"))], replacing=(box.id, 7)))
    await refused(FailureKind.NOT_ALLOWED, store.append(box.id, [upload(letter("two"))], replacing=(other.id, 1)))
    assert (await store.uids(box.id))[0] == [1]
    assert (await store.uids(other.id))[0] == [1]


async def the_place_of_what_goes_counts_as_room(store: MailStore, clock: FixedClock) -> None:
    box = await inbox(store)
    await put(store, box, letter("one"), letter("two"))
    size = len(letter("one"))
    await store.open_account(ALICE, 2 * size, 2)
    await refused(FailureKind.OVER_QUOTA, store.append(box.id, [upload(letter("six"))]))
    await store.append(box.id, [upload(letter("six"))], replacing=(box.id, 1))
    _, before = await store.uids(box.id)
    larger = store.append(box.id, [upload(letter("seven"))], replacing=(box.id, 2))
    await refused(FailureKind.OVER_QUOTA, larger)
    assert (await store.uids(box.id))[0] == [2, 3]
    assert (await store.changes(box.id, ModSeq(before.modseq))).changed == []
    assert (await store.usage(ALICE)).messages == 2


CHECKS: tuple[Check, ...] = (
    a_message_takes_the_place_of_another,
    nothing_takes_the_place_of_what_is_gone,
    the_place_of_what_goes_counts_as_room,
)
