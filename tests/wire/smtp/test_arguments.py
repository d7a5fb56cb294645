"""From arguments to commands: what every parameter becomes, and what is refused with which code."""

import pytest

from pillarbox.wire.smtp import arguments
from pillarbox.wire.smtp.commands import Auth, Bdat, Mail, Rcpt
from pillarbox.wire.smtp.grammar import NULL_PATH, Path
from pillarbox.wire.smtp.replies import Reply
from pillarbox.wire.smtp.state import RULES

A = Path("a", "b.test")


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("FROM:<a@b.test>", Mail(A)),
        ("from: <a@b.test>", Mail(A)),
        ("FROM:<>", Mail(NULL_PATH)),
        ("FROM:<a@b.test> SIZE=1000", Mail(A, size=1000)),
        ("FROM:<a@b.test> body=8bitmime", Mail(A, body="8BITMIME")),
        ("FROM:<a@b.test> SMTPUTF8", Mail(A, smtputf8=True)),
        ("FROM:<a@b.test> RET=hdrs ENVID=QQ+2B1", Mail(A, ret="HDRS", envid="QQ+2B1")),
        ("FROM:<a@b.test> AUTH=<>", Mail(A, auth="<>")),
        ("FROM:<a@b.test> AUTH=e+3Dmc2@example.com", Mail(A, auth="e+3Dmc2@example.com")),
    ],
)
def test_mail(text: str, command: Mail) -> None:
    assert arguments.mail(text) == command


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("", (501, "5.5.4")),
        ("TO:<a@b.test>", (501, "5.5.4")),
        ("FROM:a@b.test", (501, "5.1.7")),
        ("FROM:<a@b.test", (501, "5.1.7")),
        ("FROM:<a@b.test> SIZE", (501, "5.5.4")),
        ("FROM:<a@b.test> SIZE=x", (501, "5.5.4")),
        ("FROM:<a@b.test> SIZE=1 SIZE=1", (501, "5.5.4")),
        ("FROM:<a@b.test> BODY=9BIT", (501, "5.5.4")),
        ("FROM:<a@b.test> RET=SOME", (501, "5.5.4")),
        ("FROM:<a@b.test> ENVID", (501, "5.5.4")),
        ("FROM:<a@b.test> ENVID=" + "x" * 101, (501, "5.5.4")),
        ("FROM:<a@b.test> ENVID=+1", (501, "5.5.4")),
        ("FROM:<a@b.test> SMTPUTF8=1", (501, "5.5.4")),
        ("FROM:<a@b.test> AUTH", (501, "5.5.4")),
        ("FROM:<a@b.test> HOLDFOR=60", (555, "5.5.4")),
        ("FROM:<a@b.test> NOTIFY=NEVER", (555, "5.5.4")),
    ],
)
def test_mail_refused(text: str, codes: tuple[int, str]) -> None:
    reply = arguments.mail(text)
    assert isinstance(reply, Reply) and (reply.code, reply.enhanced) == codes


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("TO:<a@b.test>", Rcpt(A)),
        ("to: <a@b.test> NOTIFY=success,delay", Rcpt(A, notify="SUCCESS,DELAY")),
        ("TO:<a@b.test> ORCPT=rfc822;a+2B@b", Rcpt(A, orcpt="rfc822;a+2B@b")),
        ("TO:<postmaster>", Rcpt(Path("postmaster", ""))),
    ],
)
def test_rcpt(text: str, command: Rcpt) -> None:
    assert arguments.rcpt(text) == command


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("FROM:<a@b.test>", (501, "5.5.4")),
        ("TO:<>", (501, "5.1.3")),
        ("TO:<a>", (501, "5.1.3")),
        ("TO:<a@b.test> NOTIFY", (501, "5.5.4")),
        ("TO:<a@b.test> ORCPT", (501, "5.5.4")),
        ("TO:<a@b.test> SIZE=1", (555, "5.5.4")),
    ],
)
def test_rcpt_refused(text: str, codes: tuple[int, str]) -> None:
    reply = arguments.rcpt(text)
    assert isinstance(reply, Reply) and (reply.code, reply.enhanced) == codes


def test_bdat() -> None:
    assert arguments.bdat("0 LAST") == Bdat(0, True)
    assert arguments.bdat("86 last") == Bdat(86, True)
    assert arguments.bdat("86") == Bdat(86, False)
    for text in ("", "x", "-1", "86 FIRST", "86 LAST 1", "LAST"):
        assert isinstance(arguments.bdat(text), Reply), text


def test_auth() -> None:
    assert arguments.auth("plain") == Auth("PLAIN", None)
    assert arguments.auth("PLAIN =") == Auth("PLAIN", b"")
    assert arguments.auth("PLAIN YQ==") == Auth("PLAIN", b"a")
    for text in ("", "PLAIN YQ", "PLAIN *", "PLAIN YQ== x", "PLÄIN"):
        assert isinstance(arguments.auth(text), Reply), text


def test_every_verb_has_a_parser() -> None:
    assert set(arguments.PARSERS) == {rule.verb for rule in RULES.values()}


def test_commands_that_stand_alone_take_no_argument() -> None:
    for rule in RULES.values():
        answer = arguments.PARSERS[rule.verb]("surplus words")
        refused = isinstance(answer, Reply)
        assert refused == (rule.verb not in ("NOOP", "HELP", "VRFY", "EXPN")), rule.verb
