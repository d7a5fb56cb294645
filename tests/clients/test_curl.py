"""curl speaks SMTP, IMAP and POP3 to the server, in the clear and encrypted."""

import pytest

from pillarbox.testing.server import Server

pytestmark = pytest.mark.client

MESSAGE = b"From: Carol <carol@example.test>\r\nTo: alice@example.test\r\nSubject: by curl %d\r\n\r\nHello.\r\n.dot\r\n"
LOGIN = ["--user", "alice@example.test:pass", "--insecure", "--silent", "--show-error"]


@pytest.mark.parametrize("number", range(3))
def test_curl_sends_and_reads(site: Server, client, number: int) -> None:
    url = [
        f"smtp://127.0.0.1:{site.port(587)}",
        f"smtp://127.0.0.1:{site.port(587)}",
        f"smtps://127.0.0.1:{site.port(465)}",
    ][number]
    tls = ["--ssl-reqd"] if number == 1 else []
    message = MESSAGE % number
    client.run(
        "curl", *LOGIN, *tls, "--url", url, "--mail-from", "alice@example.test", "--mail-rcpt", "alice@example.test",
        "--upload-file", "-", input=message,
    )  # fmt: skip
    imap = [f"imap://127.0.0.1:{site.port(143)}", f"imap://127.0.0.1:{site.port(143)}",
            f"imaps://127.0.0.1:{site.port(993)}"][number]  # fmt: skip
    found = client.run("curl", *LOGIN, *tls, f"{imap}/INBOX?SUBJECT%20%22by%20curl%20{number}%22").stdout
    number_of = found.split()[-1].decode()
    assert found.startswith(b"* SEARCH ")
    read = client.run("curl", *LOGIN, *tls, f"{imap}/INBOX;MAILINDEX={number_of}").stdout
    assert read.endswith(message)

    pop = [f"pop3://127.0.0.1:{site.port(110)}", f"pop3://127.0.0.1:{site.port(110)}",
           f"pop3s://127.0.0.1:{site.port(995)}"][number]  # fmt: skip
    listed = client.run("curl", *LOGIN, *tls, f"{pop}/").stdout.split()
    assert len(listed) >= 2
    bodies = [client.run("curl", *LOGIN, *tls, f"{pop}/{index.decode()}").stdout for index in listed[::2]]
    assert any(body.endswith(message) for body in bodies)


def test_curl_appends_and_lists(site: Server, client) -> None:
    url = f"imap://127.0.0.1:{site.port(143)}"
    (client.home / "letter").write_bytes(MESSAGE % 99)
    client.run("curl", *LOGIN, "--upload-file", "letter", f"{url}/Drafts")
    assert b"99" in client.run("curl", *LOGIN, f"{url}/Drafts;MAILINDEX=1").stdout
    names = client.run("curl", *LOGIN, f"{url}/").stdout
    assert all(name in names for name in (b"INBOX", b"Drafts", b"Sent", b"Trash", b"Junk", b"Archive"))


def test_a_wrong_password_is_refused(site: Server, client) -> None:
    done = client.run(
        "curl", "--silent", "--user", "dave@example.test:wrong", f"imap://127.0.0.1:{site.port(143)}/", check=False
    )
    assert done.returncode == 67
