"""Both mail stores keep the contract."""

import asyncio
from typing import Any

import pytest

from pillarbox.base.clock import FixedClock
from pillarbox.testing import appendcontract, mergecontract, searchcontract, sortcontract, storecontract
from pillarbox.testing.memorystore import MemoryStore

CHECKS = [
    *storecontract.CHECKS,
    *searchcontract.CHECKS,
    *sortcontract.CHECKS,
    *mergecontract.CHECKS,
    *appendcontract.CHECKS,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_store_in_a_database(check: storecontract.Check, database: Any) -> None:
    async def test(store: Any, engine: Any) -> None:
        await check(store, database.clock)

    database.run(test)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_store_in_memory(check: storecontract.Check) -> None:
    async def test() -> None:
        clock = FixedClock()
        await check(MemoryStore(clock), clock)

    asyncio.run(test())
