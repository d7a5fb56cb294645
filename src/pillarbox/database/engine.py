"""A logged database in one process: `model.logged.LoggedDatabase` over SQLite and the transaction log.

`Engine.create` makes a database, `Engine.open` recovers one; any number of processes may have it open. `close` when
done; a process that dies without it loses nothing.
"""

import asyncio
import concurrent.futures
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from pillarbox.database.checkpoint import Checkpointer
from pillarbox.database.commit import Committer
from pillarbox.database.connection import ReadPool, Snapshot, connect_writer
from pillarbox.database.opening import create_database, lock_database, open_database
from pillarbox.database.place import Place, Surroundings, Tuning
from pillarbox.database.writer import Waiting, Writer
from pillarbox.model.failure import Failure
from pillarbox.model.logged import Alarm, AlarmKind, Commit, Cursor, DatabaseStatus, Schema, WriteCursor

T = TypeVar("T")


class Engine:
    """See `model.logged.LoggedDatabase`."""

    def __init__(self, place: Place, committer: Committer, tuning: Tuning, surroundings: Surroundings) -> None:
        self._place = place
        self._committer = committer
        self._alarm = surroundings.alarm
        self._damage: str | None = None
        committer.damaged = self._damaged
        self._readers = ReadPool(place.file, surroundings.vfs, self._damaged)
        try:
            lock = lock_database(place, surroundings)
        except Failure:
            committer.close()
            raise
        self._checkpointer = Checkpointer(
            lambda: connect_writer(place.file, tuning.page_size, surroundings.vfs),
            lock,
            tuning.checkpoint_pages,
            lambda kind, text: surroundings.alarm(Alarm(place.name, kind, text)),
        )
        clock, counters = surroundings.clock, surroundings.counters
        self._writer = Writer(
            place.name, committer, self._checkpointer, tuning, clock, counters, surroundings.safeguard
        )
        self._writer.start()
        self._open = True

    @classmethod
    def open(
        cls,
        place: Place,
        schema: Schema,
        tuning: Tuning | None = None,
        surroundings: Surroundings | None = None,
    ) -> "Engine":
        """Recover and open the database at `place`; see `open_database` for what it raises."""
        tuning, surroundings = tuning or Tuning(), surroundings or Surroundings()
        return cls(place, open_database(place, schema, tuning, surroundings), tuning, surroundings)

    @classmethod
    def create(
        cls,
        place: Place,
        schema: Schema,
        tuning: Tuning | None = None,
        surroundings: Surroundings | None = None,
    ) -> "Engine":
        """Make a new database at `place`. Raises Failure ALREADY_EXISTS."""
        tuning, surroundings = tuning or Tuning(), surroundings or Surroundings()
        return cls(place, create_database(place, schema, tuning, surroundings), tuning, surroundings)

    @property
    def name(self) -> str:
        return self._place.name

    @property
    def position(self) -> int:
        return self._committer.position.mark.lsn

    def status(self) -> DatabaseStatus:
        position, mirror = self._committer.position, self._committer.mirror
        return DatabaseStatus(
            name=self.name,
            schema_version=position.schema_version,
            generation=position.identity.generation,
            position=position.mark.lsn,
            stopped=mirror.stopped,
            log_volumes=mirror.states(),
            damaged=self._damage,
        )

    def _damaged(self, failure: Failure) -> None:
        """Stored bytes turned out wrong; the first time is an alarm."""
        if self._damage is None:
            self._damage = failure.public
            text = f"{failure.public} Everything else goes on; put it right with `pillarbox repair {self.name}`."
            self._alarm(Alarm(self.name, AlarmKind.DAMAGED, text))

    async def write(self, fn: Callable[[WriteCursor], T], *, size: int = 0, brief: bool = False) -> T:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._writer.submit(Waiting(fn, size, future, loop, brief))
        return await future

    def write_sync(self, fn: Callable[[WriteCursor], T], *, size: int = 0) -> T:
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        self._writer.submit(Waiting(fn, size, future, None))
        result: T = future.result()
        return result

    def read(self) -> AbstractContextManager[Cursor]:
        return Snapshot(self._readers)

    def subscribe(self, callback: Callable[[Commit], None]) -> Callable[[], None]:
        return self._writer.subscribe(callback)

    def close(self) -> None:
        if self._open:
            self._open = False
            self._writer.close()
            self._checkpointer.close()
            self._readers.close()
            self._committer.close()
