"""One database comes and goes while the others go on: dismounted, damaged, lost, replaced by an empty one."""

import imaplib
import poplib
import re
import smtplib
from contextlib import ExitStack
from pathlib import Path

import pytest

from pillarbox.testing.server import HOST, Server
from pillarbox.testing.twodatabases import back, eventually, imap, lmtp, subjects, two_databases

pytestmark = pytest.mark.process


def bobs_mail_waits_and_alices_goes_on(site: Server) -> None:
    answer = lmtp(site, "alice", "bob")
    assert set(answer) == {"bob"}
    assert answer["bob"][0] == 451 and answer["bob"][1].startswith(b"4.3.")
    with smtplib.SMTP(HOST, site.port(25), timeout=20) as client:
        client.ehlo()
        client.mail("carol@example.test")
        assert client.rcpt("alice@example.test")[0] == 250
        code, text = client.rcpt("bob@example.test")
        assert code == 451 and text.startswith(b"4.3.")
    with pytest.raises(imaplib.IMAP4.error, match="UNAVAILABLE"), imap(site, "bob"):
        pass
    pop = poplib.POP3(HOST, site.port(110), timeout=20)
    pop.user("bob@example.test")
    with pytest.raises(poplib.error_proto, match="SYS/TEMP"):
        pop.pass_("pass")
    pop.close()
    assert "hello" in subjects(site, "alice")


def test_a_database_is_dismounted_and_mounted_while_the_other_goes_on(tmp_path: Path) -> None:
    with two_databases(tmp_path / "site") as site, ExitStack() as stack:
        assert lmtp(site, "bob", subject="before") == {}
        old, idle = stack.enter_context(imap(site, "bob")), stack.enter_context(imap(site, "bob"))
        old.select("INBOX")
        idle.select("INBOX")
        idle.send(b"x IDLE\r\n")
        assert idle.readline().startswith(b"+")

        site.command("database", "dismount", "second", "--reason", "a new disk")
        eventually(lambda: "a new disk" in site.health())
        assert not site.healthy()
        assert "not-mounted" in site.log()
        bobs_mail_waits_and_alices_goes_on(site)
        answer, [text] = old.fetch("1", "(ENVELOPE)")
        assert answer == "NO" and text.startswith(b"[UNAVAILABLE]")
        rows = {row["database"]: row["state"] for row in site.json("database", "list")}
        assert rows["mailboxes"] == "open" and "database mount second" in rows["second"]

        site.command("database", "mount", "second")
        back(site, "second")
        eventually(site.healthy)
        assert subjects(site, "bob") == ["before"]
        assert lmtp(site, "alice", "bob", subject="after") == {}
        assert subjects(site, "bob") == ["before", "after"]
        # Sessions from before know things that need not be so any more: they are sent away.
        old.send(b"y NOOP\r\n")
        assert old.readline().startswith(b"* BYE [UNAVAILABLE]")
        while not (line := idle.readline()).startswith(b"* BYE"):
            assert line
        with pytest.raises(RuntimeError, match="mounted already"):
            site.command("database", "mount", "second")
        with pytest.raises(RuntimeError, match="without the directory"):
            site.command("database", "dismount", "directory")


def test_the_server_starts_without_a_database_that_is_damaged_or_missing(tmp_path: Path) -> None:
    with two_databases(tmp_path / "site", start=False) as site:
        file = site.path / "data" / "second.db"
        whole = file.read_bytes()
        file.write_bytes(b"rubbish!" * 1000)
        site.start_unhealthy()
        eventually(lambda: "pillarbox repair second" in site.health())
        bobs_mail_waits_and_alices_goes_on(site)
        site.command("user", "list")
        file.write_bytes(whole)
        site.command("database", "mount", "second")
        back(site, "second")
        eventually(site.healthy)
        assert lmtp(site, "bob") == {}


def test_damage_found_at_run_time_is_named_and_harms_nobody_else(tmp_path: Path) -> None:
    with two_databases(tmp_path / "site") as site:
        for name in ("alice", "bob"):
            assert lmtp(site, name, subject="x" * 300) == {}
        site.stop()
        file = site.path / "data" / "second.db"
        data = bytearray(file.read_bytes())
        # The content's only chunk is compressed; a flipped bit anywhere in it fails its checksum.
        at = data.rindex(b"\x28\xb5\x2f\xfd")
        data[at + 10] ^= 1
        file.write_bytes(data)
        site.start()
        with imap(site, "bob") as client:
            client.select("INBOX")
            answer, [text] = client.fetch("1", "(BODY.PEEK[])")
            assert answer == "NO" and text.startswith(b"[CORRUPTION]")
        eventually(lambda: "pillarbox repair second" in site.health())
        assert "damaged" in site.log()
        assert subjects(site, "alice") == ["x" * 300]
        assert lmtp(site, "alice", "bob") == {}


def test_dial_tone_people_send_and_receive_at_once(tmp_path: Path) -> None:
    with two_databases(tmp_path / "site") as site:
        assert lmtp(site, "bob", subject="before the loss") == {}
        site.command("database", "dial-tone", "second")
        back(site, "second")
        assert subjects(site, "bob") == []
        assert lmtp(site, "alice", "bob", subject="after the loss") == {}
        assert subjects(site, "bob") == ["after the loss"]
        with imap(site, "bob") as client:
            folders = b"\n".join(line for line in client.list()[1] if isinstance(line, bytes))
        assert re.findall(rb"\\(Drafts|Sent|Junk|Trash)", folders)
        [lost] = (site.path / "data").glob("second.lost-*")
        assert (lost / "second.db").exists()
        assert list((site.path / "log" / lost.name / "second").glob("*.log"))
        with pytest.raises(RuntimeError, match="already"):
            site.command("database", "dial-tone", "second")


def test_the_directory_is_needed_and_says_so(tmp_path: Path) -> None:
    with two_databases(tmp_path / "site", start=False) as site:
        (site.path / "data" / "directory.db").write_bytes(b"rubbish!" * 1000)
        with pytest.raises(RuntimeError, match="pillarbox restore database directory"):
            site.command("serve")
