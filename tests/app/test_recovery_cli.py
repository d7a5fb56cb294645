"""The commands of recovery on a site that nobody serves: what they do, and the sentence where they cannot."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pillarbox.app.cli.main import app
from pillarbox.app.dismounted import dismounted
from pillarbox.app.site import Site
from pillarbox.testing.line import Line

ADDRESS = "alice@example.test"


def set_(line: Line, key: str, value: object) -> None:
    """One setting of [backup]."""
    file = line.site / "pillarbox.toml"
    head, mark, tail = file.read_text().partition("[backup]\n")
    lines = [f"{key} = {json.dumps(value)}" if row.startswith(f"{key} = ") else row for row in tail.split("\n")]
    file.write_text(head + mark + "\n".join(lines))


def letter(line: Line, number: int) -> None:
    """One more message in the INBOX."""
    file = line.site.parent / f"{number}.eml"
    file.write_bytes(f"Message-ID: <{number}@x>\r\nSubject: letter {number}\r\n\r\nText.\r\n".encode())
    line("import", ADDRESS, str(file), "--processes", "1")


def count(line: Line, mailbox: str = "INBOX") -> int:
    return sum(row["messages"] for row in line.json("mailbox", "list", ADDRESS) if row["mailbox"] == mailbox)


def is_open(line: Line, name: str = "mailboxes") -> bool:
    return dismounted(Site.load(line.site), name) is None


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with one person."""
    root = tmp_path_factory.mktemp("made")
    line = Line(app, root / "site")
    line("init", str(line.site), "--domain", "example.test", "--port-offset", "20000")
    line("user", "add", ADDRESS, "--password-stdin", input="secret\n")
    return root


@pytest.fixture
def bare(made: Path, tmp_path: Path) -> Line:
    """A site of its own, without a target."""
    shutil.copytree(made / "site", tmp_path / "site")
    return Line(app, tmp_path / "site")


@pytest.fixture(scope="module")
def saved(made: Path) -> Path:
    """A site with two letters in its backup and one only in its log."""
    root = made.parent / "saved"
    shutil.copytree(made, root)
    line = Line(app, root / "site")
    (root / "target").mkdir()
    printed = line("backup", "key", str(root / "key.txt"))
    set_(line, "targets", [f"file://{root / 'target'}"])
    set_(line, "recipients", [printed.split('"')[1]])
    for number in (1, 2):
        letter(line, number)
    line("backup")
    letter(line, 3)
    return root


@pytest.fixture
def line(saved: Path) -> Iterator[Line]:
    """The same, of its own."""
    with tempfile.TemporaryDirectory() as root:  # its name is short enough for sockets
        shutil.copytree(saved, root, dirs_exist_ok=True)
        one = Line(app, Path(root, "site"))
        set_(one, "targets", [f"file://{target_of(one)}"])
        yield one


def target_of(line: Line) -> Path:
    return line.site.parent / "target"


def key(line: Line) -> tuple[str, str]:
    return ("--identity", str(line.site.parent / "key.txt"))


# --- nothing to work with ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        "backup", "backup list", "backup verify", "restore database mailboxes", "repair mailboxes", "drill",
        f"restore mail {ADDRESS}", f"restore changes {ADDRESS}",
    ],
)  # fmt: skip
def test_without_a_target_it_says_how_to_name_one(bare: Line, words: str) -> None:
    assert "targets = [" in bare.refused(*words.split())
    assert is_open(bare) and bare.json("drill", "history") == []


def test_what_is_not_there_is_named(line: Line) -> None:
    assert "no database nix" in line.refused("restore", "database", "nix")
    assert "no database nix" in line.refused("repair", "nix")
    assert "'nix'" in line.refused("log", "find", "nix")
    assert "nobody@example.test" in line.refused("restore", "mail", "nobody@example.test", *key(line))
    assert "20200101" in line.refused("backup", "verify", "20200101T000000Z-full")
    assert "20200101" in line.refused("restore", "database", "mailboxes", "--set", "20200101T000000Z-full", *key(line))
    assert "is not kept aside" in line.refused("database", "merge-back", "mailboxes", "--kept", "mailboxes.lost-1")
    assert "no dial-tone mail" in line.refused("database", "merge-back", "mailboxes")
    assert "nothing of mailboxes is kept" in line("restore", "discard-old", "mailboxes")
    assert is_open(line) and count(line) == 3


