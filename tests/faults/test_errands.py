"""SIGKILL for the backup, the archive and the restore, at every few steps of each: what they left is gone on with, and
the mail that comes back is what the model holds."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pillarbox.model.recovery import Until
from pillarbox.recovery.catalog import Catalog
from pillarbox.recovery.targets.directory import DirectoryTarget
from pillarbox.recovery.verification import verify_set
from pillarbox.testing.errand import Errand
from pillarbox.testing.mailhouse import MailHouse, no_wait

pytestmark = pytest.mark.crash


@pytest.fixture
def target(tmp_path: Path) -> DirectoryTarget:
    (tmp_path / "target").mkdir()
    return DirectoryTarget(tmp_path / "target")


@pytest.fixture
def house(tmp_path: Path, target: DirectoryTarget) -> Iterator[MailHouse]:
    made = MailHouse(tmp_path / "house", [target], 31)
    made.work(100)
    made.backup()
    yield made
    made.close()


def errand(house: MailHouse, what: str, crash_at: int) -> Errand:
    return Errand(what, house.place, house.root.parent / "target", house.root / "state", crash_at)


def comes_back(house: MailHouse) -> None:
    result, state = house.restore(live=house.live)
    assert result.lsn == house.engine.position
    assert not house.model.wrong_at_record(result.lsn, state)


def test_backup(house: MailHouse, target: DirectoryTarget) -> None:
    crash_at, survived = 0, False
    while not survived:
        house.work(5)
        survived = errand(house, "backup", crash_at).survives()
        catalog = Catalog(target)
        assert catalog.damaged() == []
        assert verify_set(target, catalog.sets()[-1], house.codec, pause=no_wait).findings == ()
        comes_back(house)
        crash_at += 2
    assert crash_at > 6


def test_archive(house: MailHouse, target: DirectoryTarget) -> None:
    crash_at, survived = 0, False
    while not survived or crash_at < 8:
        house.work(15)
        survived = errand(house, "archive", crash_at).survives()
        if survived:
            result, state = house.restore()
            assert result.lsn == house.engine.position
            assert not house.model.wrong_at_record(result.lsn, state)
        comes_back(house)
        crash_at += 1


def test_restore(house: MailHouse) -> None:
    house.work(100)
    house.archive()
    house.work(30)
    house.stop()
    house.place.file.rename(house.place.file.with_name("away"))
    last = house.model.moments[-1].lsn
    crash_at, survived = 0, False
    while not survived:
        survived = errand(house, "restore", crash_at).survives()  # goes on where the one before was killed
        crash_at = (crash_at + 3) if not survived else crash_at
    file = house.root / "state" / "scratch" / "mail.db"
    assert not house.model.wrong_at_record(last, house.state_of(file))
    assert not house.model.wrong_at_record(last, house.restore(Until(lsn=last), house.live)[1])
    assert crash_at > 6
    house.place.file.with_name("away").rename(house.place.file)
    house.start()
    house.check()
