"""fetchmail takes mail by POP3 and hands it on by LMTP to another person of the same server."""

import pytest

from pillarbox.testing.server import Server

pytestmark = pytest.mark.client


def test_fetchmail_moves_mail(site: Server, client) -> None:
    folder = client.home / "letters"
    folder.mkdir()
    for number in range(10):
        (folder / f"{number}.eml").write_text(f"From: a@x.test\nSubject: to fetch {number}\n\nText\n.\n..\n")
    site.command("import", "dave@example.test", str(folder))
    config = client.home / ".fetchmailrc"
    config.write_text(
        f'poll 127.0.0.1 service {site.port(110)} protocol POP3 user "dave@example.test" password "pass" is "bob" here '
        f'smtphost "127.0.0.1/{site.port(25)}" smtpname "bob@example.test" sslproto ""\n'
    )
    config.chmod(0o600)
    before = site.json("user", "show", "bob@example.test")["messages"]
    client.run("fetchmail", "--nodetach", "--verbose")
    assert site.json("user", "show", "bob@example.test")["messages"] == before + 10
    boxes = {row["mailbox"]: row["messages"] for row in site.json("mailbox", "list", "dave@example.test")}
    assert boxes["INBOX"] == 0
