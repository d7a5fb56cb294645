"""A mailbox database that people work on, with the model of it, targets, archive, backups, and restores of it.

    house = MailHouse(directory, targets=[MemoryTarget()], seed=1)
    house.work(50)                  steps of a driver; the model follows
    house.backup(); house.archive()
    result, state = house.restore(Until(lsn=700))
    house.stop(); house.start()     the engine; what happens to the volumes in between is the test's business
    house.check()                   the database holds what the model does

One clock for all of it, which only moves by work and backups. Everything is called from outside any event loop.
"""

import asyncio
import random
import shutil
from collections.abc import Sequence
from pathlib import Path

from pillarbox.base.clock import FixedClock
from pillarbox.database.engine import Engine
from pillarbox.database.generation import begin_generation, continues, install_recovered
from pillarbox.database.live import LiveVolumes
from pillarbox.database.mailbox.schema import MailboxSchema
from pillarbox.database.mailbox.store import MailboxStore
from pillarbox.database.place import Place, Surroundings, Tuning
from pillarbox.database.readonly import ReadOnlyDatabase
from pillarbox.database.recovering import RecoveringDatabase
from pillarbox.database.verify import Finding, verify
from pillarbox.model.ids import AccountId
from pillarbox.model.logged import Alarm
from pillarbox.model.recovery import LiveDatabase, Target, Until
from pillarbox.recovery.archive import Archiver, Lag
from pillarbox.recovery.backup import Order, Outcome, run_backup
from pillarbox.recovery.catalog import Catalog
from pillarbox.recovery.codec import Codec
from pillarbox.recovery.names import Kind
from pillarbox.recovery.plan import Choice
from pillarbox.recovery.restore import Means, RestoreResult, restore_database
from pillarbox.testing.faultydisk import FaultyDisk
from pillarbox.testing.mailmodel import MailModel, State, differences, read_state
from pillarbox.testing.mailwork import Driver, Unanswered

ACCOUNTS = (AccountId(1), AccountId(2), AccountId(3))
NAME = "mail"
LATEST = Until()


def no_wait(seconds: float) -> None:
    """Instead of a pause before another attempt."""


