"""The power goes off while people work on their mail, at any moment, on disks that reorder and tear what was not
flushed; a model beside the store agrees message by message, flag by flag."""

import asyncio
import random
from pathlib import Path

import apsw
import pytest

from pillarbox.base.clock import FixedClock
from pillarbox.base.failure import FailureKind
from pillarbox.database.mailbox.schema import MailboxSchema
from pillarbox.database.mailbox.store import MailboxStore
from pillarbox.database.place import Tuning
from pillarbox.model.ids import AccountId
from pillarbox.testing.machine import Machine
from pillarbox.testing.mailmodel import MailModel, differences, read_state
from pillarbox.testing.mailwork import Driver, Unanswered

ACCOUNTS = [AccountId(1), AccountId(2)]


async def live(machine: Machine, clock: FixedClock, chance: random.Random, lives: int) -> None:
    locks = machine.place.data / "locks"
    model = MailModel(clock, ACCOUNTS)
    store = MailboxStore(machine.engine, clock, locks)
    driver = Driver(store, model, chance, clock, lambda: machine.engine.position, 8000)
    await driver.begin()
    for number in range(lives):
        unanswered = None
        machine.power.cut_after(chance.randrange(250))
        try:
            for _ in range(60):
                await driver.step()
        except Unanswered as error:
            unanswered = error
        store.close()
        machine.cut(chance)
        machine.start(chance)
        store = driver.store = MailboxStore(machine.engine, clock, locks)
        if unanswered is not None:
            await driver.settle(unanswered)
        assert differences(await model.state(), await read_state(store, ACCOUNTS)) == [], number
        if number % 8 == 0:
            assert machine.findings() == [], number
    store.close()
    assert driver.steps > 2 * lives


def test_mail_survives_power_cuts(tmp_path: Path) -> None:
    clock = FixedClock()
    machine = Machine(tmp_path, MailboxSchema(), 2, Tuning(segment_size=100_000, checkpoint_pages=40), clock)
    asyncio.run(live(machine, clock, random.Random(7), 40))
    machine.close()


async def fill_the_data_volume(machine: Machine, clock: FixedClock) -> None:
    model = MailModel(clock, ACCOUNTS)
    store = MailboxStore(machine.engine, clock, machine.place.data / "locks")
    driver = Driver(store, model, random.Random(3), clock, lambda: machine.engine.position, 8000)
    await driver.begin()
    for after in (0, 1, 5, 40, 200):
        machine.vfs.fail(apsw.FullError, after=after)
        with pytest.raises(Unanswered) as caught:
            for _ in range(200):
                await driver.step()
        assert caught.value.failure.kind is FailureKind.DISK_FULL
        assert differences(await model.state(), await read_state(store, ACCOUNTS)) == []
        machine.vfs.mend()
        await driver.settle(caught.value)
        for _ in range(10):
            await driver.step()
    store.close()


def test_a_full_data_volume(tmp_path: Path) -> None:
    """Temporary errors; what was refused is not there, and it goes on by itself."""
    clock = FixedClock()
    machine = Machine(tmp_path, MailboxSchema(), 1, Tuning(segment_size=100_000, checkpoint_pages=40), clock)
    asyncio.run(fill_the_data_volume(machine, clock))
    assert machine.findings() == []
    machine.close()
