"""Taking mail out: one person's mailboxes into mbox files, a Maildir, or a tree of .eml files.

A file appears under its final name only when it is whole. An interrupted export started again goes on: a Maildir or
eml file that is there is not written again, an mbox is written anew unless it was finished. Flags and the time of
arrival go along.
"""

import os
from collections.abc import AsyncIterator, Callable
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from pillarbox.app.transfer import eml, maildir, mbox
from pillarbox.app.transfer.letter import Letter, safe_level
from pillarbox.model.email import Message, Wanted
from pillarbox.model.ids import AccountId
from pillarbox.model.mailbox import Mailbox
from pillarbox.model.store import MailStore


class Format(str, Enum):
    """How mail lies in files."""

    MBOX = "mbox"
    MAILDIR = "maildir"
    EML = "eml"


class Exported(NamedTuple):
    """What an export did."""

    messages: int
    mailboxes: int


Progress = Callable[[int, int], None]


class Exporter:
    """One export of one account."""

    def __init__(self, store: MailStore, account: AccountId, target: Path, progress: Progress) -> None:
        self._store = store
        self._account = account
        self._target = target
        self._progress = progress

    async def run(self, kind: Format, only: str | None) -> Exported:
        """Writes all mailboxes, or `only` one. Raises Failure(NOT_FOUND), OSError where files cannot be written."""
        if only is None:
            mailboxes = [box for box in await self._store.mailboxes(self._account) if box.selectable]
        else:
            mailboxes = [await self._store.mailbox(self._account, only)]
        write = {Format.MBOX: self._to_mbox, Format.MAILDIR: self._to_maildir, Format.EML: self._to_eml}[kind]
        self._target.mkdir(parents=True, exist_ok=True)
        return Exported(sum([await write(mailbox) for mailbox in mailboxes]), len(mailboxes))

    async def _letters(self, mailbox: Mailbox, skip: frozenset[int]) -> AsyncIterator[tuple[Message, Letter]]:
        uids, _ = await self._store.uids(mailbox.id)
        wanted = [uid for uid in uids if uid not in skip]
        self._progress(len(uids) - len(wanted), 0)
        async for page in self._store.fetch(mailbox.id, wanted, Wanted.RECEIVED | Wanted.SIZE):
            for message in page:
                content = await self._store.content(mailbox.id, message.uid)
                if content is None:
                    continue
                data = b"".join(content.pieces())
                keywords = frozenset(message.keywords.split())
                yield message, Letter(data, message.flags, keywords, message.received_at)
                self._progress(1, len(data))

    async def _to_mbox(self, mailbox: Mailbox) -> int:
        path = self._target.joinpath(*map(safe_level, mailbox.path.split("/")))
        path = path.with_name(path.name + ".mbox")
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        count = 0
        with open(part, "wb") as file:
            async for _, letter in self._letters(mailbox, frozenset()):
                file.write(mbox.write(letter, ""))
                count += 1
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        return count

    async def _to_maildir(self, mailbox: Mailbox) -> int:
        folder = self._target / maildir.folder_name(mailbox.path)
        for part in ("cur", "new", "tmp"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        present = {name.split(".pillarbox", 1)[0].split(".", 1)[-1] for name in os.listdir(folder / "cur")}
        skip = frozenset(int(key.rpartition("-")[2]) for key in present if key.startswith(f"{mailbox.uid_validity}-"))
        keywords: list[str] = list(maildir.keyword_names(folder / "dovecot-keywords").values())
        count = len(skip)
        async for message, letter in self._letters(mailbox, skip):
            name = maildir.file_name(letter, f"{mailbox.uid_validity}-{message.uid}", keywords)
            _write_dated(folder / "tmp" / name, folder / "cur" / name, letter)
            count += 1
        if keywords:
            lines = [f"{number} {keyword}\n" for number, keyword in enumerate(keywords)]
            (folder / "dovecot-keywords").write_text("".join(lines), "utf-8")
        return count

    async def _to_eml(self, mailbox: Mailbox) -> int:
        folder = self._target.joinpath(*map(safe_level, mailbox.path.split("/")))
        folder.mkdir(parents=True, exist_ok=True)
        skip = frozenset(
            int(name.split(".")[0].rpartition("-")[2])
            for name in os.listdir(folder)
            if name.startswith(f"{mailbox.uid_validity}-") and name.endswith(".eml")
        )
        count = len(skip)
        with open(folder / eml.FLAGS_FILE, "a", encoding="utf-8") as flags:
            async for message, letter in self._letters(mailbox, skip):
                name = f"{mailbox.uid_validity}-{message.uid}.eml"
                words = eml.flag_words(letter)
                if words:
                    flags.write(f"{name}\t{words}\n")
                    flags.flush()
                _write_dated(folder / f"{name}.part", folder / name, letter)
                count += 1
        return count


def _write_dated(part: Path, path: Path, letter: Letter) -> None:
    part.write_bytes(letter.data)
    nanoseconds = letter.received_at * 1000
    os.utime(part, ns=(nanoseconds, nanoseconds))
    part.replace(path)
