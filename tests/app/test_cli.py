"""The command line on a site that nobody serves: each command does what it says, and says what it refuses."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from pillarbox.app.cli.main import app
from pillarbox.testing.line import Line

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """A site with alice."""
    site = tmp_path_factory.mktemp("cli") / "site"
    one = Line(app, site)
    one("init", str(site), "--domain", "example.test", "--port-offset", "20000")
    one("user", "add", "alice@example.test", "--name", "Alice", "--password-stdin", input="secret\n")
    yield one


def commands() -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []

    def walk(group: Any, prefix: str) -> None:
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                walk(command, f"{prefix}{name} ")
            else:
                found.append((f"{prefix}{name}", command))

    walk(typer.main.get_command(app), "")
    return found


@pytest.mark.parametrize(("name", "command"), commands(), ids=lambda value: value if isinstance(value, str) else "")
def test_every_command_explains_itself_and_is_in_the_handbook(name: str, command: Any) -> None:
    assert command.help
    assert command.epilog and command.epilog.startswith("Example: "), name
    assert f"pillarbox -C DIR {name}" in command.epilog or f"pillarbox {name}" in command.epilog.replace(
        "-C /srv/mail ", ""
    )
    handbook = (DOCS / "operations.md").read_text()
    for word in name.split():
        assert f"`{word}`" in handbook or f"`{word} " in handbook or f" {word}" in handbook, name


def test_a_site_is_not_made_twice(line: Line) -> None:
    assert "is there already" in line.refused("init", str(line.site), "--domain", "other.test")


def test_people(line: Line) -> None:
    line("user", "add", "bob@example.test", "--password-stdin", "--quota", "5M", input="pw\n")
    assert [person["address"] for person in line.json("user", "list")] == ["alice@example.test", "bob@example.test"]
    shown = line.json("user", "show", "bob@example.test")
    assert shown["octet_limit"] == 5 << 20
    line("user", "quota", "bob@example.test", "--quota", "1G", "--message-quota", "7")
    assert line.json("user", "show", "bob@example.test")["message_limit"] == 7
    line("user", "disable", "bob@example.test")
    assert line.json("user", "show", "bob@example.test")["enabled"] is False
    line("user", "enable", "bob@example.test")
    line("user", "passwd", "bob@example.test", "--password-stdin", input="new\n")
    line("user", "delete", "bob@example.test", "--yes")
    assert "bob@example.test" in line.refused("user", "show", "bob@example.test")


def test_what_is_refused_says_why(line: Line) -> None:
    assert "domain add" in line.refused("user", "add", "x@nowhere.test", "--password-stdin", input="pw\n")
    assert "alice@example.test" in line.refused("user", "add", "alice@example.test", "--password-stdin", input="pw\n")
    assert "password is empty" in line.refused("user", "add", "x@example.test", "--password-stdin", input="\n")
    assert "no mailbox database" in line.refused(
        "user", "add", "x@example.test", "--database", "none", "--password-stdin", input="pw\n"
    )
    assert "is not a size" in line.refused("user", "quota", "alice@example.test", "--quota", "much")
    assert "there is no database" in line.refused("database", "verify", "none")
    assert "is not there" in line.refused("import", "alice@example.test", "/nonexistent")


def test_domains_aliases_and_groups(line: Line) -> None:
    line("domain", "add", "example.org", "--catch-all", "alice@example.test")
    assert {"name": "example.org", "catch_all": "alice@example.test"} in line.json("domain", "list")
    line("domain", "catch-all", "example.org")
    line("alias", "add", "sales@example.test", "alice@example.test")
    assert line.json("alias", "list") == [{"address": "sales@example.test", "target": "alice@example.test"}]
    line("group", "add", "staff@example.test", "--name", "Staff")
    line("group", "add", "all@example.test")
    line("group", "join", "staff@example.test", "alice@example.test")
    line("group", "join", "all@example.test", "staff@example.test")
    assert "in circles" in line.refused("group", "join", "staff@example.test", "all@example.test")
    line("group", "leave", "all@example.test", "staff@example.test")
    for command in (["group", "delete", "all@example.test"], ["group", "delete", "staff@example.test"],
                    ["alias", "delete", "sales@example.test"], ["domain", "delete", "example.org"]):  # fmt: skip
        line(*command)
    assert "no groups" in line("group", "list")


def test_import_and_export_there_and_back(line: Line, tmp_path: Path) -> None:
    letters = tmp_path / "letters"
    (letters / "Work" / "2024").mkdir(parents=True)
    for number in range(30):
        text = f"From: a@x.test\r\nSubject: letter {number}\r\nDate: Mon, 1 Jan 2024 00:00:{number:02} +0000\r\n\r\nText.\r\n"
        (letters / ("" if number % 2 else "Work/2024") / f"{number:02}.eml").write_bytes(text.encode())
    (letters / "flags.tsv").write_text("01.eml\t\\Seen \\Flagged work\n")
    for _ in range(2):
        line("import", "alice@example.test", str(letters), "--processes", "1")
        boxes = {row["mailbox"]: row["messages"] for row in line.json("mailbox", "list", "alice@example.test")}
        assert (boxes["INBOX"], boxes["Work/2024"]) == (15, 15)
    for kind in ("mbox", "maildir", "eml"):
        target = tmp_path / kind
        line("export", "alice@example.test", str(target), "--format", kind)
        line("export", "alice@example.test", str(target), "--format", kind)
        name = f"{kind}@example.test"
        line("user", "add", name, "--password-stdin", input="pw\n")
        line("import", name, str(target), "--processes", "1")
        assert contents(line, name, tmp_path) == contents(line, "alice@example.test", tmp_path), kind


def contents(line: Line, address: str, tmp_path: Path) -> dict[str, list[tuple[bytes, str]]]:
    """Every message with its flags, by mailbox, as an eml export shows them."""
    target = tmp_path / f"see-{address}"
    line("export", address, str(target), "--format", "eml")
    flags: dict[str, str] = {}
    for file in target.rglob("flags.tsv"):
        for row in file.read_text().splitlines():
            name, words = row.split("\t")
            flags[f"{file.parent.relative_to(target)}/{name}"] = words
    found: dict[str, list[tuple[bytes, str]]] = {}
    for file in sorted(target.rglob("*.eml")):
        folder = str(file.parent.relative_to(target))
        found.setdefault(folder, []).append((file.read_bytes(), flags.get(f"{folder}/{file.name}", "")))
    return {folder: sorted(letters) for folder, letters in found.items()}


def test_the_databases(line: Line) -> None:
    rows = line.json("database", "list")
    assert [row["database"] for row in rows] == ["directory", "mailboxes"]
    assert all(row["state"] == "open" for row in rows)
    assert "mailboxes: all is well" in line("database", "verify")
    records = [json.loads(row) for row in line("database", "dump-log", "directory", "--json").splitlines()]
    assert [record["lsn"] for record in records] == list(range(1, len(records) + 1))
    assert "alice@example.test" in json.dumps(records)
    line("database", "create", "second")
    assert "second" in line.refused("database", "create", "second")