def test_moments_that_cannot_be(line: Line) -> None:
    words = ("restore", "database", "mailboxes")
    assert "in the future" in line.refused(*words, "--to", "2999-01-01", *key(line))
    assert "the oldest of the 1" in line.refused(*words, "--to", "2001-01-01", *key(line))
    assert "is not a time" in line.refused(*words, "--to", "soon")
    assert "not both" in line.refused(*words, "--to", "10:42", "--before", "5")
    assert "nothing before the first" in line.refused(*words, "--before", "1")
    assert "there is no record" in line.refused(*words, "--before", "1000000", *key(line))
    assert is_open(line) and count(line) == 3


# --- keys -----------------------------------------------------------------------------------------------------------


def test_keys_are_not_overwritten_and_not_guessed(line: Line, tmp_path: Path) -> None:
    assert "there already" in line.refused("backup", "key", key(line)[1])
    assert "cannot be written" in line.refused("backup", "key", str(tmp_path / "nowhere" / "key.txt"))
    other = str(tmp_path / "other.txt")
    line("backup", "key", other)
    for words in ("restore database mailboxes", "repair mailboxes", f"restore mail {ADDRESS}"):
        assert "--identity" in line.refused(*words.split())
        assert "another key" in line.refused(*words.split(), "--identity", other)
        assert "cannot be read" in line.refused(*words.split(), "--identity", str(tmp_path / "none.txt"))
    for given in ((), ("--identity", str(tmp_path / "none.txt"))):
        line.refused("drill", *given)
    assert line.json("drill", "history") == [] and is_open(line) and count(line) == 3


# --- backups --------------------------------------------------------------------------------------------------------


def test_backups_are_made_listed_and_read_back(line: Line) -> None:
    assert "is at file://" in line("backup", "--incremental")
    rows = line.json("backup", "list")
    assert [row["kind"] for row in rows] == ["full", "incr"] and all(row["encrypted"] for row in rows)
    assert rows[0]["set"] in line("backup", "list")
    assert "without looking inside" in line("backup", "verify")
    done = line.run("backup", "verify", rows[0]["set"], *key(line))
    assert "no findings" in done.stdout and "without" not in done.stdout
    assert done.stderr == "", "no bars where nobody sees them"


def test_a_damaged_backup_is_named(line: Line) -> None:
    [piece] = target_of(line).glob("sets/*/mailboxes/*")
    whole = piece.read_bytes()
    piece.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert piece.name in line.refused("backup", "verify", *key(line))
    assert "not restored" in line.refused("restore", "database", "mailboxes", *key(line))
    assert is_open(line) and count(line) == 3


def test_a_target_that_is_away_does_not_hide_the_others(line: Line, tmp_path: Path) -> None:
    away = tmp_path / "away"
    set_(line, "targets", [f"file://{away}", f"file://{target_of(line)}"])
    for words in (("backup", "list"), ("backup", "verify")):
        told = line.run(*words)
        assert told.exit_code != 0 and str(away) in told.output and "-full" in told.stdout
    assert "letter" not in line.refused("backup", "list", "--target", f"file://{away}")
    line("repair", "mailboxes", *key(line))
    assert count(line) == 3


def test_a_stream_is_a_target_once_it_is_unpacked(line: Line, tmp_path: Path) -> None:
    line("backup", "--stream", f"tar -x -C {tmp_path} -f -")
    shutil.rmtree(target_of(line))
    line("restore", "database", "mailboxes", "--beside", str(tmp_path / "beside"), "--from", f"file://{tmp_path}", *key(line))  # fmt: skip
    assert (tmp_path / "beside" / "mailboxes" / "mailboxes.db").exists()
    assert "ended with status 3" in line.refused("backup", "--stream", "exit 3")


# --- restores -------------------------------------------------------------------------------------------------------


