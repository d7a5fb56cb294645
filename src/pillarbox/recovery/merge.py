"""Mail of one store brought into another: dial-tone mail into the restored database, or what was lost back to a person.

Mailboxes are made where they are missing (with role and subscription, where the role is not taken), messages come with
flags, keywords, the time they were received, and their trace headers, octet for octet. A message that lies in the same
mailbox already is left alone, so that a merge that is repeated doubles nothing, and one that was interrupted goes
on. Quotas are counted and never refuse what comes back. What cannot be read in the source is named and left out.

Raises `Failure` as the stores do; what was placed until then stays. Not merged: deleted items, and changed flags of
messages that are there.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import NamedTuple

from pillarbox.base.failure import FailureKind
from pillarbox.mime.prepared import prepare
from pillarbox.model.content import Body
from pillarbox.model.email import Flag, Message, Wanted
from pillarbox.model.failure import Failure
from pillarbox.model.ids import AccountId, MailboxId
from pillarbox.model.mailbox import DELIMITER, Mailbox, Role
from pillarbox.model.search import Criterion
from pillarbox.model.store import Fingerprint, MailStore, Upload
from pillarbox.recovery.inventory import Key, Lying, key_of, what_changed

_BATCH = 100
_BATCH_OCTETS = 8 << 20

Progress = Callable[[int, int], None]
"""Called with how many messages and octets were dealt with since the last call."""


class Selection(NamedTuple):
    """Which messages: of one `mailbox`, with these `uids`, contents' `digests`, or that a search finds; None: any.

    With `missing`, only those that lie nowhere in the target now (what lies in the mailbox `apart_from` or beneath it
    does not count); they come back without the deleted flag.
    """

    mailbox: str | None = None
    uids: frozenset[int] | None = None
    digests: frozenset[bytes] | None = None
    criterion: "Criterion | None" = None
    missing: bool = False
    apart_from: str = ""


class Merged(NamedTuple):
    """What a merge did: messages `copied`, and `present` already; `unreadable` are sentences."""

    copied: int
    present: int
    octets: int
    unreadable: list[str]

    def plus(self, other: "Merged") -> "Merged":
        """Both together."""
        return Merged(
            self.copied + other.copied,
            self.present + other.present,
            self.octets + other.octets,
            self.unreadable + other.unreadable,
        )


EVERYTHING = Selection()
NOTHING_YET = Merged(0, 0, 0, [])


async def select(
    source: MailStore, account: AccountId, selection: Selection
) -> AsyncIterator[tuple[Mailbox, list[Fingerprint]]]:
    """Each mailbox with the messages that are meant (`missing` apart). Raises NOT_FOUND for a mailbox that is not."""
    if selection.mailbox is None:
        boxes = [box for box in await source.mailboxes(account) if box.selectable]
    else:
        boxes = [await source.mailbox(account, selection.mailbox)]
    for box in boxes:
        chosen = [each async for page in source.fingerprints(box.id) for each in page]
        if selection.uids is not None:
            chosen = [each for each in chosen if each.uid in selection.uids]
        if selection.digests is not None:
            chosen = [each for each in chosen if each.digest in selection.digests]
        if selection.criterion is not None and chosen:
            found = frozenset(await source.search(box.id, selection.criterion))
            chosen = [each for each in chosen if each.uid in found]
        yield box, chosen


async def merge(
    source: MailStore,
    target: MailStore,
    account: AccountId,
    progress: Progress,
    *,
    selection: Selection = EVERYTHING,
    prefix: str = "",
) -> Merged:
    """Brings messages of an account into the same account, which is open in the target already; see the module.

    With a `prefix` they come into mailboxes beneath that one.
    """
    chosen = [each async for each in select(source, account, selection)]
    if selection.missing:
        changed = await what_changed(source, target, account, selection.apart_from)
        chosen = _among(changed.gone, chosen)
    total = NOTHING_YET
    for box, messages in chosen:
        if messages or selection == EVERYTHING:
            part = await _Merge(source, target, account, prefix, progress).mailbox(box, messages, selection.missing)
            total = total.plus(part)
    return total


def _among(
    lost: Sequence[Lying], chosen: Sequence[tuple[Mailbox, list[Fingerprint]]]
) -> list[tuple[Mailbox, list[Fingerprint]]]:
    """Those of the chosen messages that are lost."""
    gone = {(lying.mailbox, lying.message.uid) for lying in lost}
    return [
        (box, [_undeleted(message) for message in messages if (box.path, message.uid) in gone])
        for box, messages in chosen
    ]


def _undeleted(message: Fingerprint) -> Fingerprint:
    return message._replace(flags=message.flags & ~int(Flag.DELETED))


class _Merge:
    """One merge of one account."""

    def __init__(
        self, source: MailStore, target: MailStore, account: AccountId, prefix: str, progress: Progress
    ) -> None:
        self._source = source
        self._target = target
        self._account = account
        self._prefix = prefix
        self._progress = progress

    async def mailbox(self, box: Mailbox, messages: list[Fingerprint], known_missing: bool) -> Merged:
        """Brings messages of one mailbox of the source; all of them where they are `known_missing`."""
        path = f"{self._prefix}{DELIMITER}{box.path}" if self._prefix else box.path
        into = await self._find_or_make(path, box)
        there: Counter[Key] = Counter()
        if not known_missing:
            there.update([key_of(each) async for page in self._target.fingerprints(into) for each in page])
        wanted = []
        for message in messages:
            key = key_of(message)
            if there[key]:
                there[key] -= 1
            else:
                wanted.append(message)
        present = len(messages) - len(wanted)
        if present:
            self._progress(present, 0)
        done = Merged(0, present, 0, [])
        for batch in _batches(wanted):
            done = done.plus(await self._copy(box, batch, into))
        return done

    async def _find_or_make(self, path: str, like: Mailbox) -> MailboxId:
        try:
            return (await self._target.mailbox(self._account, path)).id
        except Failure as failure:
            if failure.kind is not FailureKind.NOT_FOUND:
                raise
        made = await self._make(path, None if self._prefix else like.role)
        if like.subscribed:
            await self._target.subscribe(self._account, path, True)
        return made.id

    async def _make(self, path: str, role: Role | None) -> Mailbox:
        if role is not None:
            try:
                return await self._target.create_mailbox(self._account, path, role)
            except Failure as failure:
                if failure.kind is not FailureKind.NOT_ALLOWED:  # which says that another mailbox has it
                    raise
        return await self._target.create_mailbox(self._account, path)

    async def _copy(self, box: Mailbox, batch: Sequence[Fingerprint], into: MailboxId) -> Merged:
        unreadable: list[str] = []
        try:
            uploads = await self._load(box, batch)
        except Failure as failure:
            if failure.kind is not FailureKind.CORRUPT:
                raise
            uploads = await self._load_one_by_one(box, batch, unreadable)
        if uploads:
            await self._target.append(into, uploads, beyond_quota=True)
        octets = sum(len(upload.trace) + upload.body.size for upload in uploads)
        self._progress(len(batch), octets)
        return Merged(len(uploads), 0, octets, unreadable)

    async def _load(self, box: Mailbox, batch: Sequence[Fingerprint]) -> list[Upload]:
        """Messages ready to be put in; those that are gone are left out."""
        known = {message.uid: message for message in batch}
        uploads = []
        async for page in self._source.fetch(box.id, list(known), Wanted.CONTENT):
            for message in page:
                uploads.append(_upload(message, known[message.uid]))
                await asyncio.sleep(0)
        return uploads

    async def _load_one_by_one(self, box: Mailbox, batch: Sequence[Fingerprint], unreadable: list[str]) -> list[Upload]:
        """The same where one of them is damaged."""
        uploads = []
        for message in batch:
            try:
                uploads += await self._load(box, [message])
            except Failure as failure:
                if failure.kind is not FailureKind.CORRUPT:
                    raise
                unreadable.append(f"message {message.uid} of {box.path}: {failure.public}")
        return uploads


def _upload(message: Message, known: Fingerprint) -> Upload:
    assert message.content is not None, "the content was asked for"
    data = b"".join(message.content.pieces())
    trace, content = data[: message.trace_size], data[message.trace_size :]
    words = frozenset(known.keywords.split())
    return Upload(Body(content), prepare(content), known.flags, words, known.received_at, trace)


def _batches(messages: Sequence[Fingerprint]) -> Iterator[list[Fingerprint]]:
    """Small in number and in octets."""
    batch: list[Fingerprint] = []
    octets = 0
    for message in messages:
        if batch and (len(batch) >= _BATCH or octets + message.size > _BATCH_OCTETS):
            yield batch
            batch, octets = [], 0
        batch.append(message)
        octets += message.size
    if batch:
        yield batch
