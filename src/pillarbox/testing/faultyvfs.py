"""An SQLite VFS that fails on demand, for the database file itself (the rest is `faultydisk.py`).

    vfs = FaultyVfs("faulty")            pass Surroundings(vfs="faulty"); unregister() at the end
    vfs.fail(apsw.FullError)             every write fails from now on, until `mend`
    vfs.fail(apsw.IOError, after=3)      all but the next three
    FaultyVfs("faulty", power)           loses what was not synced when the power is cut, see power.py

The file that SQLite maps into memory (-shm) is lost with the power: remove it before the database is opened again.
"""

import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import apsw

from pillarbox.testing.power import Power, PowerCut

_SYNCED_WITH_ITS_NAME = apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_SUPER_JOURNAL


class FaultyVfs(apsw.VFS):
    """See the module."""

    def __init__(self, name: str, power: Power | None = None) -> None:
        super().__init__(name, "")
        self.power = power or Power()
        self._error: type[apsw.Error] | None = None
        self._after = 0

    def fail(self, error: type[apsw.Error], *, after: int = 0) -> None:
        """Fail every write but the next `after`."""
        self._error, self._after = error, after

    def mend(self) -> None:
        """No faults any more."""
        self._error = None

    def check(self) -> None:
        """Raises the error where a write is to fail."""
        if self._error is None:
            return
        if self._after:
            self._after -= 1
            return
        raise self._error("failing on demand")

    def spend(self, life: int | None = None) -> None:
        """Count an operation. Raises apsw.IOError where there is no power."""
        try:
            self.power.spend(life)
        except PowerCut as cut:
            raise apsw.IOError(str(cut)) from cut

    def need(self, life: int) -> None:
        """Raises apsw.IOError where there is no power."""
        try:
            self.power.need(life)
        except PowerCut as cut:
            raise apsw.IOError(str(cut)) from cut

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        return FaultyVfsFile(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        self.spend()
        path = Path(filename)
        content = b""
        with suppress(FileNotFoundError):
            content = path.read_bytes()
        super().xDelete(filename, syncdir)
        self.power.unflushed.removed(path, content)
        if syncdir:
            self.power.unflushed.names_flushed(path.parent)

    def excepthook(
        self, etype: type[BaseException] | None, evalue: BaseException | None, etraceback: TracebackType | None
    ) -> bool:
        """What SQLite cannot hand to its caller is no news here: the power is off."""
        return True


class FaultyVfsFile(apsw.VFSFile):
    """A file of a faulty VFS."""

    def __init__(self, vfs: FaultyVfs, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        given = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._path = Path(given) if given else None
        is_new = self._path is not None and bool(flags[0] & apsw.SQLITE_OPEN_CREATE) and not os.path.exists(self._path)
        if is_new:
            vfs.spend()
        super().__init__("", name, flags)
        self._vfs = vfs
        self._life = vfs.power.life
        self._new_name = is_new and bool(flags[0] & _SYNCED_WITH_ITS_NAME)
        if is_new and self._path is not None:
            vfs.power.unflushed.created(self._path)

    def xRead(self, amount: int, offset: int) -> bytes:
        self._vfs.need(self._life)
        return super().xRead(amount, offset)

    def xWrite(self, data: bytes, offset: int) -> None:
        self._vfs.check()
        self._vfs.spend(self._life)
        if self._path is not None:
            self._vfs.power.unflushed.writing(self._path, bytes(data), offset)
        super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:
        self._vfs.spend(self._life)
        if self._path is not None:
            self._vfs.power.unflushed.cutting(self._path, newsize)
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:
        self._vfs.spend(self._life)
        super().xSync(flags)
        if self._path is None:
            return
        self._vfs.power.unflushed.flushed(self._path)
        if self._new_name:
            self._new_name = False
            self._vfs.power.unflushed.names_flushed(self._path.parent)

    def excepthook(
        self, etype: type[BaseException] | None, evalue: BaseException | None, etraceback: TracebackType | None
    ) -> bool:
        """See `FaultyVfs.excepthook`."""
        return True
