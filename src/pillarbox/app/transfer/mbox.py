"""mbox files (RFC 4155, with the quoting of the "mboxrd" kind): one file per mailbox.

A message begins at a line "From " that follows an empty line (or begins the file) and carries a time. Flags are in
the Status, X-Status and X-Keywords fields, which belong to the file format: they are taken out when a letter is
read and put in when it is written. Lines of the message that begin with "From ", after any number of ">", are
written with one more ">" and read with one less, so that a letter comes back as it was.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_tz
from pathlib import Path

from pillarbox.app.transfer.letter import Letter, Place, date_of, level_of, with_crlf
from pillarbox.base.clock import MICROSECONDS
from pillarbox.model.email import Flag

_SEPARATOR = re.compile(rb"From [^\n]*\d:\d\d")
_SEPARATOR_LIMIT = 1000
_BLOCK = 1 << 20
_QUOTED = re.compile(rb"^>(>*From )", re.M)
_TO_QUOTE = re.compile(rb"^(>*From )", re.M)
_STATUS = re.compile(rb"^(Status|X-Status|X-Keywords):[ \t]*([^\n]*(?:\n[ \t][^\n]*)*)\n", re.I | re.M)
_LETTERS = {"R": Flag.SEEN, "A": Flag.ANSWERED, "F": Flag.FLAGGED, "D": Flag.DELETED, "T": Flag.DRAFT}


class MboxSource:
    """One mbox file, or a folder of them; Thunderbird's "name.sbd" folders hold what lies below "name"."""

    def __init__(self, path: Path, mailbox: str) -> None:
        self._path = path
        self._mailbox = mailbox

    def places(self) -> Iterator[Place]:
        if self._path.is_file():
            yield from _places_in(self._path, self._mailbox or level_of(self._path).removesuffix(".mbox"))
        else:
            yield from self._walk(self._path, self._mailbox)

    def _walk(self, folder: Path, prefix: str) -> Iterator[Place]:
        for entry in sorted(folder.iterdir()):
            name = level_of(entry).removesuffix(".sbd").removesuffix(".mbox")
            mailbox = f"{prefix}/{name}" if prefix else name
            if entry.is_dir():
                yield from self._walk(entry, mailbox)
            elif is_mbox(entry):
                yield from _places_in(entry, mailbox)

    def load(self, place: Place) -> Letter:
        with open(place.file, "rb") as file:
            file.seek(place.start)
            separator, _, data = file.read(place.end - place.start).partition(b"\n")
        return read(separator, data)


def is_mbox(path: Path) -> bool:
    """Whether a file begins as an mbox does."""
    with open(path, "rb") as file:
        return file.read(5) == b"From "


def _places_in(path: Path, mailbox: str) -> Iterator[Place]:
    start = -1
    for offset in _separators(path):
        if start >= 0:
            yield Place(mailbox, str(path), start, offset)
        start = offset
    if start >= 0:
        yield Place(mailbox, str(path), start, path.stat().st_size)


def _separators(path: Path) -> Iterator[int]:
    """Where the messages of a file begin; holds no more than a block of it in memory."""
    with open(path, "rb") as file:
        window = file.read(max(_BLOCK, _SEPARATOR_LIMIT))
        if _SEPARATOR.match(window, 0, _SEPARATOR_LIMIT):
            yield 0
        base = begin = 0
        block = window
        while block:
            block = file.read(_BLOCK)
            window += block
            # A line near the end is looked at with the next block, which may hold the rest of it.
            end = len(window) - (_SEPARATOR_LIMIT if block else 0)
            at = window.find(b"\nFrom ", begin)
            while 0 <= at < end:
                after_empty_line = window[max(0, at - 2) : at].endswith((b"\n", b"\n\r"))
                if after_empty_line and _SEPARATOR.match(window, at + 1, at + _SEPARATOR_LIMIT):
                    yield base + at + 1
                at = window.find(b"\nFrom ", at + 1)
            keep = max(end - 2, 0)
            base += keep
            begin = max(end, 0) - keep
            window = window[keep:]


def read(separator: bytes, data: bytes) -> Letter:
    """A letter from its "From " line and the lines up to the next one."""
    data = data.replace(b"\r\n", b"\n")
    if data.endswith(b"\n\n"):
        data = data[:-1]  # the empty line before the next separator
    if b">From " in data:
        data = _QUOTED.sub(rb"\1", data)
    header, blank, body = data.partition(b"\n\n")
    flags, keywords = Flag.NONE, frozenset[str]()
    for name, value in _STATUS.findall(header + b"\n"):
        words = value.decode("utf-8", "replace")
        if name.lower() == b"x-keywords":
            keywords = frozenset(words.split())
        else:
            for letter, flag in _LETTERS.items():
                flags |= flag if letter in words else Flag.NONE
    header = _STATUS.sub(b"", header + b"\n")[:-1]
    data = with_crlf(header + blank + body)
    parts = separator.split(None, 2)
    when = parsedate_tz(parts[2].decode("ascii", "replace")) if len(parts) == 3 else None
    received_at = _microseconds(when) if when else date_of(data, 0)
    return Letter(data, flags, keywords, received_at)


def _microseconds(when: tuple[int | None, ...]) -> int:
    year, month, day, hour, minute, second = (int(part or 0) for part in when[:6])
    try:
        moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    except ValueError:
        return 0
    return (int(moment.timestamp()) - int(when[9] or 0)) * MICROSECONDS


def write(letter: Letter, sender: str) -> bytes:
    """A letter as it stands in an mbox, with LF line ends, from its separator to the empty line after it."""
    moment = datetime.fromtimestamp(letter.received_at // MICROSECONDS, UTC)
    data = letter.data.replace(b"\r\n", b"\n")
    header, blank, body = data.partition(b"\n\n")
    status = "RO" if letter.flags & Flag.SEEN else "O"
    extra = "".join(mark for mark, flag in _LETTERS.items() if mark != "R" and letter.flags & flag)
    fields = f"\nStatus: {status}"
    fields += f"\nX-Status: {extra}" if extra else ""
    fields += f"\nX-Keywords: {' '.join(sorted(letter.keywords))}" if letter.keywords else ""
    text = header.removesuffix(b"\n") + fields.encode() + (blank or b"\n\n") + body
    separator = f"From {sender or 'MAILER-DAEMON'} {moment:%a %b %e %H:%M:%S %Y}\n".encode("utf-8", "replace")
    if b"From " in text:
        text = _TO_QUOTE.sub(rb">\1", text)
    return separator + text + (b"\n" if text.endswith(b"\n") else b"\n\n")
