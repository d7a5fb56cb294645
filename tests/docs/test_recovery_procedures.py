"""Every command in docs/recovery.md is executed here, after the disaster it is for has really happened.

Each test is one section of the page: it makes the disaster, follows the steps, and then looks for every letter that was
answered 250, octet for octet and with its flags.
"""

import functools
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from pillarbox.app.build import place_of
from pillarbox.app.site import Site
from pillarbox.database.live import LiveVolumes
from pillarbox.recovery.names import parse_span_name
from pillarbox.testing.procedures import Procedure, sections
from pillarbox.testing.server import Server, port_offset
from pillarbox.testing.twodatabases import eventually, imap, lmtp, subjects

pytestmark = pytest.mark.process

PAGE = Path(__file__).parents[2] / "docs" / "recovery.md"
SECTIONS = sections(PAGE)
MOMENT = "2026-11-24 10:42:17"

TESTED: dict[str, str] = {}


class House(NamedTuple):
    """A server with a backup, encrypted, at two targets, and the procedure to go through."""

    site: Server
    procedure: Procedure
    places: dict[str, Path]
    other: Server | None = None

    def place(self, name: str) -> Path:
        """One of the places that the page names."""
        return self.places[name]


def places_in(root: Path) -> dict[str, Path]:
    return {
        "/srv/mail": root / "site",
        "/mnt/backup": root / "backup",
        "/mnt/offsite": root / "offsite",
        "/mnt/tape": root / "tape",
        "/mnt/unpacked": root / "unpacked",
        "/mnt/beside": root / "beside",
        "/media/key": root / "key",
        "/tmp/": root / "tmp",
    }


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with two people, the key for its backups, and the first backup made by following the page."""
    root = tmp_path_factory.mktemp("recovery")
    with port_offset() as offset:
        site = Server(root / "site", offset, workers=1)
        site.init()
        for name in ("backup", "offsite", "key"):
            (root / name).mkdir()
        printed = site.command("backup", "key", str(root / "key" / "backup-key.txt"))
        site.set("backup", "targets", [f"file://{root / 'backup'}"])
        site.set("backup", "recipients", [public_key(printed)])
        site.set("backup", "time", "")
        site.set("backup", "archive_seconds", 0.2)
        site.set("backup", "log_alarm_percent", 100)  # this machine's disk is not the test's business
        site.command("backup", "--full")
    return root


@pytest.fixture
def house(template: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[House]:
    """The template's copy, served; for the section that the test is named after in TESTED."""
    title = TESTED[request.function.__name__]
    places = places_in(tmp_path)
    for name in ("site", "backup", "offsite", "key"):
        shutil.copytree(template / name, tmp_path / name)
    for name in ("tape", "tmp"):
        (tmp_path / name).mkdir()
    with port_offset() as offset:
        site = Server(tmp_path / "site", offset, workers=1)
        site.set("server", "port_offset", offset)
        site.set("backup", "targets", [f"file://{tmp_path / 'backup'}"])
        words = {page: f"{place}/" if page.endswith("/") else str(place) for page, place in places.items()}
        words |= {"@example.org": "@example.test"}
        procedure = Procedure(SECTIONS[title], site, tmp_path / "bin", words)
        try:
            site.start()
            yield House(site, procedure, places)
        finally:
            site.stop()


