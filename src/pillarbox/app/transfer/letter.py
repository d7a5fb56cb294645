"""The nouns of import and export: a letter in a file, and where it lies there.

A `Source` lists `Place`s in a fixed order and loads each on demand, so that listing is quick, loading can be done in
another process, and an interrupted import knows where it was. Line ends become CRLF on the way in.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from pillarbox.mime import date

_BARE_LF = re.compile(rb"(?<!\r)\n")
_HEADER_END = re.compile(rb"\r?\n\r?\n")
_DATED = re.compile(rb"^(Received|Date):([^\n]*(?:\n[ \t][^\n]*)*)", re.I | re.M)
_HEADER_LOOKED_AT = 65536


class Place(NamedTuple):
    """Where a letter lies: `mailbox` is the path it belongs in, `start` and `end` an mbox file's octets."""

    mailbox: str
    file: str
    start: int
    end: int


class Letter(NamedTuple):
    """A message with CRLF line ends, its flags, and when it was received (microseconds since 1970 UTC)."""

    data: bytes
    flags: int
    keywords: frozenset[str]
    received_at: int


class Source(Protocol):
    """Mail in files; cheap to send to another process."""

    def places(self) -> Iterator[Place]:
        """Every letter, in the same order each time."""

    def load(self, place: Place) -> Letter:
        """Raises OSError where the file is gone or cannot be read."""


def with_crlf(data: bytes) -> bytes:
    """The same lines, each ended by CRLF."""
    if b"\r" not in data:
        return data.replace(b"\n", b"\r\n")
    if data.count(b"\n") == data.count(b"\r\n"):
        return data
    return _BARE_LF.sub(b"\r\n", data)


def date_of(data: bytes, otherwise: int) -> int:
    """When a message was received, by its newest Received field, else its Date field, else `otherwise`."""
    end = _HEADER_END.search(data, 0, _HEADER_LOOKED_AT)
    limit = end.start() + 2 if end else min(len(data), _HEADER_LOOKED_AT)
    fields = [(found[1].lower(), found[2]) for found in _DATED.finditer(data, 0, limit)]
    for name in (b"received", b"date"):
        value = next((value for field, value in fields if field == name), None)
        if value is not None:
            when = date.parse(value.rpartition(b";")[2])
            if when is not None and when > 0:
                return when
    return otherwise


def safe_level(name: str) -> str:
    """A mailbox level as a file name: nothing hidden, no separator, never empty."""
    cleaned = name.replace("/", "_").replace("\0", "_")
    return "_" + cleaned if cleaned.startswith(".") or not cleaned else cleaned


def level_of(path: Path) -> str:
    """A file or folder name as a mailbox level."""
    return path.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
