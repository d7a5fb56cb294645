"""A place for a database, and engines that are closed at the end of the test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pillarbox.base.clock import FixedClock
from pillarbox.base.ids import SeededIds
from pillarbox.database.engine import Engine
from pillarbox.database.place import Place, Surroundings, Tuning
from pillarbox.model.logged import Alarm, AlarmKind
from pillarbox.testing.faultydisk import FaultyDisk
from pillarbox.testing.ledger import Ledger


class Site:
    """Volumes in a directory, a disk that may fail, and the alarms that were raised."""

    def __init__(self, root: Path, logs: int = 1, segment_size: int = 64 << 20) -> None:
        self.root = root
        self.alarms: list[Alarm] = []
        self.disk = FaultyDisk()
        self.tuning = Tuning(segment_size=segment_size)
        self.surroundings = Surroundings(
            clock=FixedClock(), ids=SeededIds(), disk=self.disk, alarm=self.alarms.append, guarded=True
        )
        self.place = Place("book", root / "data", tuple(root / f"log{n}" for n in range(1, logs + 1)))
        for volume in self.place.log_volumes:
            volume.mkdir(parents=True, exist_ok=True)
        self._open: list[Engine] = []

    def create(self, version: int = 1) -> Engine:
        return self._keep(Engine.create(self.place, Ledger(version), self.tuning, self.surroundings))

    def open(self, version: int = 1) -> Engine:
        return self._keep(Engine.open(self.place, Ledger(version), self.tuning, self.surroundings))

    def kinds(self) -> list[AlarmKind]:
        return [alarm.kind for alarm in self.alarms]

    def log(self, number: int = 1) -> Path:
        return self.place.log_volumes[number - 1] / "book"

    def segments(self, number: int = 1) -> list[Path]:
        return sorted(self.log(number).glob("*.log"))

    def remove_database(self) -> None:
        for file in self.place.data.glob("book.db*"):
            file.unlink()

    def close(self) -> None:
        while self._open:
            self._open.pop().close()

    def _keep(self, engine: Engine) -> Engine:
        self._open.append(engine)
        return engine


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    sites: list[Site] = []

    def make(logs: int = 1, segment_size: int = 64 << 20) -> Site:
        sites.append(Site(tmp_path, logs, segment_size))
        return sites[-1]

    yield make
    for site in sites:
        site.disk.mend()
        site.close()


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    return make_site()
