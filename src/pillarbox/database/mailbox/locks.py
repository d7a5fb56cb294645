"""One holder of an account at a time, across processes: a lock on a file in a directory of the data volume.

The operating system gives the lock up when its process dies. Two sessions of one process exclude each other as
well, since each opens the file for itself. The file is removed with the lock; whoever opened it before that sees that
it is no longer the one with its name, and begins anew.
"""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.ids import AccountId


def acquire(directory: Path, account: AccountId) -> Callable[[], None]:
    """Takes the lock; the answer gives it up. Raises Failure IN_USE, or UNAVAILABLE where no file can be made."""
    path = directory / f"{account}.lock"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        while True:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            if _lock(handle, path):
                break
            os.close(handle)
    except OSError as error:
        raise Failure(FailureKind.UNAVAILABLE, "The maildrop cannot be locked", error) from error
    held = [handle]

    def release() -> None:
        if held:
            path.unlink(missing_ok=True)
            os.close(held.pop())

    return release


def _lock(handle: int, path: Path) -> bool:
    """Whether the open file is locked now and still has its name. Raises Failure(IN_USE)."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise Failure(FailureKind.IN_USE, "Another session holds this maildrop") from None
    try:
        named = os.stat(path)
    except FileNotFoundError:
        return False
    mine = os.fstat(handle)
    return (named.st_dev, named.st_ino) == (mine.st_dev, mine.st_ino)
