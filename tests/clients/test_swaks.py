"""swaks, the SMTP tester: every role, STARTTLS, each AUTH mechanism it knows, and what must be refused."""

import pytest

from pillarbox.testing.server import Server

pytestmark = pytest.mark.client


def swaks(client, site: Server, port: int, *words: str, to: str = "bob@example.test", check: bool = True):
    return client.run(
        "swaks", "--server", "127.0.0.1", "--port", str(site.port(port)), "--from", "alice@example.test", "--to", to,
        "--header", "Subject: by swaks", *words, check=check,
    )  # fmt: skip


@pytest.mark.parametrize("words", [[], ["--tls"], ["--protocol", "ESMTP", "--pipeline"]])
def test_mail_comes_in(site: Server, client, words: list[str]) -> None:
    assert b"<-  250 2." in swaks(client, site, 25, *words).stdout.replace(b"<~", b"<-")


def test_lmtp_answers_for_each_recipient(site: Server, client) -> None:
    out = swaks(client, site, 24, "--protocol", "LMTP", to="bob@example.test,carol@example.test").stdout
    assert out.count(b"250 2.") >= 4


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize(("port", "tls"), [(587, "--tls"), (465, "--tls-on-connect")])
def test_submission(site: Server, client, mechanism: str, port: int, tls: str) -> None:
    out = swaks(
        client, site, port, tls, "--auth", mechanism, "--auth-user", "alice@example.test", "--auth-password", "pass"
    )
    assert b"235 2.7.0" in out.stdout


def test_what_is_refused(site: Server, client) -> None:
    wrong = swaks(client, site, 587, "--tls", "--auth", "PLAIN", "--auth-user", "dave@example.test",
                  "--auth-password", "x", check=False)  # fmt: skip
    assert b"535 5.7.8" in wrong.stdout
    assert wrong.returncode != 0
    unknown = swaks(client, site, 25, to="nobody@example.test", check=False)
    assert b"550 5.1.1" in unknown.stdout
    relay = swaks(client, site, 25, to="someone@elsewhere.test", check=False)
    assert b"5.7.1" in relay.stdout
    unauthenticated = swaks(client, site, 587, "--tls", check=False)
    assert b"530 5.7.0" in unauthenticated.stdout
