"""Bringing mail in: from a source of letters into one person's mailboxes.

Loading and preparing run in other processes, a bounded number of batches ahead, so that memory stays flat and all
cores work; placing runs here, one durable commit per batch. A letter whose bytes already lie in its mailbox is
skipped, so importing twice doubles nothing. A journal says how many letters of the source are done; an
interrupted import of the same source goes on there. A letter that cannot be read is reported and left out.
"""

import asyncio
import json
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from hashlib import sha256
from itertools import groupby, islice
from pathlib import Path
from typing import NamedTuple

from pillarbox.app.transfer.letter import Letter, Place, Source
from pillarbox.base.failure import FailureKind
from pillarbox.mime.prepared import Prepared, prepare
from pillarbox.model.content import Body
from pillarbox.model.failure import Failure
from pillarbox.model.ids import AccountId
from pillarbox.model.mailbox import Mailbox
from pillarbox.model.store import MailStore, Upload

_BATCH = 200
_BATCH_OCTETS = 8 * 1024 * 1024


class Loaded(NamedTuple):
    """One letter ready to be placed, or why it could not be read."""

    place: Place
    letter: Letter | None
    prepared: Prepared | None
    error: str


class Summary(NamedTuple):
    """What an import did. `unreadable` are sentences."""

    imported: int
    skipped: int
    unreadable: list[str]


Progress = Callable[[int, int], None]
"""Called after each batch with how many letters and octets were done in it."""


class Journal:
    """How far an import of one source into one account has come."""

    def __init__(self, directory: Path, account: AccountId, source: str) -> None:
        name = sha256(f"{account}\0{source}".encode()).hexdigest()[:16]
        self._path = directory / f"import-{name}.json"

    def done(self) -> int:
        """How many letters were done when it was interrupted, 0 where it was not."""
        try:
            return int(json.loads(self._path.read_text("ascii"))["done"])
        except (OSError, ValueError, KeyError):
            return 0

    def advance(self, done: int) -> None:
        """Notes that the first `done` letters are safe."""
        new = self._path.with_suffix(".new")
        new.write_text(json.dumps({"done": done}), "ascii")
        new.replace(self._path)

    def finish(self) -> None:
        """The import is complete: a further one begins anew."""
        self._path.unlink(missing_ok=True)


def load_batch(source: Source, places: list[Place]) -> list[Loaded]:
    """Loads and prepares letters; runs in a process of its own."""
    batch = []
    for place in places:
        try:
            letter = source.load(place)
        except OSError as error:
            batch.append(Loaded(place, None, None, f"{place.file}: {error.strerror}"))
        else:
            batch.append(Loaded(place, letter, prepare(letter.data), ""))
    return batch


def batches(places: Iterable[Place]) -> Iterator[list[Place]]:
    """Places in groups that are small in number and in octets."""
    batch: list[Place] = []
    octets = 0
    for place in places:
        try:
            size = place.end - place.start or os.path.getsize(place.file)
        except OSError:
            size = 0
        if batch and (len(batch) >= _BATCH or octets + size > _BATCH_OCTETS):
            yield batch
            batch, octets = [], 0
        batch.append(place)
        octets += size
    if batch:
        yield batch


class Importer:
    """One import of one source into one account."""

    def __init__(self, store: MailStore, account: AccountId, source: Source, journal: Journal) -> None:
        self._store = store
        self._account = account
        self._source = source
        self._journal = journal
        self._mailboxes: dict[str, Mailbox] = {}
        self._imported = 0
        self._skipped = 0
        self._unreadable: list[str] = []

    async def run(self, progress: Progress, processes: int) -> Summary:
        """Imports all that the journal does not know as done.

        Raises Failure OVER_QUOTA, DISK_FULL or UNAVAILABLE; what was placed stays, and the journal knows it.
        """
        done = self._journal.done()
        if done:
            progress(done, 0)
        waiting = batches(islice(self._source.places(), done, None))
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(processes, mp_context=context) as pool:
            ahead: list[Future[list[Loaded]]] = []
            try:
                while True:
                    while len(ahead) <= processes and (batch := next(waiting, None)):
                        ahead.append(pool.submit(load_batch, self._source, batch))
                    if not ahead:
                        break
                    loaded = await asyncio.wrap_future(ahead.pop(0))
                    await self._place(loaded)
                    done += len(loaded)
                    self._journal.advance(done)
                    progress(len(loaded), sum(len(item.letter.data) for item in loaded if item.letter))
            finally:
                pool.shutdown(cancel_futures=True)
        self._journal.finish()
        return Summary(self._imported, self._skipped, self._unreadable)

    async def _place(self, loaded: list[Loaded]) -> None:
        for path, group in groupby(loaded, key=lambda item: item.place.mailbox):
            new: dict[bytes, Upload] = {}
            count = 0
            for item in group:
                if item.letter is None or item.prepared is None:
                    self._unreadable.append(item.error)
                    continue
                count += 1
                letter = item.letter
                upload = Upload(Body(letter.data), item.prepared, letter.flags, letter.keywords, letter.received_at)
                new.setdefault(letter.data, upload)
            mailbox = await self._mailbox(path)
            uploads = list(new.values())
            present = await self._store.has_content(mailbox.id, [upload.body for upload in uploads])
            uploads = [upload for upload, there in zip(uploads, present, strict=True) if not there]
            if uploads:
                await self._store.append(mailbox.id, uploads)
            self._imported += len(uploads)
            self._skipped += count - len(uploads)

    async def _mailbox(self, path: str) -> Mailbox:
        if path not in self._mailboxes:
            try:
                mailbox = await self._store.mailbox(self._account, path)
            except Failure as failure:
                if failure.kind is not FailureKind.NOT_FOUND:
                    raise
                mailbox = await self._store.create_mailbox(self._account, path)
                await self._store.subscribe(self._account, path, True)
            self._mailboxes[path] = mailbox
        return self._mailboxes[path]