class MailHouse:
    """See the module. `alarms` are those of the engine, `warned` the notes of restores."""

    def __init__(self, root: Path, targets: Sequence[Target], seed: int, logs: int = 2, most: int = 6000) -> None:
        self.root = root
        self.clock = FixedClock()
        self.disk = FaultyDisk()
        self.alarms: list[Alarm] = []
        self.warned: list[str] = []
        self.targets = list(targets)
        self.codec = Codec(1, ())
        self.place = Place(NAME, root / "data", tuple(root / f"log{number}" for number in range(1, logs + 1)))
        for directory in (self.place.data, root / "state", *self.place.log_volumes):
            directory.mkdir(parents=True)
        self.tuning = Tuning(segment_size=120_000, checkpoint_pages=200)
        self.surroundings = Surroundings(clock=self.clock, disk=self.disk, alarm=self.alarms.append)
        self.live = LiveVolumes(self.place, self.surroundings)
        self.archiver = self.new_archiver()
        self._runner = asyncio.Runner()
        self.engine = Engine.create(self.place, MailboxSchema(), self.tuning, self.surroundings)
        self.model = MailModel(self.clock, ACCOUNTS)
        self.driver = Driver(
            self._store(), self.model, random.Random(seed), self.clock, lambda: self.engine.position, most
        )
        self._runner.run(self.driver.begin())

    def _store(self) -> MailboxStore:
        async def make() -> MailboxStore:
            return MailboxStore(self.engine, self.clock, self.root / "locks")

        return self._runner.run(make())

    # --- the database ---------------------------------------------------------------------------------------------

    def work(self, steps: int) -> None:
        """Raises Unanswered where the database could not keep something."""

        async def some() -> None:
            for _ in range(steps):
                await self.driver.step()

        self._runner.run(some())

    def settle(self, unanswered: Unanswered) -> None:
        """Whether it was done after all, the model now knows too."""
        self._runner.run(self.driver.settle(unanswered))

    def stop(self) -> None:
        self.engine.close()

    def start(self) -> None:
        self.engine = Engine.open(self.place, MailboxSchema(), self.tuning, self.surroundings)
        self.driver.store = self._store()

    def check(self) -> None:
        """Message by message, flag by flag."""
        found = self._runner.run(read_state(self.driver.store, ACCOUNTS))
        wrong = differences(self._runner.run(self.model.state()), found)
        assert not wrong, wrong[:3]

    def findings(self) -> list[Finding]:
        """What verify says of the volumes."""
        steps = verify(self.place, MailboxSchema(), self.surroundings)
        return [step for step in steps if isinstance(step, Finding)]

    def state_of(self, file: Path) -> State:
        """What a database file holds that nobody writes."""

        async def read() -> State:
            database = ReadOnlyDatabase(file, MailboxSchema())
            store = MailboxStore(database, self.clock, self.root / "locks")
            try:
                return await read_state(store, ACCOUNTS)
            finally:
                store.close()
                database.close()

        return self._runner.run(read())

    # --- elsewhere ------------------------------------------------------------------------------------------------

    def new_archiver(self) -> Archiver:
        """One that knows nothing yet, as after a restart."""
        return Archiver(self.live, self.targets, self.codec, self.clock, 10.0)

    def archive(self) -> tuple[Lag, ...]:
        self.archiver.step()
        return self.archiver.step()

    def backup(self, kind: Kind = Kind.FULL, targets: Sequence[Target] | None = None) -> Outcome:
        self.clock.advance(2)
        order = Order([self.live], b"site", kind, self.codec, "mail.example.test", "test", self.root / "state", 2)
        return run_backup(order, targets or self.targets, self.clock, pause=no_wait)

    def recovery(self, where: str = "scratch") -> RecoveringDatabase:
        """A database being brought back in a directory beside the data volume."""
        return RecoveringDatabase(self.root / where, NAME, MailboxSchema(), Surroundings(clock=self.clock))

    def restore(
        self, until: Until = LATEST, live: LiveDatabase | None = None, where: str = "scratch", **choice: object
    ) -> tuple[RestoreResult, State]:
        """From the targets, and from the log of `live`; found to be in order, and what is in it."""
        shutil.rmtree(self.root / where, ignore_errors=True)
        result = self.resume(until, live, where, **choice)
        assert result.findings == ()
        return result, self.state_of(self.recovery(where).file)

    def resume(
        self, until: Until = LATEST, live: LiveDatabase | None = None, where: str = "scratch", **choice: object
    ) -> RestoreResult:
        """Begin a restore or go on with one."""
        return restore_database(
            [Catalog(target) for target in self.targets],
            Choice(NAME, until, **choice),  # type: ignore[arg-type]
            live,
            self.recovery(where),
            self.root / where / "state.json",
            Means(self.codec, self.clock, 2, no_wait, self.warned.append),
        )

    def put_in_place(self, where: str = "scratch", *, anew: bool = False) -> None:
        """What was restored becomes the database, which is stopped. A new generation begins if `anew`, or if the log
        on the volumes does not go on from there."""
        for directory in (self.place.data, *self.place.log_volumes):
            directory.mkdir(exist_ok=True)
        recovery = self.recovery(where)
        recovery.settle()
        goes_on = continues(self.place, recovery.file, self.surroundings)
        arrived = self.place.data / "arrived.db"
        recovery.file.replace(arrived)
        install_recovered(self.place, arrived, self.place.data / "aside", self.tuning, self.surroundings)
        if anew or not goes_on:
            begin_generation(self.place, self.tuning, self.surroundings)
        shutil.rmtree(self.root / where)

    def close(self) -> None:
        self.disk.mend()
        self.archiver.close()
        self.engine.close()
        self._runner.close()
