"""Directories to test: the one in memory and the real one, and a small stand-in for its database."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import apsw
import pytest

from pillarbox.base.clock import FixedClock
from pillarbox.base.ids import SeededIds
from pillarbox.base.settings import Login
from pillarbox.directory.directory import EmbeddedDirectory
from pillarbox.directory.passwords import PasswordCost
from pillarbox.directory.schema import DirectorySchema
from pillarbox.testing.memorydirectory import MemoryDirectory

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]
CHEAP = PasswordCost(passes=1, kibibytes=8, lanes=1, scram_iterations=4096)
LOGIN = Login(cache_seconds=300.0, failures_before_lockout=3, lockout_seconds=60.0)


class StandIn:
    """What the directory needs of a logged database, over SQLite alone."""

    def __init__(self, path: Path) -> None:
        self.name = "directory"
        self.position = 0
        fresh = not path.exists()
        self._writer = apsw.Connection(str(path))
        self._writer.execute("PRAGMA journal_mode = WAL")
        self._writer.set_busy_timeout(5000)
        self._reader = apsw.Connection(str(path))
        if fresh:
            DirectorySchema().create(self._writer)  # type: ignore[arg-type]

    async def write(self, fn: Callable[[Any], T], *, size: int = 0) -> T:
        with self._writer:
            return fn(self._writer)

    @contextmanager
    def read(self) -> Iterator[Any]:
        self._reader.execute("BEGIN")
        try:
            yield self._reader
        finally:
            self._reader.execute("COMMIT")

    def close(self) -> None:
        self._reader.close()
        self._writer.close()


@pytest.fixture
def run() -> Iterator[Run[Any]]:
    with asyncio.Runner() as runner:
        yield runner.run


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def opened(tmp_path: Path, clock: FixedClock) -> Iterator[Callable[[], EmbeddedDirectory]]:
    """Opens one more directory on the same database, as another process would."""
    closing: list[Any] = []

    def open_one() -> EmbeddedDirectory:
        database = StandIn(tmp_path / "directory.sqlite")
        directory = EmbeddedDirectory(database, LOGIN, "+", clock, SeededIds(len(closing)), CHEAP)  # type: ignore[arg-type]
        closing.extend((directory, database))
        return directory

    yield open_one
    for thing in closing:
        thing.close()


@pytest.fixture(params=["memory", "embedded"])
def directory(request: pytest.FixtureRequest, run: Run[None], clock: FixedClock) -> Any:
    """A directory with the domain example.test and nobody in it."""
    made: Any
    if request.param == "memory":
        made = MemoryDirectory(LOGIN, "+", clock)
    else:
        made = request.getfixturevalue("opened")()
    run(made.add_domain("example.test", ""))
    return made
