"""Trees of .eml files: one message per file, folders as mailboxes.

Nothing but the message is in such a file. Flags are kept beside it, in `flags.tsv` of the same folder (file name,
flag words, separated by tabs), where there is one. A message's time of arrival is that of its newest Received
field, else its Date, else the file's modification time.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from pillarbox.app.transfer.letter import Letter, Place, date_of, level_of, with_crlf
from pillarbox.model.email import Flag
from pillarbox.model.mailbox import INBOX

FLAGS_FILE = "flags.tsv"
_WORDS = {f"\\{flag.name.capitalize()}": flag for flag in Flag if flag.name}


class EmlSource:
    """A folder of .eml files and the folders in it, or one file."""

    def __init__(self, path: Path, mailbox: str) -> None:
        self._path = path
        self._mailbox = mailbox
        self._flags: dict[str, dict[str, str]] = {}

    def places(self) -> Iterator[Place]:
        if self._path.is_file():
            yield Place(self._mailbox or INBOX, str(self._path), 0, 0)
        else:
            yield from self._walk(self._path, self._mailbox)

    def _walk(self, folder: Path, mailbox: str) -> Iterator[Place]:
        for entry in sorted(folder.iterdir()):
            if entry.is_dir():
                name = level_of(entry)
                yield from self._walk(entry, f"{mailbox}/{name}" if mailbox else name)
            elif entry.suffix.lower() == ".eml":
                yield Place(mailbox or INBOX, str(entry), 0, 0)

    def load(self, place: Place) -> Letter:
        with open(place.file, "rb") as file:
            data = with_crlf(file.read())
            modified = os.fstat(file.fileno()).st_mtime_ns // 1000
        folder, name = os.path.split(place.file)
        if folder not in self._flags:
            self._flags[folder] = _flags_in(Path(folder, FLAGS_FILE))
        flags, keywords = Flag.NONE, set[str]()
        for word in self._flags[folder].get(name, "").split():
            if word in _WORDS:
                flags |= _WORDS[word]
            else:
                keywords.add(word)
        return Letter(data, flags, frozenset(keywords), date_of(data, modified))


def _flags_in(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return {}
    return {name: words for name, _, words in (line.partition("\t") for line in lines)}


def flag_words(letter: Letter) -> str:
    """A letter's flags as they stand in `flags.tsv`."""
    system = [word for word, flag in _WORDS.items() if letter.flags & flag]
    return " ".join(system + sorted(letter.keywords))