def section(title: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Says which section a test goes through, to its end."""

    def named(test: Callable[..., None]) -> Callable[..., None]:
        TESTED[test.__name__] = title

        @functools.wraps(test)
        def whole(**houses: House) -> None:
            test(**houses)
            for house in houses.values():
                assert house.procedure.left == 0, f"{house.procedure.left} blocks of {title!r} were not executed"

        return whole

    return named


def public_key(printed: str) -> str:
    found = re.search(r"age1[0-9a-z]+", printed)
    assert found
    return found[0]


# --- the mail that must not be lost ---------------------------------------------------------------------------------


def fill(site: Server) -> None:
    """Letters for both, some of them read or flagged."""
    for number in range(6):
        assert lmtp(site, "alice", "bob", subject=f"letter {number}") == {}
    with imap(site, "alice") as client:
        client.create("Projects")
        client.select("INBOX")
        client.store("1", "+FLAGS", r"(\Seen \Flagged)")
        client.copy("2:3", "Projects")
        client.store("2:3", "+FLAGS", r"(\Deleted)")
        client.expunge()


Mail = dict[str, list[tuple[str, bytes]]]


def mail(site: Server, name: str) -> Mail:
    """Flags and octets of every message of a person, by mailbox."""
    found: Mail = {}
    with imap(site, name) as client:
        for line in client.list()[1]:
            assert isinstance(line, bytes)
            mailbox = line.decode().rpartition(' "/" ')[2].strip('"')
            client.select(f'"{mailbox}"', readonly=True)
            _, data = client.fetch("1:*", "(FLAGS BODY.PEEK[])") if client.search(None, "ALL")[1] != [b""] else ("", [])
            letters = [item for item in data if isinstance(item, tuple)]
            found[mailbox] = sorted((flags_in(item[0]), item[1]) for item in letters)
    return found


def flags_in(line: bytes) -> str:
    match = re.search(rb"FLAGS \(([^)]*)\)", line)
    assert match
    return " ".join(sorted(set(match[1].decode().split()) - {r"\Recent"}))


def all_mail(site: Server) -> dict[str, Mail]:
    served(site)
    return {name: mail(site, name) for name in ("alice", "bob")}


def served(site: Server) -> None:
    """Waits until everybody's mail is served again."""

    def both() -> bool:
        try:
            return bool(mail(site, "alice") and mail(site, "bob"))
        except Exception:  # whatever a client meets while a database is opened
            return False

    eventually(both)


def moment() -> str:
    """A moment after everything so far and before everything to come, as a person writes it."""
    time.sleep(1.1 - time.time() % 1)  # moments are given in whole seconds
    then = datetime.now().strftime("%Y-%m-%d %H:%M:%S")
    time.sleep(1.05 - time.time() % 1)
    return then


def archived(house: House) -> None:
    """Waits until the target has all of the log."""
    place, target = place_of(Site.load(house.site.path), "mailboxes"), house.place("/mnt/backup")
    wanted = LiveVolumes(place).position()

    def done() -> bool:
        names = (parse_span_name(path.relative_to(target).as_posix()) for path in target.glob("log/mailboxes/*/*/*"))
        spans = [name.span for name in names if name is not None]
        return any(span.generation == wanted.generation and span.last >= wanted.lsn for span in spans)

    eventually(done)


def empty(folder: Path) -> None:
    """A new disk in the place of a lost one."""
    shutil.rmtree(folder)
    folder.mkdir()


def spoil(file: Path) -> None:
    """Overwrites every second page behind the first eight."""
    with open(file, "r+b") as data:
        for page in range(8, max(9, file.stat().st_size // 4096), 2):
            data.seek(page * 4096)
            data.write(os.urandom(4096))


# --- the sections -----------------------------------------------------------------------------------------------------


@section("What is lost, and what to do")
def test_the_variable_that_names_the_site(house: House) -> None:
    house.procedure.next()


@section("Setting up")
def test_setting_up(house: House) -> None:
    site, steps = house.site, house.procedure
    site.stop()
    empty(house.place("/media/key"))
    empty(house.place("/mnt/backup"))
    shutil.rmtree(site.path / "state")
    site.set("backup", "targets", [])
    site.set("backup", "recipients", [])
    site.start()
    fill(site)
    printed = steps.next()
    steps.words["age1..."] = public_key(printed)
    steps.next()
    assert "no findings" in (done := steps.next())
    assert "mailboxes: backup" in done and ": the same" in done and "NOT" not in done
    assert "a promise would be broken" in steps.next() or site.healthy()
    assert {row["target"] for row in site.json("backup", "list")} >= {f"file://{house.place('/mnt/offsite')}"}


@section("Somebody deleted mail")
def test_somebody_deleted_mail(house: House) -> None:
    site, steps = house.site, house.procedure
    fill(site)
    before = mail(site, "alice")
    with imap(site, "alice") as client:
        client.select("INBOX")
        client.store("1", "+FLAGS", r"(\Deleted)")
        client.expunge()
    [gone] = [row for row in site.json("deleted", "list", "alice@example.test") if row["subject"] == "letter 0"]
    assert "letter 0" in steps.next()
    steps.words["alice@example.org 17"] = f"alice@example.test {gone['id']}"
    assert "1 of 1 messages are back" in steps.next()
    assert [text for _, text in mail(site, "alice")["INBOX"]].count(before["INBOX"][-1][1]) == 1
    with imap(site, "alice") as client:
        client.select("INBOX")
        client.store("1:*", "-FLAGS", r"(\Seen \Flagged)")
        at = len(before["INBOX"])
        client.store(str(at), "+FLAGS", r"(\Seen \Flagged)")
    before = mail(site, "alice")

    steps.words[MOMENT] = moment()
    archived(house)
    with imap(site, "alice") as client:
        client.delete("Projects")
        client.select("INBOX")
        client.store("1:2", "+FLAGS", r"(\Deleted)")
        client.expunge()
    lmtp(site, "alice", subject="newest")
    told = steps.next()
    assert "Projects" in told and told.count("gone") >= 4
    steps.next()
    assert mail(site, "alice")["Projects"] == before["Projects"]
    steps.next()
    after = mail(site, "alice")
    [recovered] = {box.rpartition("/")[0] for box in after if box.startswith("Recovered/") and box.endswith("/INBOX")}
    assert after[f"{recovered}/INBOX"] == before["INBOX"]
    assert after[f"{recovered}/Projects"] == before["Projects"]
    assert "newest" in subjects(site, "alice")
    text = (house.place("/tmp/") / "alice.mbox").read_bytes()
    assert text.count(b"\nSubject: letter") == sum(map(len, before.values()))


@section("Who deleted what")
def test_who_deleted_what(house: House) -> None:
    site, steps = house.site, house.procedure
    fill(site)
    before = all_mail(site)
    for name in before:
        with imap(site, name) as client:
            client.select("INBOX")
            client.store("1:*", "+FLAGS", r"(\Deleted)")
            client.expunge()
    assert lmtp(site, "alice", "bob", subject="came after") == {}
    steps.words["2026-11-24 10:00"] = "00:00"
    told = steps.next()
    assert "deleted" in told and "letter 5" in told
    rows = site.json("log", "find", "mailboxes", "--account", "alice@example.test", "--deleted", "--from", "00:00")
    steps.words["4711"] = str(min(row["lsn"] for row in rows if row["subject"] == "letter 5"))
    steps.next()
    assert without_flags(before["alice"]["INBOX"]) <= without_flags(mail(site, "alice")["INBOX"])
    assert "came after" in subjects(site, "alice")

    done = steps.next()
    served(site)
    assert unmarked(all_mail(site)) == unmarked(before)
    [kept] = set(re.findall(r"mailboxes\.replaced-[0-9TZ.]+Z", done))
    steps.words["mailboxes.replaced-20261124T113002.000000Z"] = kept
    assert "merged 2 messages" in steps.next()
    assert subjects(site, "bob")[-1] == "came after" and "came after" in subjects(site, "alice")
    assert f"deleted {kept}" in steps.next()
    assert not (site.path / "data" / kept).exists() and site.command("database", "verify")


def unmarked(everybody: dict[str, Mail]) -> dict[str, Mail]:
    """Mail without the mark for deletion."""
    return {
        name: {
            box: sorted((flags.replace(r"\Deleted", "").strip(), text) for flags, text in letters)
            for box, letters in boxes.items()
        }
        for name, boxes in everybody.items()
    }


def without_flags(letters: list[tuple[str, bytes]]) -> set[bytes]:
    return {text for _, text in letters}


@section("A database is damaged")
def test_a_database_is_damaged(house: House) -> None:
    site, steps = house.site, house.procedure
    fill(site)
    before = all_mail(site)
    site.stop()
    spoil(site.path / "data" / "mailboxes.db")
    site.start_unhealthy()
    assert "damaged" in steps.next()
    steps.next()
    served(site)
    assert all_mail(site) == before
    assert "all is well" in steps.next()
    assert all_mail(site) == before and lmtp(site, "alice", "bob") == {}


@section("The data volume is lost")
def test_the_data_volume_is_lost(house: House) -> None:
    site, steps = house.site, house.procedure
    fill(site)
    before = all_mail(site)
    site.kill()
    steps.next()
    empty(site.path / "data")
    assert "mailboxes is in place" in steps.next()
    assert "all is well" in steps.next()
    assert all_mail(site) == before and lmtp(site, "alice", "bob") == {}


@section("One of two log volumes is lost")
def test_one_of_two_log_volumes_is_lost(house: House) -> None:
    site, steps = house.site, house.procedure
    site.stop()
    (site.path / "log2").mkdir()
    site.set("storage", "log_volumes", ["log", "log2"])
    site.start()
    fill(site)
    before = all_mail(site)
    empty(site.path / "log")
    told = steps.next()
    assert told.count("in-use") >= 4 and all_mail(site) == before
    site.stop()
    shutil.rmtree(site.path / "log2")
    (site.path / "log2").mkdir()
    site.start()
    assert all_mail(site) == before and site.command("database", "verify")


@section("The only log volume is lost")
def test_the_only_log_volume_is_lost(house: House) -> None:
    site, steps = house.site, house.procedure
    fill(site)
    before = all_mail(site)
    site.kill()
    empty(site.path / "log")
    with pytest.raises(RuntimeError, match="new-log"):
        site.start()
    steps.next()
    assert "mailboxes is in use" in steps.next()
    assert "backup" in steps.next()
    assert all_mail(site) == before and lmtp(site, "alice", "bob") == {}
    site.command("backup", "verify", "--identity", str(house.place("/media/key") / "backup-key.txt"))


@section("The whole machine is lost")
def test_the_whole_machine_is_lost(house: House) -> None:
    site, steps = house.site, house.procedure
    fill(site)
    before = all_mail(site)
    archived(house)
    site.kill()
    site.stop()
    shutil.rmtree(site.path)
    assert "the server is back" in steps.next()
    site.set("backup", "targets", [f"file://{house.place('/mnt/backup')}"])
    steps.next()
    assert all_mail(site) == before and lmtp(site, "alice", "bob") == {}
    assert not list(site.path.glob("*/*.replaced-*"))


@section("Work first, history later")
def test_work_first_history_later(house: House) -> None:
    site, steps = house.site, house.procedure
    fill(site)
    before = all_mail(site)
    archived(house)
    site.kill()
    for file in (site.path / "data").glob("mailboxes.db*"):
        file.unlink()
    shutil.rmtree(site.path / "log" / "mailboxes")
    site.start_unhealthy()
    assert "works, empty" in steps.next()
    served(site)
    assert subjects(site, "alice") == []
    assert lmtp(site, "alice", subject="while empty") == {}
    assert "merged 1 messages" in steps.next()
    served(site)
    after = all_mail(site)
    assert after["bob"] == before["bob"]
    assert [one for one in after["alice"]["INBOX"] if b"while empty" not in one[1]] == before["alice"]["INBOX"]
    assert subjects(site, "alice").count("while empty") == 1
    steps.next()
    after = all_mail(site)
    steps.next()
    assert all_mail(site) == after


@section("A backup is damaged")
def test_a_backup_is_damaged(house: House) -> None:
    site, steps = house.site, house.procedure
    fill(site)
    [first] = site.json("backup", "list")
    before = all_mail(site)
    [piece, *_] = (house.place("/mnt/backup") / "sets" / first["set"] / "mailboxes").iterdir()
    whole = piece.read_bytes()
    piece.write_bytes(bytes([whole[0] ^ 255]) + whole[1:])
    assert "damaged" in (told := steps.next()) and piece.name in told and "no findings" in told
    piece.write_bytes(whole)
    steps.words["20261124T013000Z-full"] = first["set"]
    assert first["set"] in steps.next()
    assert all_mail(site) == before


@section("A target is full or gone")
def test_a_target_is_gone(house: House) -> None:
    site, steps = house.site, house.procedure
    target, offsite = house.place("/mnt/backup"), house.place("/mnt/offsite")
    site.set("backup", "targets", [f"file://{target}", f"file://{offsite}"])
    site.stop()
    site.start()
    shutil.rmtree(target)
    fill(site)
    before = all_mail(site)
    assert "a target is away" in steps.next()
    site.set("backup", "targets", [f"file://{offsite}"])
    assert "no findings" in steps.next()
    assert all_mail(site) == before


@section("The private key is lost")
def test_the_private_key_is_lost(house: House) -> None:
    site, steps = house.site, house.procedure
    fill(site)
    (house.place("/media/key") / "backup-key.txt").unlink()
    site.set("backup", "recipients", [public_key(steps.next())])
    assert "no findings" in steps.next()
    before = all_mail(site)
    archived(house)
    bare = Server(house.place("/tmp/") / "bare", site.offset)
    new_key = str(house.place("/media/key") / "new-key.txt")
    bare.command("restore", "server", "--from", f"file://{house.place('/mnt/backup')}", "--identity", new_key)
    bare.set("backup", "targets", [])
    site.stop()
    bare.start()
    try:
        assert all_mail(bare) == before  # though the log had begun under the old key
    finally:
        bare.stop()
    with pytest.raises(RuntimeError, match="encrypted to another key"):
        site.command("restore", "database", "mailboxes", "--beside", str(house.place("/mnt/beside")), "--set",
                     site.json("backup", "list")[0]["set"], "--identity", new_key)  # fmt: skip


@section("Tapes and pipes")
def test_tapes_and_pipes(house: House) -> None:
    site, steps = house.site, house.procedure
    fill(site)
    before = all_mail(site)
    steps.next()
    shutil.rmtree(house.place("/mnt/backup"))
    assert "mailboxes is in" in steps.next()
    file = house.place("/mnt/beside") / "mailboxes" / "mailboxes.db"
    assert file.stat().st_size > 0 and all_mail(site) == before


@section("An upgrade")
def test_an_upgrade(house: House) -> None:
    fill(house.site)
    before = all_mail(house.site)
    assert "all databases have the tables" in house.procedure.next()
    assert all_mail(house.site) == before


@pytest.fixture
def two(tmp_path: Path) -> Iterator[House]:
    """A, which serves, and B, a new machine; the procedure is typed on A."""
    with port_offset() as here, port_offset() as there:
        a, b = Server(tmp_path / "a", here, workers=1), Server(tmp_path / "b", there, workers=1)
        (tmp_path / "tmp").mkdir()
        a.init()
        b.init([])
        words = {
            "/srv/mail": str(a.path),
            "ssh a.example.org pillarbox -C /srv/mail": f"pillarbox -C {a.path}",
            "ssh b.example.org pillarbox -C /srv/mail": f"pillarbox -C {b.path}",
            "b.example.org:/srv/mail": str(b.path),
            "b.example.org:/tmp/": f"{tmp_path / 'tmp'}/",
            "/tmp/": f"{tmp_path / 'tmp'}/",
            "scp": "cp",
            "0.0.0.0:4190": f"127.0.0.1:{a.port(4190)}",
        }
        title = TESTED["test_the_standby_takes_over"]
        procedure = Procedure(SECTIONS[title], a, tmp_path / "bin", words, other=b)
        try:
            a.start()
            yield House(a, procedure, {"b": b.path}, b)
        finally:
            a.stop()
            b.stop()


@section("The standby takes over")
def test_the_standby_takes_over(two: House) -> None:
    a, b, steps = two.site, two.other, two.procedure
    assert b is not None
    steps.next()
    steps.next()
    b.set("standby", "listen", f"127.0.0.1:{b.port(4190)}")
    b.set("standby", "server", f"127.0.0.1:{a.port(4190)}")
    for server in (a, b):
        server.set("server", "drain_seconds", 2.0)
    assert "lag" in steps.next()
    a.set("standby", "server", f"127.0.0.1:{b.port(4190)}")
    steps.next()
    fill(a)
    before = all_mail(a)
    eventually(lambda: follows(b), 60)
    steps.next()
    eventually(b.healthy, 60)
    assert all_mail(b) == before
    eventually(lambda: follows(a), 60)
    steps.next()
    eventually(a.healthy, 60)
    eventually(lambda: follows(b), 60)
    assert all_mail(a) == before and lmtp(a, "alice", "bob", subject="last") == {}
    before = all_mail(a)
    a.kill()
    assert "is active" in steps.next()
    eventually(b.healthy, 60)
    assert all_mail(b) == before and lmtp(b, "alice", subject="after") == {}
    steps.next()
    eventually(lambda: follows(a), 60)


def follows(standby: Server) -> bool:
    """Whether it has everything."""
    rows = json.loads(standby.command("standby-status", "--json", check=False) or "[]")
    return bool(rows) and all(row["lag_records"] == 0 for row in rows)


@section("The drill")
def test_the_drill(house: House) -> None:
    fill(house.site)
    before = all_mail(house.site)
    archived(house)
    told = house.procedure.next()
    assert told.count("compared row by row") == 2 and "NOT" not in told and "promised" in told
    assert "<svg" in (house.place("/tmp/") / "recovery.html").read_text()
    assert all_mail(house.site) == before and not list((house.site.path / "drill").glob("*/*"))


@section("How long it takes")
def test_how_long_it_takes(house: House) -> None:
    assert '"headline"' in house.procedure.next()


def test_every_procedure_is_tested() -> None:
    assert set(SECTIONS) == set(TESTED.values())
