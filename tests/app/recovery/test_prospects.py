"""On a real site: the facts that are gathered, a drill on its real databases, and what the commands say then."""

import asyncio
import itertools
import json
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pillarbox.app.build import database_names, open_parts, place_of, schema_of
from pillarbox.app.cli.main import app
from pillarbox.app.create import NewSite, create_site
from pillarbox.app.recovery.facts import Segment, gather_facts, log_since
from pillarbox.app.recovery.prospects import class_members, drill_history, everywhere, prospects
from pillarbox.app.site import Site
from pillarbox.base.clock import MICROSECONDS, SystemClock
from pillarbox.base.ids import SystemIds
from pillarbox.database.live import LiveVolumes
from pillarbox.database.log.segment import segment_name
from pillarbox.database.recovering import RecoveringDatabase
from pillarbox.mime.prepared import prepare
from pillarbox.model.content import Body
from pillarbox.model.email import Flag
from pillarbox.model.recovery import Until
from pillarbox.model.store import Upload
from pillarbox.recovery.drill import DrillPlan, Rehearsal, Restored, run_drill
from pillarbox.recovery.facts import Behind
from pillarbox.recovery.history import DrillRecord, Trigger
from pillarbox.recovery.restore import RestoreResult
from pillarbox.recovery.state import (
    ARCHIVE,
    BackupDone,
    LagState,
    SavedDatabase,
    read_lags,
    record_backup,
    write_lags,
)  # fmt: skip

