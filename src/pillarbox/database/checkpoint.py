"""Moves what SQLite's write-ahead file holds into the database file, in a thread of its own, so that deliveries go on.

A checkpoint that runs beside writers never catches up with them, and only a file that was moved whole is begun anew.
When it has grown to `_FORCED` times the usual size, one checkpoint therefore runs under the database's lock: short,
since the ones before have done most of the work. A reader that holds an old view (a backup's, for as long as it
copies) puts it off: after a checkpoint that could move nothing, none is tried for a while.
"""

import threading
from collections.abc import Callable

import apsw

from pillarbox.database.disk import Lock
from pillarbox.database.log.mirror import Alarming
from pillarbox.model.logged import AlarmKind

_FORCED = 8
_PAUSES = (0.0, 0.2, 0.5, 1.0, 2.0)


class Checkpointer:
    """The thread. `lock` is a lock of its own on the database's lock file."""

    def __init__(self, connect: Callable[[], apsw.Connection], lock: Lock, pages: int, alarm: Alarming) -> None:
        self._connect = connect
        self._lock = lock
        self._limit = pages
        self._alarm = alarm
        self._pages = 0
        self._closed = False
        self._ending = threading.Event()
        self._vain = 0
        self._moved = 0
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="checkpoint", daemon=True)
        self._thread.start()

    def note(self, pages: int) -> None:
        """The write-ahead file has `pages` pages now."""
        self._pages = pages
        if pages >= self._limit:
            self._wake.set()

    def close(self) -> None:
        self._closed = True
        self._ending.set()
        self._wake.set()
        self._thread.join()
        self._lock.close()

    def _run(self) -> None:
        connection: apsw.Connection | None = None
        while True:
            self._wake.wait()
            self._ending.wait(_PAUSES[min(self._vain, len(_PAUSES) - 1)])
            self._wake.clear()
            if self._closed:
                break
            try:
                connection = connection or self._connect()
                self._checkpoint(connection)
            except apsw.BusyError:
                pass  # another process is at it
            except (apsw.Error, OSError) as error:
                self._alarm(AlarmKind.CHECKPOINT_FAILED, f"The data volume did not take a checkpoint: {error}.")
        if connection is not None:
            connection.close(force=True)

    def _checkpoint(self, connection: apsw.Connection) -> None:
        forced = self._pages >= self._limit * _FORCED and not self._vain
        if forced:
            self._lock.acquire()
        try:
            pages, moved = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            self._vain = 0 if moved > self._moved or moved == pages else self._vain + 1
            self._moved = moved
        finally:
            if forced:
                self._lock.release()
