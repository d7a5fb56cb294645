"""Processes that write to a ledger database and are killed: by themselves at a chosen step, or from outside.

`Victim` runs in a process of its own (start method "forkserver": nothing of the test comes along). Everything it is
answered goes to its pipe at once, so that the test knows what was acknowledged when SIGKILL came.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path

from pillarbox.database.engine import Engine
from pillarbox.database.place import Place, Surroundings, Tuning
from pillarbox.model.logged import WriteCursor
from pillarbox.testing.faultydisk import FaultyDisk
from pillarbox.testing.ledger import Ledger, put

OPENED = "opened"
DONE = "done"


@dataclass(frozen=True, slots=True)
class Victim:
    """What a process does: open the database, write `writes` entries named `name`-1, -2 …, close.

    It dies at its `crash_at`-th disk operation (0: never). With `torn` it dies in its `crash_at`-th write instead,
    after the first `torn` octets of it.
    """

    root: Path
    log_volumes: int
    name: str
    writes: int
    size: int = 100
    segment_size: int = 64 << 20
    crash_at: int = 0
    torn: int = 0

    @property
    def place(self) -> Place:
        volumes = tuple(self.root / f"log{number}" for number in range(1, self.log_volumes + 1))
        return Place("book", self.root / "data", volumes)

    def run(self, answers: Connection) -> None:
        """The body of the process."""
        disk = FaultyDisk()
        if self.torn:
            disk.fail("write", 5, after=self.crash_at - 1, keep=self.torn)
            disk.on_call = _die_after_a_torn_write(disk)
        elif self.crash_at:
            disk.on_call = _die_at(self.crash_at)
        tuning = Tuning(segment_size=self.segment_size)
        database = Engine.open(self.place, Ledger(), tuning, Surroundings(disk=disk))
        answers.send(OPENED)
        for number in range(1, self.writes + 1):
            key = f"{self.name}-{number}"
            database.write_sync(lambda cursor, key=key: self._write(cursor, key))  # type: ignore[misc]
            answers.send(key)
        database.close()
        answers.send(f"{DONE} {len(disk.calls)} {sum(call[0] == 'write' for call in disk.calls)}")

    def _write(self, cursor: WriteCursor, key: str) -> None:
        put(cursor, key, key.encode() * (self.size // len(key)))
        cursor.execute("INSERT INTO numbered (text) VALUES (?)", (key,))


def start(victim: Victim) -> tuple[BaseProcess, Connection]:
    """The running process, and where its answers come from."""
    context = _context()
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=victim.run, args=(send,))
    process.start()
    send.close()
    return process, receive


def finish(process: BaseProcess, answers: Connection) -> list[str]:
    """Every answer, once the process is gone."""
    received = []
    try:
        while True:
            received.append(str(answers.recv()))
    except EOFError:
        pass
    process.join()
    answers.close()
    return received


def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()


def _die_at(number: int) -> Callable[[str, Path], None]:
    calls = iter(range(1, number))

    def count(operation: str, path: Path) -> None:
        if next(calls, None) is None:
            _die()

    return count


def _die_after_a_torn_write(disk: FaultyDisk) -> Callable[[str, Path], None]:
    """A fault has no `times` left once it has struck: whatever comes next is too late."""
    (fault,) = disk.faults

    def look(operation: str, path: Path) -> None:
        if fault.times == 0:
            _die()

    return look
