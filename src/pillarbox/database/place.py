"""What an engine is given: where its files are, how it is tuned, and the world around it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pillarbox.base.clock import Clock, SystemClock
from pillarbox.base.ids import Ids, SystemIds
from pillarbox.base.metrics import Counters, NoCounters
from pillarbox.database.disk import Disk, SystemDisk
from pillarbox.model.logged import Alarm
from pillarbox.model.standby import Safeguard

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Place:
    """Where a database lives: `<data>/<name>.db` and, on each log volume, the directory `<name>`."""

    name: str
    data: Path
    log_volumes: tuple[Path, ...]

    def __post_init__(self) -> None:
        if not self.log_volumes or len(set(self.log_volumes)) < len(self.log_volumes):
            raise ValueError("a database needs one or more log volumes, all different")

    @property
    def file(self) -> Path:
        return self.data / f"{self.name}.db"

    @property
    def lock_file(self) -> Path:
        return self.data / f"{self.name}.lock"


@dataclass(frozen=True, slots=True)
class Tuning:
    """Sizes in octets. A batch ends at `batch_count` writes or `batch_size`; the database is checkpointed when its
    write-ahead file has `checkpoint_pages` pages. Without `migrate`, tables of an older version are refused."""

    segment_size: int = 64 * MIB
    batch_count: int = 200
    batch_size: int = 16 * MIB
    page_size: int = 4096
    checkpoint_pages: int = 8192
    migrate: bool = True


def _unheard(_: Alarm) -> None:
    """For databases whose owner listens to the status instead."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The world around an engine. `alarm` is called in whichever thread notices, so it must be quick and safe there.

    `vfs` names the SQLite VFS under the database file (None: the system's). `guarded`: refuse statements in write
    functions that a replay could not repeat; for tests, since it is not cheap. `counters` hears of each commit.
    `safeguard`, where there is one, decides when the writers of a commit are answered.
    """

    clock: Clock = field(default_factory=SystemClock)
    ids: Ids = field(default_factory=SystemIds)
    disk: Disk = field(default_factory=SystemDisk)
    alarm: Callable[[Alarm], None] = _unheard
    vfs: str | None = None
    guarded: bool = False
    counters: Counters = field(default_factory=NoCounters)
    safeguard: Safeguard | None = None
