"""The power goes off at any moment while a database is written, and the disks kept what they liked of what was not
flushed: writes in any order, torn between sectors. Everything that was acknowledged is there, nothing else but what
was on its way, and `verify` finds nothing."""

import asyncio
import random
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import apsw
import pytest

from pillarbox.database.engine import Engine
from pillarbox.database.place import Place, Surroundings, Tuning
from pillarbox.database.verify import Finding, verify
from pillarbox.model.failure import Failure
from pillarbox.testing.faultydisk import FaultyDisk
from pillarbox.testing.faultyvfs import FaultyVfs
from pillarbox.testing.ledger import Ledger, drop, entries, put
from pillarbox.testing.power import Power


class Machine:
    """A ledger database on a machine whose power can be cut."""

    def __init__(self, root: Path, logs: int) -> None:
        self.power = Power()
        self.disk = FaultyDisk(self.power)
        self.vfs = FaultyVfs(f"power-{root}", self.power)
        self.surroundings = Surroundings(disk=self.disk, vfs=f"power-{root}")
        self.tuning = Tuning(segment_size=6000, page_size=1024, checkpoint_pages=12)
        self.place = Place("book", root / "data", tuple(root / f"log{number}" for number in range(1, logs + 1)))
        for volume in self.place.log_volumes:
            volume.mkdir(parents=True)
        self.engine = Engine.create(self.place, Ledger(), self.tuning, self.surroundings)

    def open(self) -> None:
        self.engine = Engine.open(self.place, Ledger(), self.tuning, self.surroundings)

    def cut(self, chance: random.Random) -> None:
        """Off (if it is not yet), and on again."""
        self.power.cut()
        with suppress(apsw.Error):  # SQLite would like to tidy up
            self.engine.close()
        self.place.file.with_name("book.db-shm").unlink(missing_ok=True)
        self.power.back(chance)

    def findings(self) -> list[Finding]:
        return [found for found in verify(self.place, Ledger(), self.surroundings) if isinstance(found, Finding)]

    def close(self) -> None:
        self.power.off = False
        self.engine.close()
        self.vfs.unregister()


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[list[Machine]]:
    made = [Machine(tmp_path / str(logs), logs) for logs in (1, 2)]
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


def start_again(machine: Machine, chance: random.Random) -> int:
    """Open the database; the power may go off again and again meanwhile. How often it did."""
    cuts = 0
    while True:
        if chance.random() < 0.4:
            machine.power.cut_after(chance.randrange(25))
        try:
            machine.open()
            return cuts
        except Failure:
            assert machine.power.off
            cuts += 1
            machine.power.back(chance)


def test_power_cuts_at_random_moments(machines: list[Machine]) -> None:
    cut_while_opening = 0
    for seed in range(70):
        chance = random.Random(seed)
        for machine in machines:
            machine.power.cut_after(chance.randrange(1, 150))
            hopes = work(machine, chance, 60)
            machine.cut(chance)
            cut_while_opening += start_again(machine, chance)
            assert hopes.fit(entries(machine.engine)), seed
            if seed % 5 == 0 and not machine.power.off:
                assert machine.findings() == [], seed
    assert cut_while_opening > 5


def test_a_log_volume_that_lies_about_flushing(machines: list[Machine]) -> None:
    """It says that it has written and has not; the other one has. Nothing is lost, and what is wrong is said."""
    machine = machines[1]
    named = 0
    for seed in range(24):
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
