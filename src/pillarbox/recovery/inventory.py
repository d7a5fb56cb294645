"""What an account holds, and how two states of it differ: the time slider's arithmetic.

A message is known again by its content's digest and the time it was received (`Key`), in the same mailbox or in another
one; ids and uids need not fit, so that the two states may come from different databases. Where several messages
have one key, as many as there are on both sides are paired, those in the same mailbox first.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pillarbox.mime.prepared import Prepared, prepare
from pillarbox.model.email import Wanted
from pillarbox.model.ids import AccountId
from pillarbox.model.mailbox import DELIMITER
from pillarbox.model.store import Fingerprint, MailStore

Key = tuple[bytes, int]
Inventory = Mapping[str, Sequence[Fingerprint]]
"""The messages of each selectable mailbox, by its path, in order of uid."""


class Lying(NamedTuple):
    """A message and the mailbox that it lies in."""

    mailbox: str
    message: Fingerprint


class Pair(NamedTuple):
    """The same message in both states."""

    then: Lying
    now: Lying


class WhatChanged(NamedTuple):
    """How an account differs from what it was. `gone` was there then and is nowhere now; `came` is the opposite.

    `moved` lies in another mailbox now. `flags` lies where it was, with other flags or keywords.
    """

    gone: list[Lying]
    came: list[Lying]
    moved: list[Pair]
    flags: list[Pair]
    mailboxes_gone: list[str]
    mailboxes_made: list[str]


class Told(NamedTuple):
    """What people know a message by."""

    subject: str
    sender: str
    message_id: str


def key_of(message: Fingerprint) -> Key:
    """By what a message is known again."""
    return message.digest, message.received_at


async def take_inventory(store: MailStore, account: AccountId, apart_from: str = "") -> dict[str, list[Fingerprint]]:
    """All that an account holds; nothing where there is no such account. The mailbox `apart_from` and those beneath it
    are left out."""
    inventory: dict[str, list[Fingerprint]] = {}
    for box in await store.mailboxes(account):
        beneath = apart_from and f"{box.path}{DELIMITER}".startswith(f"{apart_from}{DELIMITER}")
        if box.selectable and not beneath:
            inventory[box.path] = [each async for page in store.fingerprints(box.id) for each in page]
    return inventory


async def what_changed(then: MailStore, now: MailStore, account: AccountId, apart_from: str = "") -> WhatChanged:
    """How an account in `now` differs from what it was in `then`, the mailboxes of `apart_from` not looked at."""
    return compare(await take_inventory(then, account, apart_from), await take_inventory(now, account, apart_from))


def compare(then: Inventory, now: Inventory) -> WhatChanged:
    """How two states differ."""
    left_then: list[Lying] = []
    left_now: dict[Key, list[Lying]] = defaultdict(list)
    flags: list[Pair] = []
    for path in [*then, *(path for path in now if path not in then)]:
        there: dict[Key, list[Fingerprint]] = defaultdict(list)
        for message in reversed(now.get(path, ())):
            there[key_of(message)].append(message)
        for message in then.get(path, ()):
            same = there.get(key_of(message))
            if not same:
                left_then.append(Lying(path, message))
                continue
            found = same.pop()
            if (found.flags, found.keywords) != (message.flags, message.keywords):
                flags.append(Pair(Lying(path, message), Lying(path, found)))
        for key, messages in there.items():
            left_now[key] += [Lying(path, message) for message in messages]
    gone: list[Lying] = []
    moved: list[Pair] = []
    for lying in left_then:
        others = left_now.get(key_of(lying.message))
        if others:
            moved.append(Pair(lying, others.pop()))
        else:
            gone.append(lying)
    came = sorted((lying for lyings in left_now.values() for lying in lyings), key=_place)
    return WhatChanged(
        gone, came, moved, flags, [path for path in then if path not in now], [path for path in now if path not in then]
    )


def _place(lying: Lying) -> tuple[str, int]:
    return lying.mailbox, lying.message.uid


async def tell(store: MailStore, account: AccountId, lyings: Sequence[Lying]) -> list[Told]:
    """What people know messages by; they are read from the store that they lie in, those that are gone as blanks."""
    told: dict[tuple[str, int], Told] = {}
    by_mailbox: dict[str, list[int]] = defaultdict(list)
    for mailbox, message in lyings:
        by_mailbox[mailbox].append(message.uid)
    for path, uids in by_mailbox.items():
        box = await store.mailbox(account, path)
        async for page in store.fetch(box.id, sorted(uids), Wanted.FIELDS):
            for found in page:
                told[path, found.uid] = _told(prepare(found.fields + b"\r\n"))
    nothing = Told("", "", "")
    return [told.get((mailbox, message.uid), nothing) for mailbox, message in lyings]


def _told(prepared: Prepared) -> Told:
    return Told(prepared.subject, prepared.from_, prepared.message_id.decode("utf-8", "replace"))
