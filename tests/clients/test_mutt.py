"""mutt, headless: reads a mailbox, copies a message and deletes another."""

import pytest

from pillarbox.testing.server import Server

pytestmark = pytest.mark.client

RC = """
set imap_user="dave@example.test"
set imap_pass="pass"
set ssl_starttls=no
set ssl_force_tls=no
set folder="imap://127.0.0.1:{port}/"
set confirmappend=no
set confirmcreate=no
set delete=yes
set header_cache=
set sleep_time=0
set wait_key=no
set mail_check=0
"""


def test_mutt_copies_and_deletes(site: Server, client) -> None:
    folder = client.home / "letters"
    folder.mkdir()
    for number in range(5):
        (folder / f"{number}.eml").write_text(f"From: a@x.test\nSubject: letter {number}\n\nText\n")
    site.command("import", "dave@example.test", str(folder), "--into", "Reading")
    (client.home / ".muttrc").write_text(RC.format(port=site.port(143)))
    keys = "<copy-message>=Archive<enter><delete-message><quit>"
    client.run("script", "-qec", f"mutt -f =Reading -e 'push {keys}'", "/dev/null")
    counts = {row["mailbox"]: row["messages"] for row in site.json("mailbox", "list", "dave@example.test")}
    assert counts["Archive"] == 1
    assert counts["Reading"] == 4
