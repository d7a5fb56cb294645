"""Backup, archive and restore in a process of its own that is killed at a chosen step.

    errand = Errand("restore", house.place, directory, root, crash_at=7)
    errand.perform()        in this process, to its end
    errand.survives()       in another one, which gets SIGKILL at its eighth step: a call of the target, or progress

The target is a directory; the clock is the machine's.
"""

import multiprocessing
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from pillarbox.base.clock import SystemClock
from pillarbox.database.live import LiveVolumes
from pillarbox.database.mailbox.schema import MailboxSchema
from pillarbox.database.place import Place
from pillarbox.database.recovering import RecoveringDatabase
from pillarbox.recovery.archive import Archiver
from pillarbox.recovery.backup import Order, run_backup
from pillarbox.recovery.catalog import Catalog
from pillarbox.recovery.codec import Codec
from pillarbox.recovery.names import Kind
from pillarbox.recovery.plan import Choice
from pillarbox.recovery.restore import Means, restore_database
from pillarbox.recovery.targets.directory import DirectoryTarget
from pillarbox.testing.targets import FaultyTarget

_CODEC = Codec(1, ())


@dataclass(frozen=True, slots=True)
class Errand:
    """`what`: "backup", "archive" or "restore". State and the restored database go below `root`."""

    what: str
    place: Place
    directory: Path
    root: Path
    crash_at: int = -1

    def survives(self) -> bool:
        """Whether the process came to its end."""
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__])
        process = context.Process(target=self.perform)
        process.start()
        process.join()
        assert process.exitcode in (0, -signal.SIGKILL), process.exitcode
        return process.exitcode == 0

    def perform(self) -> None:
        """All of it. Raises `Failure`."""
        steps = iter(range(self.crash_at))

        def step(*_: object) -> bool:
            if self.crash_at >= 0 and next(steps, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)
                signal.pause()
            return False

        def hear(progress: object) -> None:
            step()

        target = FaultyTarget(DirectoryTarget(self.directory), step)
        if self.what == "restore":
            recovery = RecoveringDatabase(self.root / "scratch", self.place.name, MailboxSchema())
            choice, live = Choice(self.place.name), LiveVolumes(self.place)
            means = Means(_CODEC, SystemClock(), 2)
            state = self.root / "scratch" / "state.json"
            restore_database([Catalog(target)], choice, live, recovery, state, means, hear)
        elif self.what == "backup":
            order = Order([LiveVolumes(self.place)], b"site", Kind.FULL, _CODEC, "host", "test", self.root, 2)
            assert run_backup(order, [target], SystemClock(), hear).complete
        else:
            archiver = Archiver(LiveVolumes(self.place), [target], _CODEC, SystemClock(), 10.0)
            for _ in range(3):
                archiver.step()
            archiver.close()
