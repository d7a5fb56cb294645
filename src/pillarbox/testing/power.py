"""The power of a simulated machine, shared by its faulty disks: it goes off at a chosen operation, and comes back.

    power = Power()
    disk, vfs = FaultyDisk(power), FaultyVfs("name", power)
    power.cut_after(17)        the eighteenth operation that changes something fails, and all that come after
    power.cut()                off at once; `keep`: not at all
    power.back(chance)         what was not flushed survives by chance; files opened before fail for ever

Between the cut and `back` close whatever had files open; closing is free of charge.
"""

import random
import threading

from pillarbox.testing.unflushed import Unflushed


class PowerCut(Exception):
    """There is no power."""


class Power:
    """See the module. `operations` counts what was done since the machine was switched on."""

    def __init__(self) -> None:
        self.unflushed = Unflushed()
        self.life = 0
        self.off = False
        self.operations = 0
        self._last: int | None = None
        self._lock = threading.Lock()

    def cut_after(self, operations: int) -> None:
        """Let so many more operations pass."""
        self._last = self.operations + operations

    def keep(self) -> None:
        """No cut is planned any more."""
        self._last = None

    def cut(self) -> None:
        """Off at once."""
        self.off = True

    def back(self, chance: random.Random | None = None) -> None:
        """See `Unflushed.settle` for `chance`."""
        self.unflushed.settle(chance)
        self.life += 1
        self.off = False
        self.operations = 0
        self._last = None

    def need(self, life: int | None = None) -> None:
        """Raises PowerCut where there is no power, or where it is not the power that file was opened with."""
        if self.off or (life is not None and life != self.life):
            raise PowerCut("the power is off")

    def spend(self, life: int | None = None) -> None:
        """`need`, for an operation that counts."""
        with self._lock:
            self.need(life)
            self.operations += 1
            if self._last is not None and self.operations > self._last:
                self.off = True
                self.need()
