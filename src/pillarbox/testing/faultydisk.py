"""A disk that fails on demand: `pillarbox.database.disk.Disk` over real files, with faults, a limit and power cuts.

    disk = FaultyDisk()
    disk.fail("flush", errno.EIO, path="/log2")            the next flush of a file whose path contains "/log2"
    disk.fail("write", errno.EIO, after=3, keep=10)        the fourth write from now; 10 octets of it arrive
    disk.room["/log"] = 5000                               files whose path contains "/log" may grow by 5000 octets
    disk.on_call = hook                                    called before each operation with its name and path
    disk.cut_power()                                       undo what was not flushed

Operations are named open, read, write, flush, cut, size, exists, list, replace, remove, flush_directory, acquire and
release. `cut_power` undoes the contents of files not yet flushed, and names made, replaced or removed in directories
not yet flushed, as the worst of disks may; whoever had them open must not go on using them.
"""

import errno
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pillarbox.database.disk import Lock, OpenFile, SystemDisk, SystemFile, SystemLock


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

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.room: dict[str, int] = {}
        self.on_call: Callable[[str, Path], None] | None = None
        self.calls: list[tuple[str, Path]] = []
        self._undo_contents: dict[Path, Callable[[], object]] = {}
        self._undo_names: dict[Path, list[Callable[[], object]]] = {}

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

    def cut_power(self) -> None:
        """Put every file and directory back to what was last flushed."""
        for undo in self._undo_contents.values():
            undo()
        for steps in self._undo_names.values():
            for step in reversed(steps):
                step()
        self._undo_contents.clear()
        self._undo_names.clear()

    def check(self, operation: str, path: Path) -> int | None:
        """Count the call; raises OSError where it is to fail. For a write that fails late: how much arrives."""
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

    def remember_content(self, path: Path) -> None:
        """`path` is about to be changed; the first time since its last flush, keep what it holds."""
        if path not in self._undo_contents:
            before = path.read_bytes() if path.exists() else b""
            self._undo_contents[path] = lambda: path.write_bytes(before)

    def forget_content(self, path: Path) -> None:
        self._undo_contents.pop(path, None)

    # --- Disk -----------------------------------------------------------------------------------------------------

    def open(self, path: Path, *, create: bool = False) -> OpenFile:
        self.check("open", path)
        if create and not path.exists():
            self._undo_names.setdefault(path.parent, []).append(lambda: path.unlink(missing_ok=True))
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

        def undo() -> None:
            os.replace(new, old)
            if before is not None:
                new.write_bytes(before)

        self._undo_names.setdefault(new.parent, []).append(undo)
        if old in self._undo_contents:
            self._undo_contents[new] = self._undo_contents.pop(old)

    def remove(self, path: Path) -> None:
        self.check("remove", path)
        before = path.read_bytes()
        super().remove(path)
        self.take_room(path, -len(before))
        self._undo_names.setdefault(path.parent, []).append(lambda: path.write_bytes(before))

    def flush_directory(self, path: Path) -> None:
        self.check("flush_directory", path)
        super().flush_directory(path)
        self._undo_names.pop(path, None)

    def lock(self, path: Path) -> Lock:
        return FaultyLock(self, path)


class FaultyFile(SystemFile):
    """A file of a faulty disk."""

    def __init__(self, disk: FaultyDisk, path: Path, *, create: bool) -> None:
        super().__init__(path, create=create)
        self._disk = disk
        self._path = path

    def size(self) -> int:
        self._disk.check("size", self._path)
        return super().size()

    def read_at(self, size: int, offset: int) -> bytes:
        self._disk.check("read", self._path)
        return super().read_at(size, offset)

    def write_at(self, parts: Sequence[bytes], offset: int) -> None:
        keep = self._disk.check("write", self._path)
        data = b"".join(parts)
        size = super().size()
        growth = max(0, offset + len(data) - size)
        fits = self._disk.take_room(self._path, growth)
        self._disk.remember_content(self._path)
        if keep is not None:
            super().write_at([data[:keep]], offset)
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(self._path))
        if fits < growth:
            super().write_at([data[: len(data) - growth + fits]], offset)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
        super().write_at([data], offset)

    def flush(self) -> None:
        self._disk.check("flush", self._path)
        super().flush()
        self._disk.forget_content(self._path)

    def cut(self, size: int) -> None:
        self._disk.check("cut", self._path)
        self._disk.remember_content(self._path)
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