LETTER = b"From: bob@example.test\r\nTo: alice@example.test\r\nSubject: hello\r\n\r\n" + b"Hello Alice.\r\n" * 400


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site with alice, a target, and a class of people with a promise of their own."""
    (tmp_path / "backup").mkdir()
    made = asyncio.run(create_site(tmp_path / "site", NewSite("example.test", "", ["127.0.0.1"], 20000, "")))
    settings = made.path / "pillarbox.toml"
    text = settings.read_text().replace("targets = []", f'targets = ["file://{tmp_path / "backup"}"]')
    settings.write_text(text.replace("classes = []", 'classes = ["board@example.test hours=1 loss_seconds=0"]'))
    site = Site.load(made.path)
    asyncio.run(_people(site))
    return site


async def _people(site: Site) -> None:
    with open_parts(site, "test") as parts:
        person = await parts.directory.add_person("alice@example.test", "wonderland", "Alice", "mailboxes", 0, 0)
        await parts.stores["mailboxes"].open_account(person.account, 0, 0)
        await parts.directory.add_group("board@example.test", "Board")
        await parts.directory.add_member("board@example.test", "alice@example.test")


def deliver(site: Site, count: int) -> None:
    async def run() -> None:
        with open_parts(site, "test") as parts:
            store, person = parts.stores["mailboxes"], await parts.person("alice@example.test")
            mailbox = await store.mailbox(person.account, "INBOX")
            for _ in range(count):
                now = SystemClock().now()
                upload = Upload(Body(LETTER), prepare(LETTER), Flag.NONE, frozenset(), now)
                await store.append(mailbox.id, [upload])

    asyncio.run(run())


def back_up(site: Site, folder: Path) -> None:
    """Copies of all database files, and the line that the keeper would write."""
    saved = {}
    for name in database_names(site):
        with LiveVolumes(place_of(site, name)).pin() as pinned:
            (folder / name).write_bytes(pinned.path.read_bytes()[: pinned.size])
            saved[name] = SavedDatabase(pinned.point.generation, pinned.point.lsn, pinned.size)
    now = SystemClock().now()
    record_backup(site.path / "state", BackupDone("s1", "full", f"file://{folder}", now, saved, True, now))


def rehearsal(site: Site, name: str, folder: Path, scratch: Path) -> Rehearsal:
    live = LiveVolumes(place_of(site, name))
    clock = SystemClock()

    def restore() -> Restored:
        times = [clock.monotonic()]
        recovering = RecoveringDatabase(scratch / name, name, schema_of(name))
        recovering.log.mkdir(parents=True)
        shutil.copy(folder / name, recovering.file)
        for span in live.spans(None):
            (recovering.log / segment_name(span.generation, span.segment)).write_bytes(live.read_log(span))
        times.append(clock.monotonic())
        played = recovering.play(Until(), lambda played: None)
        times.append(clock.monotonic())
        findings = tuple(recovering.check())
        times.append(clock.monotonic())
        copying, playing, checking = (after - before for before, after in itertools.pairwise(times))
        size = recovering.file.stat().st_size
        return RestoreResult(
            database=name, set="s1", size=size, read_octets=size + played.octets, log_octets=played.octets,
            records=played.records, copy_seconds=copying, fetch_seconds=0.0, play_seconds=playing,
            check_seconds=checking, generation=played.generation, lsn=played.lsn, time=played.time,
            newest_generation=played.generation, findings=findings, notes=(),
        )  # fmt: skip

    def compare(restored: Restored) -> Iterable[str]:
        with live.pin() as pinned:
            assert pinned.point.lsn == restored.lsn
            yield from RecoveringDatabase(scratch / name, name, schema_of(name)).compare(pinned.path)

    return Rehearsal(name, restore, compare, lambda: shutil.rmtree(scratch / name))


def hold_drill(site: Site, folder: Path, scratch: Path) -> DrillRecord:
    rehearsals = [rehearsal(site, name, folder, scratch) for name in database_names(site)]
    plan = DrillPlan(Trigger.HAND, 2, site.settings.promise.hours)
    return run_drill(rehearsals, plan, drill_history(site), SystemClock(), SystemIds(), lambda name, step: None)


def test_the_facts_of_a_site(site: Site, tmp_path: Path) -> None:
    deliver(site, 3)
    back_up(site, tmp_path / "backup")
    deliver(site, 5)
    facts = gather_facts(site, SystemClock().now())
    assert [place.name for place in facts.targets] == [f"file://{tmp_path / 'backup'}"]
    assert facts.data.disk == facts.logs[0].disk == facts.targets[0].disk
    directory, mailboxes = facts.databases
    assert (directory.name, directory.divisible) == ("directory", False)
    assert (mailboxes.name, mailboxes.divisible) == ("mailboxes", True)
    assert directory.saved[0].log_records == 0 and directory.saved[0].log_octets == 0
    (saved,) = mailboxes.saved
    assert saved.log_records == 5
    volume = next((site.log_volumes[0] / "mailboxes").glob("*.log")).stat().st_size
    assert 0 < saved.log_octets < volume
    assert mailboxes.size >= saved.size > 0


def test_lags_grow_until_the_archive_has_the_last_record(site: Site) -> None:
    deliver(site, 1)
    now = SystemClock().now()
    end = LiveVolumes(place_of(site, "mailboxes")).position().lsn
    lags = {
        "mailboxes": {"a": LagState(end, 3.0, 9, 9, now), "b": LagState(end - 1, 2.0, 50, 1, now - 7 * MICROSECONDS)}
    }
    write_lags(site.path / "state" / ARCHIVE, lags)
    assert read_lags(site.path / "state" / ARCHIVE) == lags
    mailboxes = gather_facts(site, now).databases[1]
    assert mailboxes.archived == (Behind("a", 0.0, 0, 0), Behind("b", 9.0, 50, 1))


def test_log_since_a_record_is_a_share_of_its_segment() -> None:
    segments = [Segment(1, 1000), Segment(101, 5000), Segment(151, 700)]
    assert log_since(segments, 0, 157) == 6700
    assert log_since(segments, 100, 157) == 5700
    assert log_since(segments, 125, 157) == 3200
    assert log_since(segments, 157, 157) == 0
    assert log_since(segments[1:], 0, 157) == 5700 * 157 // 57, "what was pruned is taken to be as dense"
    assert log_since([], 0, 157) == 0


def test_a_site_whose_data_volume_is_gone_has_facts_still(site: Site, tmp_path: Path) -> None:
    deliver(site, 2)
    back_up(site, tmp_path / "backup")
    shutil.rmtree(site.data_volume)
    facts = gather_facts(site, SystemClock().now())
    assert facts.data.disk == f"missing {site.data_volume}"
    assert facts.databases[1].size == facts.databases[1].saved[0].size > 0


def test_a_drill_of_the_real_databases_is_held_and_told(site: Site, tmp_path: Path) -> None:
    deliver(site, 4)
    back_up(site, tmp_path / "backup")
    deliver(site, 30)
    record = hold_drill(site, tmp_path / "backup", tmp_path / "scratch")
    assert record.ok and record.kept, [drill.troubles for drill in record.databases]
    assert record.databases[1].records == 30
    assert list((tmp_path / "scratch").iterdir()) == []

    def run(*words: str, exit_code: int = 0) -> str:
        result = CliRunner().invoke(app, ["-C", str(site.path), *words])
        assert result.exit_code == exit_code, result.output
        return result.stdout

    (row,) = json.loads(run("drill", "history", "--json"))
    assert row["id"] == record.id and row["databases"][1]["records"] == 30
    assert " ok " in run("drill", "history")
    # Target, data and log are on one disk here, so the promise does not hold.
    status = run("recovery", "status", exit_code=1)
    assert "there is no backup to restore from" in status
    assert "on one disk, and lost together" in status
    rows = json.loads(run("recovery", "status", "--json", exit_code=1))
    assert rows["disks"][0]["loss_seconds"] == 0
    assert rows["disks"][0]["kept"] is True
    page = tmp_path / "page.html"
    assert str(page) in run("drill", "report", "--output", str(page))
    assert "</html>" in page.read_text()


def test_damage_is_found_by_a_drill(site: Site, tmp_path: Path) -> None:
    deliver(site, 4)
    back_up(site, tmp_path / "backup")
    copy = tmp_path / "backup" / "mailboxes"
    data = copy.read_bytes()
    at = data.rindex(b"Hello Alice") if b"Hello Alice" in data else data.rindex(b"example.test")
    copy.write_bytes(data[:at] + b"Jello" + data[at + 5 :])
    record = hold_drill(site, tmp_path / "backup", tmp_path / "scratch")
    assert not record.ok
    assert record.databases[0].ok
    assert record.databases[1].troubles


def test_members_of_a_class_are_where_the_directory_says(site: Site) -> None:
    async def ask() -> object:
        with open_parts(site, "test") as parts:
            return await class_members(parts)

    assert asyncio.run(ask()) == {"board@example.test": frozenset({"directory", "mailboxes"})}
    assert everywhere(site) == {"board@example.test": frozenset({"directory", "mailboxes"})}


def test_a_class_that_leads_nowhere_is_told(site: Site) -> None:
    status = prospects(site, {"board@example.test": frozenset()}, [], SystemClock().now())
    assert status.notes[-1] == "nobody has the promise given to board@example.test: it leads to no mailbox"
