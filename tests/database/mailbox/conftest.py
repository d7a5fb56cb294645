"""A mailbox database in a directory of the test, and its store."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pillarbox.base.clock import FixedClock
from pillarbox.database.engine import Engine
from pillarbox.database.mailbox.schema import MailboxSchema
from pillarbox.database.mailbox.store import MailboxStore
from pillarbox.database.place import Place


class Database:
    """Where a mailbox database lies; `open` gives an engine and its store, for `async with`."""

    def __init__(self, root: Path) -> None:
        self.clock = FixedClock()
        self.locks = root / "locks"
        self.place = Place("mail", root / "data", (root / "log",))
        self.place.data.mkdir()
        (root / "log").mkdir()
        Engine.create(self.place, MailboxSchema()).close()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[tuple[MailboxStore, Engine]]:
        engine = Engine.open(self.place, MailboxSchema())
        store = MailboxStore(engine, self.clock, self.locks)
        try:
            yield store, engine
        finally:
            store.close()
            engine.close()

    def run(self, test: Callable[[MailboxStore, Engine], Coroutine[Any, Any, None]]) -> None:
        """Runs a test on the store, then verifies the database."""

        async def whole() -> None:
            async with self.open() as (store, engine):
                await test(store, engine)
                assert wrong(engine) == []

        asyncio.run(whole())


def wrong(engine: Engine) -> list[str]:
    """What `verify` finds."""
    with engine.read() as cursor:
        return list(MailboxSchema().verify(cursor))


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path)
