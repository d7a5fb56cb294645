"""Maildir: one file per message, in `cur` and `new`; further mailboxes as ".A.B" (Maildir++) or as nested folders.

Flags are the letters behind ":2,"; the small letters a-z are keywords that `dovecot-keywords` names. A file's
modification time is when it was received. Mailbox names in Maildir++ are in modified UTF-7 (RFC 3501 section
5.1.3), a dot within a level as "&AC4-".
"""

import os
from collections.abc import Iterator
from pathlib import Path

from pillarbox.app.transfer.letter import Letter, Place, with_crlf
from pillarbox.model.email import Flag
from pillarbox.model.mailbox import INBOX
from pillarbox.wire.imap import mutf7

_LETTERS = {"S": Flag.SEEN, "R": Flag.ANSWERED, "F": Flag.FLAGGED, "T": Flag.DELETED, "D": Flag.DRAFT}
_NANOSECONDS_PER_MICROSECOND = 1000


class MaildirSource:
    """A Maildir and the mailboxes in it."""

    def __init__(self, path: Path, mailbox: str) -> None:
        self._path = path
        self._mailbox = mailbox
        self._keywords: dict[str, dict[str, str]] = {}

    def places(self) -> Iterator[Place]:
        yield from self._walk(self._path, self._mailbox or INBOX)

    def _walk(self, folder: Path, mailbox: str) -> Iterator[Place]:
        for part in ("cur", "new"):
            if (folder / part).is_dir():
                for name in sorted(os.listdir(folder / part)):
                    if not name.startswith("."):
                        yield Place(mailbox, f"{folder}/{part}/{name}", 0, 0)
        for entry in sorted(folder.iterdir()):
            if entry.is_dir() and is_maildir(entry) and entry.name not in ("cur", "new", "tmp"):
                yield from self._walk(entry, self._below(mailbox, entry.name))

    def _below(self, mailbox: str, name: str) -> str:
        levels = [_decoded(level) for level in name.removeprefix(".").split(".")] if name.startswith(".") else [name]
        top = self._mailbox if mailbox in (INBOX, self._mailbox) else mailbox
        return "/".join(([top] if top else []) + [level.replace("/", "_") for level in levels if level])

    def load(self, place: Place) -> Letter:
        with open(place.file, "rb") as file:
            data = file.read()
            received_at = os.fstat(file.fileno()).st_mtime_ns // _NANOSECONDS_PER_MICROSECOND
        _, _, letters = place.file.rpartition("/")[2].partition(":2,")
        flags, keywords = Flag.NONE, set[str]()
        for letter in letters:
            flags |= _LETTERS.get(letter, Flag.NONE)
            if "a" <= letter <= "z":
                keywords.add(self._keyword(place.file, letter))
        return Letter(with_crlf(data), flags, frozenset(keywords - {""}), received_at)

    def _keyword(self, file: str, letter: str) -> str:
        folder = os.path.dirname(os.path.dirname(file))
        if folder not in self._keywords:
            self._keywords[folder] = keyword_names(Path(folder, "dovecot-keywords"))
        return self._keywords[folder].get(letter, "")


def is_maildir(path: Path) -> bool:
    """Whether a folder is a Maildir."""
    return (path / "cur").is_dir() or (path / "new").is_dir()


def keyword_names(path: Path) -> dict[str, str]:
    """The keywords that the letters a-z stand for in a mailbox, by letter; empty where no file says so."""
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return {}
    pairs = (line.split(" ", 1) for line in lines if " " in line)
    return {chr(97 + int(number)): name for number, name in pairs if number.isdigit() and int(number) < 26}


def _decoded(level: str) -> str:
    try:
        return mutf7.decode(level.encode("utf-8", "surrogateescape"))
    except ValueError:
        return level.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def folder_name(path: str) -> str:
    """A mailbox path as the name of a Maildir++ folder, "" for the inbox."""
    if path == INBOX:
        return ""
    return "." + ".".join(mutf7.encode(level).decode().replace(".", "&AC4-") for level in path.split("/"))


def file_name(letter: Letter, unique: str, keywords: list[str]) -> str:
    """A letter's file name in `cur`; `keywords` is the mailbox's list, which grows by those that are new."""
    marks = {mark for mark, flag in _LETTERS.items() if letter.flags & flag}
    for keyword in sorted(letter.keywords):
        if keyword not in keywords and len(keywords) < 26:
            keywords.append(keyword)
        if keyword in keywords:
            marks.add(chr(97 + keywords.index(keyword)))
    return f"{letter.received_at // 1_000_000}.{unique}.pillarbox:2,{''.join(sorted(marks))}"
