"""Which databases of a site are to stay closed, and who has them open: state that outlives every process.

`<site>/state/dismounted/<name>` is there while a database is dismounted; it says why, since when, and what is still to
be done before it may be opened. `<data>/<name>.mounted` is a file on which every process that has the database
open holds a shared lock (flock), and which whoever exchanges its files takes for itself alone.
A process takes its share first and looks for the file of the first kind after that; so once it is written, and
the lock was had alone, nobody has the database open, and nobody opens it until the file is gone.
"""

import fcntl
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from pillarbox.app.site import Site
from pillarbox.base.clock import SystemClock
from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure

PATIENCE = 30.0
"""Seconds that processes are given to let go of a database."""

_PAUSE = 0.02


class Dismounted(NamedTuple):
    """Why a database stays closed, since when (microseconds), and what is to be done before it is opened.

    `new_generation`: its log goes on from where the database file is, not from where the log was, as a generation
    later than `beyond` (the newest known at the targets). `renew_uids`: uids may be given again that clients have seen
    for other messages, so every mailbox needs a new UIDVALIDITY.
    """

    reason: str
    since: int
    new_generation: bool = False
    renew_uids: bool = False
    beyond: int = 0


def dismounted_directory(site: Site) -> Path:
    """Holds a file for each database that is dismounted."""
    return site.state / "dismounted"


def dismounted(site: Site, name: str) -> Dismounted | None:
    """Why a database is dismounted; None where it is not."""
    try:
        values = json.loads((dismounted_directory(site) / name).read_text("utf-8"))
        return Dismounted(
            str(values["reason"]),
            int(values["since"]),
            bool(values["new_generation"]),
            bool(values["renew_uids"]),
            int(values.get("beyond", 0)),
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        return Dismounted("its state file cannot be read", 0)


def set_dismounted(site: Site, name: str, why: Dismounted) -> None:
    """Writes it, durably."""
    write_durably(dismounted_directory(site) / name, json.dumps(why._asdict()))


def clear_dismounted(site: Site, name: str) -> None:
    """The database may be opened again: every process does, within a second."""
    folder = dismounted_directory(site)
    (folder / name).unlink(missing_ok=True)
    if folder.exists():
        flush_directory(folder)


def write_durably(path: Path, text: str) -> None:
    """A small file, whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    flush_directory(path.parent)


def flush_directory(path: Path) -> None:
    """What was made, moved or removed in a directory is so for good."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Hold:
    """One process's share in a database that it has open."""

    def __init__(self, site: Site, name: str) -> None:
        """Raises Failure UNAVAILABLE where the data volume is not there, or the files are being exchanged."""
        self._file = _open_lock(site, name)
        try:
            fcntl.flock(self._file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            raise Failure(
                FailureKind.UNAVAILABLE, f"The files of database {name} are being exchanged just now; try again."
            ) from None

    def release(self) -> None:
        """No file of the database is open any more."""
        os.close(self._file)


@contextmanager
def alone(site: Site, name: str, patience: float = PATIENCE) -> Iterator[None]:
    """While in here nobody has the database open. Raises Failure IN_USE where somebody does not let go in time."""
    file = _open_lock(site, name)
    try:
        _take(file, name, patience)
        yield
    finally:
        os.close(file)


def _take(file: int, name: str, patience: float) -> None:
    clock = SystemClock()
    deadline = clock.monotonic() + patience
    pause = threading.Event()
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if clock.monotonic() >= deadline:
                raise Failure(
                    FailureKind.IN_USE,
                    f"Database {name} is still open in {_holders(file)}, {patience:.0f} seconds after it was told to "
                    "let go; end that and try again.",
                ) from None
        pause.wait(_PAUSE)


def _open_lock(site: Site, name: str) -> int:
    try:
        return os.open(site.data_volume / f"{name}.mounted", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Failure(
            FailureKind.UNAVAILABLE,
            f"The data volume {site.data_volume} is not there ({error.strerror}): mount it.",
            error,
        ) from error


def _holders(file: int) -> str:
    """Which processes hold a share, as far as the system tells."""
    inode = os.fstat(file).st_ino
    try:
        lines = Path("/proc/locks").read_text("ascii").splitlines()
    except OSError:
        lines = []
    words = [line.split() for line in lines]
    pids = sorted({word[4] for word in words if "->" not in word and word[5].endswith(f":{inode}")})
    return f"process {', '.join(pids)}" if pids else "another process"
