"""What an unfinished backup has stored so far, so that the next one goes on from there.

A file of JSON lines on the server itself. The first line says which backup it is; each other line is one piece that
is durable at a target. It is only ever appended to, after the target's `flush`; a torn last line is ignored, and a
file that makes no sense at all means that nothing was stored. It is a help and never a truth: whoever uses it still
compares digests and looks whether the object is there. So a disk that does not take it is no reason to fail, either:
what could not be written is only not remembered.
"""

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from pillarbox.recovery.manifest import Piece
from pillarbox.recovery.names import Kind


class Begun(NamedTuple):
    """Which backup: when it was begun (microseconds), of which kind, and how its objects are wrapped."""

    time: int
    kind: Kind
    suffix: str
    recipients: tuple[str, ...]


class Entry(NamedTuple):
    """A piece of the database `uuid` that is durable at the target known as `target`."""

    target: str
    uuid: str
    piece: Piece


class Journal:
    """The file at `path`; its directory must be there."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> tuple[Begun, list[Entry]] | None:
        """What was begun and not finished; None: nothing."""
        try:
            lines = self._path.read_bytes().split(b"\n")
        except OSError:
            return None
        try:
            time, kind, suffix, recipients = json.loads(lines[0])
            begun = Begun(int(time), Kind(kind), str(suffix), tuple(recipients))
        except (ValueError, TypeError):
            return None
        entries = []
        for line in lines[1:]:
            try:
                target, uuid, piece = json.loads(line)
                entries.append(Entry(str(target), str(uuid), Piece(*piece)))
            except (ValueError, TypeError):
                break
        return begun, entries

    def begin(self, begun: Begun, entries: Iterable[Entry] = ()) -> None:
        """Start the file anew, with what is known already."""
        first = [begun.time, begun.kind.value, begun.suffix, list(begun.recipients)]
        part = self._path.with_name(self._path.name + ".part")
        with suppress(OSError):
            part.write_bytes(json.dumps(first).encode() + b"\n" + _lines(entries))
            part.replace(self._path)

    def append(self, entries: Iterable[Entry]) -> None:
        with suppress(OSError), self._path.open("ab") as file:
            file.write(_lines(entries))

    def end(self) -> None:
        """The backup is complete: there is nothing to go on with."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)


def _lines(entries: Iterable[Entry]) -> bytes:
    return b"".join(json.dumps([entry.target, entry.uuid, entry.piece]).encode() + b"\n" for entry in entries)
