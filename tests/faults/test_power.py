"""The power goes off at any moment while a database is written, and the disks kept what they liked of what was not
flushed: writes in any order, torn between sectors. Everything that was acknowledged is there, nothing else but what
was on its way, and `verify` finds nothing."""

import asyncio
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.database.place import Tuning
from pillarbox.model.failure import Failure
from pillarbox.testing.ledger import Ledger, drop, entries, put
from pillarbox.testing.machine import Machine

pytestmark = pytest.mark.crash

TUNING = Tuning(segment_size=6000, page_size=1024, checkpoint_pages=12)


def new_machine(root: Path, logs: int) -> Machine:
    return Machine(root, Ledger(), logs, TUNING)


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[list[Machine]]:
    made = [new_machine(tmp_path / str(logs), logs) for logs in (1, 2)]
    yield made
    for machine in made:
        machine.close()


class Hopes:
    """What was acknowledged, and for each key the values it may have besides, of writes on their way."""

    def __init__(self, known: dict[str, bytes]) -> None:
        self.known: dict[str, bytes | None] = dict(known)
        self.doubtful: dict[str, bytes | None] = {}

    async def write(self, machine: Machine, key: str, value: bytes | None) -> None:
        """Set a key (None: remove it). Raises Failure where the power went off."""
        self.doubtful[key] = value
        if value is None:
            await machine.engine.write(lambda cursor: drop(cursor, key))
        else:
            await machine.engine.write(lambda cursor: put(cursor, key, value))
        self.known[key] = value
        del self.doubtful[key]

    def fit(self, found: dict[str, bytes]) -> bool:
        """Whether `found` is one of the things that may be there."""
        return all(
            found.get(key) == self.known.get(key) or (key in self.doubtful and found.get(key) == self.doubtful[key])
            for key in self.known.keys() | self.doubtful.keys() | found.keys()
        )


def work(machine: Machine, chance: random.Random, batches: int) -> Hopes:
    """Write, several at a time, until the power goes or so many batches are done."""
    hopes = Hopes(entries(machine.engine))

    async def write() -> None:
        for _ in range(batches):
            keys = chance.sample(range(30), chance.choice([1, 1, 2, 5]))
            values = [
                None if chance.random() < 0.2 else chance.randbytes(chance.choice([5, 100, 400, 3000])) for _ in keys
            ]
            writes = [hopes.write(machine, f"k{key}", value) for key, value in zip(keys, values, strict=True)]
            outcomes = await asyncio.gather(*writes, return_exceptions=True)
            failed = [outcome for outcome in outcomes if outcome is not None]
            assert all(isinstance(outcome, Failure) for outcome in failed), failed
            if failed:
                return

    asyncio.run(write())
    return hopes


def test_power_cuts_at_random_moments(machines: list[Machine]) -> None:
    for seed in range(30):
        chance = random.Random(seed)
        for machine in machines:
            machine.power.cut_after(chance.randrange(1, 150))
            hopes = work(machine, chance, 60)
            machine.cut(chance)
            machine.start(chance)
            assert hopes.fit(entries(machine.engine)), seed
            if seed % 5 == 0:
                assert machine.findings() == [], seed
    assert sum(machine.outages for machine in machines) > 5


def test_a_log_volume_that_lies_about_flushing(machines: list[Machine]) -> None:
    """It says that it has written and has not; the other one has. Nothing is lost, and what is wrong is said."""
    machine = machines[1]
    named = 0
    for seed in range(120):
        if seed >= 16 and named:
            break  # which writes a cut catches depends on the threads too: go on until one left something to find
        chance = random.Random(seed)
        liar = machine.place.log_volumes[seed % 2]
        machine.power.unflushed.liar = f"{liar}/"
        machine.power.cut_after(chance.randrange(1, 200))
        hopes = work(machine, chance, 60)
        machine.cut(chance)
        machine.power.unflushed.liar = ""
        machine.open()
        assert hopes.fit(entries(machine.engine)), seed
        findings = machine.findings()
        assert all(str(liar) in finding.part for finding in findings), findings
        if findings:
            named += 1
            machine.engine.close()
            shutil.rmtree(liar / "book")
            machine.open()
            assert machine.findings() == []
            assert hopes.fit(entries(machine.engine)), seed
    assert named > 0


def test_a_data_volume_that_lies_about_flushing(tmp_path: Path) -> None:
    """The database file may be rubbish then. That is said, or it is not so; the log brings back all of it."""
    rubbish = 0
    for seed in range(10):
        machine = new_machine(tmp_path / str(seed), 1)
        chance = random.Random(seed)
        machine.power.unflushed.liar = f"{machine.place.data}/"
        machine.power.cut_after(chance.randrange(50, 400))
        hopes = work(machine, chance, 150)
        machine.cut(chance)
        machine.power.unflushed.liar = ""
        try:
            machine.open()
            assert hopes.fit(entries(machine.engine)) or machine.findings(), seed
            machine.engine.close()
        except Failure as failure:
            assert failure.kind is FailureKind.CORRUPT
            rubbish += 1
        machine.remove_database()
        machine.open()
        assert hopes.fit(entries(machine.engine)), seed
        machine.close()
    assert rubbish > 0
