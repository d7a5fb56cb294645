"""A person's own way back: what was deleted comes back, in place, beside and into a file; found by the log."""

import mailbox
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pillarbox.testing.server import Server, server
from pillarbox.testing.twodatabases import imap, lmtp, subjects

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Alice had six letters, a backup was made, and then she deleted some of them."""
    folder = tmp_path_factory.mktemp("items")
    (folder / "backup").mkdir()
    with server(folder / "site", people=["alice", "bob"]) as one:
        one.set("backup", "targets", [f"file://{folder / 'backup'}"])
        for number in range(4):
            lmtp(one, "alice", "bob", subject=f"letter {number}")
        with imap(one, "alice") as client:
            client.create("Plans")
            for number in range(2):
                text = f"Subject: plan {number}\r\nMessage-ID: <plan{number}@example.test>\r\n\r\nx\r\n".encode()
                client.append("Plans", "(\\Flagged)", None, text)  # type: ignore[arg-type]
        one.command("backup")
        lmtp(one, "alice", subject="letter 4")
        with imap(one, "alice") as client:
            client.select("INBOX")
            client.store("2:3", "+FLAGS", "(\\Deleted)")
            client.expunge()
            client.delete("Plans")
        yield one


def record_of_damage(site: Server) -> int:
    rows = site.json("log", "find", "mailboxes", "--account", "alice@example.test", "--deleted")
    assert [(row["what"], row["mailbox"], row["subject"]) for row in rows] == [
        ("deleted", "INBOX", "letter 1"),
        ("deleted", "INBOX", "letter 2"),
        ("mailbox-deleted", "Plans", ""),
        ("deleted", "Plans", "plan 0"),
        ("deleted", "Plans", "plan 1"),
    ]
    assert {row["account"] for row in rows} == {"alice@example.test"}
    return min(row["lsn"] for row in rows)


def test_found_by_the_log_looked_at_and_brought_back(site: Server, tmp_path: Path) -> None:
    lsn = str(record_of_damage(site))
    rows = site.json("restore", "changes", "alice@example.test", "--before", lsn)
    assert {(row["what"], row["mailbox"], row["subject"]) for row in rows if row["what"] != "flags"} == {
        ("mailbox-gone", "Plans", ""), ("gone", "INBOX", "letter 1"), ("gone", "INBOX", "letter 2"),
        ("gone", "Plans", "plan 0"), ("gone", "Plans", "plan 1"),
    }  # fmt: skip

    file = tmp_path / "out.mbox"
    site.command("restore", "mail", "alice@example.test", "--before", lsn, "--to-file", str(file))
    box = mailbox.mbox(file)
    found = [letter["Subject"] for letter in box]
    box.close()
    assert found == [
        *(f"letter {number}" for number in range(5)), "plan 0", "plan 1",
    ]  # fmt: skip

    one = ("restore", "mail", "alice@example.test", "--before", lsn, "--message-id", "<plan1@example.test>")
    assert "1 messages are back" in site.command(*one)
    assert subjects(site, "alice", "Plans") == ["plan 1"]

    for _ in range(2):
        site.command("restore", "mail", "alice@example.test", "--before", lsn, "--beside")
    with imap(site, "alice") as client:
        names = b" ".join(line for line in client.list('""', '"Recovered/*"')[1] if isinstance(line, bytes))
    [beside] = {name.decode() for name in re.findall(rb"Recovered/[^/\"]+", names)}
    assert subjects(site, "alice", f"{beside}/INBOX") == [f"letter {number}" for number in range(5)]
    assert subjects(site, "alice", f"{beside}/Plans") == ["plan 0", "plan 1"]

    assert subjects(site, "alice") == ["letter 0", "letter 3", "letter 4"]
    for count in (3, 0):
        said = site.command("restore", "mail", "alice@example.test", "--before", lsn)
        assert f"{count} messages are back" in said
    assert sorted(subjects(site, "alice")) == [f"letter {number}" for number in range(5)]
    assert sorted(subjects(site, "alice", "Plans")) == ["plan 0", "plan 1"]
    assert subjects(site, "bob") == [f"letter {number}" for number in range(4)]
    with pytest.raises(RuntimeError, match="nobody with the address"):
        site.command("restore", "mail", "nobody@example.test", "--before", lsn)
