"""Directories to test: the one in memory, and the real one on the real engine."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from pillarbox.base.clock import FixedClock
from pillarbox.base.ids import SeededIds
from pillarbox.base.settings import Login
from pillarbox.database.engine import Engine
from pillarbox.database.place import Place, Surroundings
from pillarbox.directory.directory import EmbeddedDirectory
from pillarbox.directory.passwords import PasswordCost
from pillarbox.directory.schema import DirectorySchema
from pillarbox.testing.memorydirectory import MemoryDirectory

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]
CHEAP = PasswordCost(passes=1, kibibytes=8, lanes=1, scram_iterations=4096)
LOGIN = Login(cache_seconds=300.0, failures_before_lockout=3, lockout_seconds=60.0)


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
    for name in ("data", "log"):
        (tmp_path / name).mkdir()
    place = Place("directory", tmp_path / "data", (tmp_path / "log",))

    def open_one() -> EmbeddedDirectory:
        make = Engine.open if closing else Engine.create
        database = make(place, DirectorySchema(), None, Surroundings(clock=clock, guarded=True))
        directory = EmbeddedDirectory(database, LOGIN, "+", clock, SeededIds(len(closing)), CHEAP)
        closing.extend((database, directory))
        return directory

    yield open_one
    for thing in reversed(closing):
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
