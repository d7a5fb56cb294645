"""One at a time: a lock on a file, held for a `with` block and let go by the system if the process dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure


@contextmanager
def exclusively(path: Path, what: str) -> Iterator[None]:
    """Hold the lock at `path`; its directory must be there. Raises IN_USE at once where somebody else holds it.

    `what` is for the sentence: "another backup". The file stays, it means nothing.
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Failure(FailureKind.IN_USE, f"{what} is running", error) from error
        yield
    finally:
        os.close(file)