def test_back_to_before_a_record_and_the_rest_from_what_was_kept(line: Line) -> None:
    lsn = line.json("log", "find", "mailboxes", "--message-id", "<3@x>")[0]["lsn"]
    told = line("restore", "database", "mailboxes", "--before", str(lsn), *key(line))
    assert count(line) == 2 and "generation 2" in told
    kept = next(word for word in told.split() if word.startswith("mailboxes.replaced-"))
    assert "merged 1 messages" in line("database", "merge-back", "mailboxes", "--kept", kept)
    assert count(line) == 3
    assert f"deleted {kept}" in line("restore", "discard-old", "mailboxes")


@pytest.mark.parametrize("lost", ["data", "log"])
def test_repair_brings_back_what_one_volume_still_has(line: Line, lost: str) -> None:
    """The data volume: backup and log. The log volume: the backup alone, since nothing archived the log here."""
    for path in (line.site / lost).glob("mailboxes*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    line("repair", "mailboxes", *key(line))
    assert count(line) == (3 if lost == "data" else 2)
    assert "all is well" in line("database", "verify", "mailboxes")


def test_a_whole_server_on_a_bare_machine(line: Line, tmp_path: Path) -> None:
    there = Line(app, line.site.parent / "new")
    told = there("restore", "server", "--from", f"file://{target_of(line)}", *key(line))
    assert "the server is back" in told and "replaced" not in told
    assert count(there) == 2
    assert "no backup" in Line(app, tmp_path / "newer").refused("restore", "server", "--from", f"file://{tmp_path}")


def test_one_person_s_mail(line: Line, tmp_path: Path) -> None:
    words = (ADDRESS, *key(line))
    assert line.json("restore", "changes", *words) == []
    line("restore", "mail", *words, "--beside", "--mailbox", "INBOX")
    boxes = [row["mailbox"] for row in line.json("mailbox", "list", ADDRESS)]
    assert any(box.startswith("Recovered/") and box.endswith("/INBOX") for box in boxes)
    line("restore", "mail", *words, "--to-file", str(tmp_path / "one.mbox"), "--message-id", "<2@x>")
    assert (tmp_path / "one.mbox").read_bytes().count(b"Subject: letter") >= 1
    assert "0 messages are back" in line("restore", "mail", *words)


# --- drills and databases ---------------------------------------------------------------------------------------------


def test_a_drill_and_what_is_written_about_it(line: Line, tmp_path: Path) -> None:
    set_(line, "archive_seconds", 0)  # nothing has archived the log here: drills take it from its volume
    told = line("drill", *key(line))
    assert told.count(": the same") == 2
    [record] = line.json("drill", "history")
    assert {one["database"] for one in record["databases"]} == {"directory", "mailboxes"}
    assert "ok" in line("drill", "history")
    page = tmp_path / "report.html"
    line("drill", "report", "--output", str(page))
    assert "<svg" in page.read_text()
    status = json.loads(line.run("recovery", "status", "--json").stdout)
    assert status["headline"]


def test_out_of_service_and_back(line: Line) -> None:
    assert "directory" in line.refused("database", "dismount", "directory")
    line("database", "dismount", "mailboxes", "--reason", "new disk")
    assert "new disk" in line.run("database", "list").stdout
    assert "not open" in line.refused("mailbox", "list", ADDRESS)
    line("database", "mount", "mailboxes")
    assert count(line) == 3


def test_dial_tone_and_the_old_mail_behind_it(line: Line) -> None:
    (line.site / "data" / "mailboxes.db").unlink()
    line("database", "dial-tone", "mailboxes")
    assert "dial-tone database already" in line.refused("database", "dial-tone", "mailboxes")
    assert count(line) == 0
    letter(line, 4)
    assert "restore mailboxes first" in line.refused("restore", "discard-old", "mailboxes")
    assert "merged 1 messages" in line("restore", "database", "mailboxes", *key(line))
    assert count(line) == 4


def test_a_new_log_with_and_without_the_old_one(line: Line) -> None:
    line("database", "new-log", "mailboxes")
    shutil.rmtree(line.site / "log" / "directory")
    assert "new-log" in line.refused("user", "list")
    line("database", "new-log", "directory")
    rows = {row["database"]: row for row in line.json("database", "list")}
    assert rows["mailboxes"]["generation"] == rows["directory"]["generation"] == 2
    assert count(line) == 3
