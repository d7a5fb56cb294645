"""An SQLite VFS that fails on demand, for the database file itself (the rest is `faultydisk.py`).

vfs = FaultyVfs("faulty")            pass Surroundings(vfs="faulty"); unregister() at the end
vfs.fail(apsw.FullError)             every write fails from now on, until `mend`
vfs.fail(apsw.IOError, after=3)      all but the next three
"""

import apsw


class FaultyVfs(apsw.VFS):
    """See the module."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "")
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

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        return FaultyVfsFile(self, name, flags)


class FaultyVfsFile(apsw.VFSFile):
    """A file of a faulty VFS."""

    def __init__(self, vfs: FaultyVfs, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        super().__init__("", name, flags)
        self._vfs = vfs

    def xWrite(self, data: bytes, offset: int) -> None:
        self._vfs.check()
        super().xWrite(data, offset)
