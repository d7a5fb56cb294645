"""A store that is in no hurry: it lets everybody else go first, by chance, so that sessions mix in every way."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

from pillarbox.model.store import MailStore


class LateStore:
    """A store that lets others go first, by chance, before and after it does anything."""

    def __init__(self, store: MailStore, rng: random.Random) -> None:
        self._store = store
        self._rng = rng

    def __getattr__(self, name: str) -> Any:
        inner = getattr(self._store, name)
        if not asyncio.iscoroutinefunction(inner):
            return inner

        async def late(*args: Any, **named: Any) -> Any:
            await self.wait()
            result = await inner(*args, **named)
            await self.wait()
            return result

        return late

    async def fetch(self, *args: Any) -> AsyncIterator[Any]:
        async for page in self._store.fetch(*args):
            for message in page:
                await self.wait()
                yield [message]

    async def wait(self) -> None:
        for _ in range(self._rng.randrange(4)):
            await asyncio.sleep(0)
