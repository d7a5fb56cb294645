"""A migration is tried on a copy; without having been allowed, opening does not migrate."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.database.engine import Engine
from pillarbox.database.live import LiveVolumes
from pillarbox.database.recovering import RecoveringDatabase
from pillarbox.database.upgrading import rehearse_migration, version_of
from pillarbox.model.failure import Failure
from pillarbox.model.logged import Cursor
from pillarbox.testing.ledger import Ledger, put


def copy_of(site: Any, directory: Path, schema: Ledger) -> RecoveringDatabase:
    copy = RecoveringDatabase(directory, "book", schema)
    copy.log.parent.mkdir(parents=True)
    with LiveVolumes(site.place).pin() as pinned:
        shutil.copy(pinned.path, copy.file)
    return copy


def test_a_good_migration(site: Any, tmp_path: Path) -> None:
    database = site.create()
    database.write_sync(lambda cursor: put(cursor, "k", b"v"))
    assert list(rehearse_migration(copy_of(site, tmp_path / "copy", Ledger(3)), Ledger(3))) == []
    assert version_of(site.place) == 1
    assert version_of(RecoveringDatabase(tmp_path / "copy", "book", Ledger(3)).place) == 3


def test_a_migration_that_fails_is_found_on_the_copy(site: Any, tmp_path: Path) -> None:
    class Broken(Ledger):
        def migrate(self, cursor: Cursor, from_version: int) -> None:
            cursor.execute("UPDATE entry SET no_such_column = 1")

    site.create()
    [sentence] = rehearse_migration(copy_of(site, tmp_path / "copy", Broken(2)), Broken(2))
    assert "no_such_column" in sentence
    assert version_of(site.place) == 1


def test_a_migration_that_spoils_rows_is_found_on_the_copy(site: Any, tmp_path: Path) -> None:
    class Spoiling(Ledger):
        def migrate(self, cursor: Cursor, from_version: int) -> None:
            super().migrate(cursor, from_version)
            cursor.execute("UPDATE entry SET crc = crc + 1")

    database = site.create()
    database.write_sync(lambda cursor: put(cursor, "k", b"v"))
    [sentence] = rehearse_migration(copy_of(site, tmp_path / "copy", Spoiling(2)), Spoiling(2))
    assert "checksum" in sentence


def test_opening_does_not_migrate_unasked(site: Any) -> None:
    site.create().close()
    with pytest.raises(Failure, match="pillarbox upgrade") as caught:
        Engine.open(site.place, Ledger(2), replace(site.tuning, migrate=False), site.surroundings)
    assert caught.value.kind is FailureKind.WRONG_VERSION
    Engine.open(site.place, Ledger(1), replace(site.tuning, migrate=False), site.surroundings).close()
