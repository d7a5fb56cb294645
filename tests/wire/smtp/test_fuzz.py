"""Invariant: every input is answered with events, ProtocolErrors, NEED_DATA or CLOSED; never an exception; memory stays
bounded; and cutting the input into other pieces changes neither the events nor the answers."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from pillarbox.wire.session import ProtocolError, TlsInfo
from pillarbox.wire.smtp.commands import BodyChunk
from pillarbox.wire.smtp.state import Role

WORDS = [
    b"EHLO c.test\r\n", b"HELO c.test\r\n", b"LHLO c.test\r\n", b"MAIL FROM:<a@b.test>", b"MAIL FROM:<>", b" SIZE=10",
    b" BODY=BINARYMIME", b" SMTPUTF8", b" RET=FULL ENVID=x", b"RCPT TO:<c@d.test>", b" NOTIFY=NEVER", b"\r\n", b"\r\n",
    b"MAIL FROM:<a@b.test>\r\n", b"RCPT TO:<c@d.test>\r\n", b"RCPT TO:<c@d.test>\r\n", b"DATA\r\n", b".\r\n", b"\n",
    b"DATA\r\n", b"\r\n.\r\n", b"\n.\n", b"text\r\n", b"..dots\r\n", b"BDAT 5\r\n", b"BDAT 0 LAST\r\n", b"BDAT 9 LAST\r\n",
    b"BDAT x\r\n", b"RSET\r\n", b"NOOP\r\n", b"VRFY a\r\n", b"EXPN a\r\n", b"HELP\r\n", b"STARTTLS\r\n",
    b"AUTH PLAIN\r\n", b"AUTH PLAIN =\r\n", b"AGEAYg==\r\n", b"*\r\n", b"\0", b"\xff", "é".encode(), b"x" * 3000, b"\r", b"QUIT\r\n",
    b"GET / HTTP/1.1\r\n", b"\x16\x03",
]  # fmt: skip


def run(desk: Any, pieces: list[bytes]) -> tuple[list[object], bytes]:
    """The events, runs of body chunks joined, and all answers."""
    answers = b""
    for piece in pieces:
        desk.say(piece)
        answers += desk.output
        if desk.session.starting_tls:
            desk.session.tls_started(TlsInfo("TLSv1.3", "x", b"y"))
        assert len(desk.session._lines) < 12288 + 4096
    desk.say(b"")
    assert desk.session.closing
    joined: list[object] = []
    for event in desk.events:
        if isinstance(event, BodyChunk) and joined and isinstance(joined[-1], BodyChunk):
            joined[-1] = BodyChunk(joined[-1].data + event.data)
        else:
            joined.append(event)
    return joined, answers


@pytest.mark.parametrize("role", Role)
def test_any_input(desk: Callable, role: Role) -> None:
    chance = random.Random(f"smtp {role}")
    for _ in range(700):
        settings = {
            "starttls": chance.random() < 0.3,
            "auth_mechanisms": chance.choice([(), ("PLAIN",)]),
            "tls_required_for_auth": chance.random() < 0.5,
            "auth_required": chance.random() < 0.1,
            "size_limit": chance.choice([20, 10_000]),
            "max_errors": 12,
        }
        words = chance.choices(WORDS, k=chance.randrange(40))
        first = chance.random() < 0.8
        whole = b"".join(words)
        # STARTTLS drops what came with it: there the pieces do make a difference.
        settings["starttls"] = bool(settings["starttls"]) and b"STARTTLS" in whole
        by_word = run(desk(role, hello=first, **settings), [word for word in words if word])
        if settings["starttls"] or not whole:
            continue
        size = chance.randrange(1, 20)
        cut = [whole[start : start + size] for start in range(0, len(whole), size)]
        assert run(desk(role, hello=first, **settings), cut) == by_word, whole


def test_random_octets(desk: Callable) -> None:
    chance = random.Random("smtp octets")
    for _ in range(300):
        d = desk(max_errors=5)
        d.say(chance.choice([b"NOOP\r\n", b"MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n"]))
        for _ in range(5):
            d.say(bytes(chance.choices(b"\r\n.\0 <>:@\xff" + b"abMAILRCPT0123", k=chance.randrange(1, 200))))
        assert all(isinstance(event, ProtocolError) or type(event).__name__ for event in d.events)
