"""A database for tests of backup: any file on a disk, with no log worth the name behind it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pillarbox.model.recovery import LogPoint, LogUsage, Pinned, Span


class FileDatabase:
    """See `model.recovery.LiveDatabase`. `lsn` grows with each `write`; `generation` may be set. `pins` counts how
    often it was pinned, and `pinned` tells whether it is now."""

    def __init__(self, path: Path, name: str = "mailboxes", uuid: str = "0123456789abcdef" * 2) -> None:
        self.path = path
        self.generation = 1
        self.lsn = 0
        self.pins = 0
        self.pinned = False
        self._name = name
        self._uuid = uuid
        path.touch()

    @property
    def name(self) -> str:
        return self._name

    @property
    def uuid(self) -> str:
        return self._uuid

    def write(self, offset: int, data: bytes) -> None:
        """Change the file, as one record."""
        with self.path.open("r+b") as file:
            file.seek(offset)
            file.write(data)
        self.lsn += 1

    def position(self) -> LogPoint:
        return LogPoint(self.generation, self.lsn, 1, 512 + self.lsn)

    @contextmanager
    def pin(self) -> Iterator[Pinned]:
        self.pins += 1
        self.pinned = True
        try:
            yield Pinned(self.path, self.path.stat().st_size, self._uuid, "toy", 1, self.position())
        finally:
            self.pinned = False

    def spans(self, after: tuple[int, int, int] | None) -> list[Span]:
        return []

    def read_log(self, span: Span) -> bytes:
        raise AssertionError("there is no log")

    def prune(self, generation: int, lsn: int) -> int:
        return 0

    def usage(self) -> list[LogUsage]:
        return []
