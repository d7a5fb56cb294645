"""An upgrade is tried on a restored copy; one that fails there leaves the live database alone."""

import asyncio
from pathlib import Path

import pytest

from pillarbox.app.build import open_parts, place_of
from pillarbox.app.create import NewSite, create_site
from pillarbox.app.recovery.backups import make_backup
from pillarbox.app.recovery.upgrading import outdated, upgrade
from pillarbox.app.site import Site
from pillarbox.base.clock import SystemClock
from pillarbox.base.failure import FailureKind
from pillarbox.database.mailbox.schema import MailboxSchema
from pillarbox.database.upgrading import version_of
from pillarbox.directory.schema import DirectorySchema
from pillarbox.model.failure import Failure
from pillarbox.model.logged import Cursor, Schema
from pillarbox.recovery.names import Kind


class Newer(MailboxSchema):
    version = 2

    def migrate(self, cursor: Cursor, from_version: int) -> None:
        cursor.execute("CREATE TABLE extra (id INTEGER NOT NULL PRIMARY KEY)")


class Failing(Newer):
    def migrate(self, cursor: Cursor, from_version: int) -> None:
        cursor.execute("SELECT * FROM nowhere")


def make_site(path: Path, target: Path | None = None) -> Site:
    asyncio.run(create_site(path, NewSite("example.test", "", ["127.0.0.1"], 0, "")))
    if target is not None:
        target.mkdir()
        file = path / "pillarbox.toml"
        file.write_text(file.read_text().replace("targets = []", f'targets = ["file://{target}"]'))
    return Site.load(path)


def newer(name: str) -> Schema:
    return DirectorySchema() if name == "directory" else Newer()


def failing(name: str) -> Schema:
    return DirectorySchema() if name == "directory" else Failing()


def test_nothing_to_do(tmp_path: Path) -> None:
    assert outdated(make_site(tmp_path / "site")) == []


@pytest.mark.parametrize("backed_up", [True, False])
def test_tried_on_a_copy_then_done(tmp_path: Path, backed_up: bool) -> None:
    site = make_site(tmp_path / "site", tmp_path / "target" if backed_up else None)
    if backed_up:
        assert make_backup(site, Kind.FULL, SystemClock(), lambda progress: None).complete
    assert outdated(site, newer) == ["mailboxes"]
    said: list[str] = []
    done = upgrade(site, "mailboxes", said.append, (), newer)
    assert (done.before, done.after) == (1, 2)
    assert version_of(place_of(site, "mailboxes")) == 2
    assert ("copy from backup" in said[0]) == backed_up
    assert not (site.path / "drill" / "mailboxes").exists()


def test_a_migration_that_fails_does_not_reach_the_live_database(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site")
    with pytest.raises(Failure, match="did not stand") as caught:
        upgrade(site, "mailboxes", lambda text: None, (), failing)
    assert caught.value.kind is FailureKind.CORRUPT
    assert version_of(place_of(site, "mailboxes")) == 1


def test_not_while_the_server_runs(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site")
    with site.serving(), pytest.raises(Failure, match="served already"):
        upgrade(site, "mailboxes", lambda text: None, (), newer)


def test_a_newer_database_is_refused_by_name(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site")
    upgrade(site, "mailboxes", lambda text: None, (), newer)

    async def open_all() -> dict[str, Failure]:
        with open_parts(site, "test") as parts:
            return parts.mounts.failures

    assert "run the newer program" in asyncio.run(open_all())["mailboxes"].public
