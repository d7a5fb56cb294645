"""A disk that fails on demand: `pillarbox.database.disk.Disk` over real files, with faults, a limit and power cuts.

    disk = FaultyDisk()
    disk.fail("flush", errno.EIO, path="/log2")            the next flush of a file whose path contains "/log2"
    disk.fail("write", errno.EIO, after=3, keep=10)        the fourth write from now; 10 octets of it arrive
    disk.room["/log"] = 5000                               files whose path contains "/log" may grow by 5000 octets
    disk.on_call = hook                                    called before each operation with its name and path
    disk.cut_power()                                       undo what was not flushed
    disk.cut_power(chance)                                 some of what was not flushed survives, see unflushed.py
    FaultyDisk(power)                                      on a machine with other disks, see power.py

Operations are named open, read, write, flush, cut, size, exists, list, replace, remove, flush_directory, acquire and
release. `cut_power` is about the contents of files not yet flushed, and names made, replaced or removed in directories
not yet flushed; whoever had them open must not go on using them.
"""

import errno
import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pillarbox.database.disk import Lock, OpenFile, SystemDisk, SystemFile, SystemLock
from pillarbox.testing.power import Power, PowerCut

_CHANGING = frozenset({"write", "flush", "cut", "replace", "remove", "flush_directory"})
_LOCKING = frozenset({"acquire", "release"})


@dataclass(slots=True)
class Fault:
    """The operations left to pass (`after`) and to fail (`times`; None: for ever)."""

    operation: str
    error: int
    path: str
    after: int
    times: int | None
    keep: int


class FaultyDisk(SystemDisk):
    """See the module."""

    def __init__(self, power: Power | None = None) -> None:
        self.power = power or Power()
        self.faults: list[Fault] = []
        self.room: dict[str, int] = {}
        self.on_call: Callable[[str, Path], None] | None = None
        self.calls: list[tuple[str, Path]] = []

    def fail(
        self, operation: str, error: int, *, path: str = "", after: int = 0, times: int | None = 1, keep: int = 0
    ) -> Fault:
        """Make an operation fail; the fault can be handed to `mend`."""
        fault = Fault(operation, error, path, after, times, keep)
        self.faults.append(fault)
        return fault

    def mend(self) -> None:
        """No faults any more, and room for everything."""
        self.faults.clear()
        self.room.clear()

    def cut_power(self, chance: random.Random | None = None) -> None:
        """Put every file and directory back to what was last flushed, but for what survived by `chance`."""
        self.power.back(chance)

    def check(self, operation: str, path: Path, life: int | None = None) -> int | None:
        """Count the call; raises OSError where it is to fail. For a write that fails late: how much arrives.

        `life`: the power's when the file was opened.
        """
        if operation not in _LOCKING:  # the kernel lets go of locks by itself
            try:
                (self.power.spend if operation in _CHANGING else self.power.need)(life)
            except PowerCut as cut:
                raise OSError(errno.EIO, str(cut), str(path)) from cut
        self.calls.append((operation, path))
        if self.on_call is not None:
            self.on_call(operation, path)
        for fault in self.faults:
            if fault.operation != operation or fault.path not in str(path) or fault.times == 0:
                continue
            if fault.after:
                fault.after -= 1
                continue
            if fault.times is not None:
                fault.times -= 1
            if fault.keep:
                return fault.keep
            raise OSError(fault.error, os.strerror(fault.error), str(path))
        return None

    def take_room(self, path: Path, growth: int) -> int:
        """How many of `growth` octets fit."""
        fits = growth
        for part, left in self.room.items():
            if part in str(path):
                fits = min(fits, left)
        for part in self.room:
            if part in str(path):
                self.room[part] -= fits
        return fits

    # --- Disk -----------------------------------------------------------------------------------------------------

    def open(self, path: Path, *, create: bool = False) -> OpenFile:
        self.check("open", path)
        if create and not path.exists():
            self.power.unflushed.created(path)
        return FaultyFile(self, path, create=create)

    def exists(self, path: Path) -> bool:
        self.check("exists", path)
        return super().exists(path)

    def list(self, directory: Path) -> list[str]:
        self.check("list", directory)
        return super().list(directory)

    def replace(self, old: Path, new: Path) -> None:
        self.check("replace", old)
        before = new.read_bytes() if new.exists() else None
        super().replace(old, new)
        self.power.unflushed.replaced(old, new, before)

    def remove(self, path: Path) -> None:
        self.check("remove", path)
        before = path.read_bytes()
        super().remove(path)
        self.take_room(path, -len(before))
        self.power.unflushed.removed(path, before)

    def flush_directory(self, path: Path) -> None:
        self.check("flush_directory", path)
        super().flush_directory(path)
        self.power.unflushed.names_flushed(path)

    def lock(self, path: Path) -> Lock:
        return FaultyLock(self, path)


class FaultyFile(SystemFile):
    """A file of a faulty disk."""

    def __init__(self, disk: FaultyDisk, path: Path, *, create: bool) -> None:
        super().__init__(path, create=create)
        self._disk = disk
        self._path = path
        self._life = disk.power.life

    def _check(self, operation: str) -> int | None:
        return self._disk.check(operation, self._path, self._life)

    def _put(self, data: bytes, offset: int) -> None:
        self._disk.power.unflushed.writing(self._path, data, offset)
        super().write_at([data], offset)

    def size(self) -> int:
        self._check("size")
        return super().size()

    def read_at(self, size: int, offset: int) -> bytes:
        self._check("read")
        return super().read_at(size, offset)

    def write_at(self, parts: Sequence[bytes], offset: int) -> None:
        keep = self._check("write")
        data = b"".join(parts)
        size = super().size()
        growth = max(0, offset + len(data) - size)
        fits = self._disk.take_room(self._path, growth)
        if keep is not None:
            self._put(data[:keep], offset)
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(self._path))
        if fits < growth:
            self._put(data[: len(data) - growth + fits], offset)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
        self._put(data, offset)

    def flush(self) -> None:
        self._check("flush")
        super().flush()
        self._disk.power.unflushed.flushed(self._path)

    def cut(self, size: int) -> None:
        self._check("cut")
        self._disk.power.unflushed.cutting(self._path, size)
        self._disk.take_room(self._path, size - super().size())
        super().cut(size)


class FaultyLock(SystemLock):
    """A lock whose taking and giving back are seen by `on_call`."""

    def __init__(self, disk: FaultyDisk, path: Path) -> None:
        super().__init__(path)
        self._disk = disk
        self._path = path

    def acquire(self) -> None:
        self._disk.check("acquire", self._path)
        super().acquire()

    def release(self) -> None:
        self._disk.check("release", self._path)
        super().release()
