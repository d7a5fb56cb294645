"""mbsync keeps a Maildir and the server the same, both ways: nothing lost, nothing doubled."""

from pathlib import Path

import pytest

from pillarbox.testing.server import Server
from pillarbox.wire.imap import mutf7

pytestmark = pytest.mark.client

CONFIG = """
IMAPAccount pillarbox
Host 127.0.0.1
Port {port}
User {user}@example.test
Pass pass
SSLType None
AuthMechs PLAIN

IMAPStore far
Account pillarbox

MaildirStore near
Path {home}/mail/
Inbox {home}/mail/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Remove Both
Expunge Both
SyncState *
"""


def sync(client, site: Server, user: str) -> None:
    (client.home / "mail").mkdir(exist_ok=True)
    (client.home / ".mbsyncrc").write_text(CONFIG.format(port=site.port(143), user=user, home=client.home))
    client.run("mbsync", "-a")


def local(home: Path) -> dict[str, int]:
    """Messages in each local mailbox."""
    counts: dict[str, int] = {}
    for file in (home / "mail").rglob("*"):
        if file.parent.name in ("cur", "new") and file.is_file():
            name = mutf7.decode(str(file.parent.parent.relative_to(home / "mail")).encode())
            counts[name] = counts.get(name, 0) + 1
    return counts


def remote(site: Server, user: str) -> dict[str, int]:
    return {
        row["mailbox"]: row["messages"]
        for row in site.json("mailbox", "list", f"{user}@example.test")
        if row["messages"]
    }


def test_both_ways(site: Server, client, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    for box in ("INBOX", "Lists/python", "Grüße"):
        (corpus / box).mkdir(parents=True)
        for number in range(40):
            text = (
                f"From: a@x.test\nSubject: {box} {number}\nMessage-ID: <{number}.{len(box)}@x.test>\n\nText {number}\n"
            )
            (corpus / box / f"{number:03}.eml").write_text(text)
    site.command("import", "carol@example.test", str(corpus))
    sync(client, site, "carol")
    assert local(client.home) == remote(site, "carol") == {"INBOX": 40, "Lists/python": 40, "Grüße": 40}

    inbox = sorted((client.home / "mail/INBOX/cur").iterdir()) + sorted((client.home / "mail/INBOX/new").iterdir())
    base = inbox[0].name.partition(":2,")[0]
    inbox[0].rename(client.home / f"mail/INBOX/cur/{base}:2,FS")
    for file in inbox[1:6]:
        file.rename(client.home / f"mail/INBOX/cur/{file.name.partition(':2,')[0]}:2,T")
    new = client.home / "mail/Project"
    for part in ("cur", "new", "tmp"):
        (new / part).mkdir(parents=True)
    for number in range(15):
        (new / "cur" / f"170000000{number:02}.M{number}.here:2,S").write_text(f"Subject: new {number}\n\nHello\n")
    sync(client, site, "carol")
    expected = {"INBOX": 35, "Lists/python": 40, "Grüße": 40, "Project": 15}
    assert local(client.home) == remote(site, "carol") == expected

    sync(client, site, "carol")
    assert local(client.home) == remote(site, "carol") == expected
