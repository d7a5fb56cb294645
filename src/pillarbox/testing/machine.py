"""A database on a simulated machine: log volumes and a data volume that lose and tear what was not flushed.

    machine = Machine(directory, Ledger(), logs=2)
    machine.power.cut_after(40)
    ...                                 writes fail with Failure from then on
    machine.cut(chance)                 off, if it was not yet, and on again
    machine.start(chance)               opened; the power may go off again and again meanwhile
    machine.findings()
    machine.close()

`engine` is the open database.
"""

import random
from contextlib import suppress
from pathlib import Path

import apsw

from pillarbox.base.clock import Clock, SystemClock
from pillarbox.database.engine import Engine
from pillarbox.database.place import Place, Surroundings, Tuning
from pillarbox.database.verify import Finding, verify
from pillarbox.model.failure import Failure
from pillarbox.model.logged import Schema
from pillarbox.testing.faultydisk import FaultyDisk
from pillarbox.testing.faultyvfs import FaultyVfs
from pillarbox.testing.power import Power


class Machine:
    """See the module. `outages` counts the power cuts while the database was being opened."""

    def __init__(
        self, root: Path, schema: Schema, logs: int, tuning: Tuning | None = None, clock: Clock | None = None
    ) -> None:
        self.power = Power()
        self.disk = FaultyDisk(self.power)
        self.vfs = FaultyVfs(f"power-{root}", self.power)
        self.surroundings = Surroundings(clock=clock or SystemClock(), disk=self.disk, vfs=f"power-{root}")
        self.schema = schema
        self.tuning = tuning or Tuning()
        self.place = Place("book", root / "data", tuple(root / f"log{number}" for number in range(1, logs + 1)))
        self.outages = 0
        for volume in self.place.log_volumes:
            volume.mkdir(parents=True)
        self.engine = Engine.create(self.place, schema, self.tuning, self.surroundings)

    def open(self) -> None:
        """Open the database while all is well."""
        self.engine = Engine.open(self.place, self.schema, self.tuning, self.surroundings)

    def cut(self, chance: random.Random) -> None:
        """Off, if it is not yet, and on again."""
        self.power.cut()
        with suppress(apsw.Error):  # SQLite would like to tidy up
            self.engine.close()
        self._shared_memory().unlink(missing_ok=True)
        self.power.back(chance)

    def start(self, chance: random.Random) -> None:
        """Open the database, however often the power goes off meanwhile. No cut is planned afterwards."""
        while True:
            if chance.random() < 0.4:
                self.power.cut_after(chance.randrange(25))
            try:
                self.open()
            except Failure:
                if not self.power.off:
                    raise
                self._shared_memory().unlink(missing_ok=True)
                self.power.back(chance)
            else:
                self.power.keep()
                if not self.power.off:
                    return
                self.cut(chance)
            self.outages += 1

    def findings(self) -> list[Finding]:
        """What verify says."""
        return [found for found in verify(self.place, self.schema, self.surroundings) if isinstance(found, Finding)]

    def remove_database(self) -> None:
        """As if its volume were lost; the database is closed."""
        for file in self.place.data.glob("book.db*"):
            file.unlink()

    def close(self) -> None:
        self.power.keep()
        if self.power.off:
            self.cut(random.Random(0))
        self.engine.close()
        self.vfs.unregister()

    def _shared_memory(self) -> Path:
        return self.place.file.with_name(self.place.file.name + "-shm")
