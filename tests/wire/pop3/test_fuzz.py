"""Invariant: every input is answered with events, ProtocolErrors, NEED_DATA or CLOSED; never an exception; memory stays
bounded; and cutting the input into other pieces changes neither the events nor the answers."""

import random
from collections.abc import Callable
from typing import Any

from pillarbox.wire.session import TlsInfo

WORDS = [
    b"USER bob\r\n", b"PASS secret\r\n", b"USER ", b"PASS ", b"STAT\r\n", b"LIST\r\n", b"LIST 1\r\n", b"UIDL\r\n", b"RETR 1\r\n",
    b"TOP 1 2\r\n", b"DELE 1\r\n", b"RSET\r\n", b"NOOP\r\n", b"CAPA\r\n", b"UTF8\r\n", b"STLS\r\n", b"AUTH PLAIN\r\n",
    b"AUTH PLAIN =\r\n", b"AGEAYg==\r\n", b"*\r\n", b"\r\n", b"\n", b"\r", b"\0", b"\xff", b" ", b"1", b"x" * 2000,
    b"APOP a b\r\n", b"QUIT\r\n", b"\x16\x03",
]  # fmt: skip


def run(desk: Any, pieces: list[bytes]) -> tuple[list[object], bytes]:
    """The events and all answers."""
    answers = b""
    for piece in pieces:
        desk.say(piece)
        answers += desk.output
        if desk.session.starting_tls:
            desk.session.tls_started(TlsInfo("TLSv1.3", "x", b"y"))
        assert len(desk.session._lines) < 12288 + 4096
    desk.say(b"")
    assert desk.session.closing
    return desk.events, answers


def test_any_input(desk: Callable) -> None:
    chance = random.Random("pop3")
    for _ in range(1500):
        words = chance.choices(WORDS, k=chance.randrange(1, 40))
        whole = b"".join(words)
        settings = {
            "starttls": b"STLS" in whole and chance.random() < 0.5,
            "auth_mechanisms": chance.choice([(), ("PLAIN",)]),
            "tls_required_for_auth": chance.random() < 0.2,
            "login": chance.random() < 0.4,
            "max_errors": 12,
        }
        by_word = run(desk(**settings), words)
        # STLS drops what came with it: there the pieces do make a difference.
        if not settings["starttls"]:
            size = chance.randrange(1, 20)
            cut = [whole[start : start + size] for start in range(0, len(whole), size)]
            assert run(desk(**settings), cut) == by_word, whole


def test_random_octets(desk: Callable) -> None:
    chance = random.Random("pop3 octets")
    for _ in range(300):
        d = desk(login=chance.random() < 0.5, max_errors=5)
        for _ in range(5):
            d.say(bytes(chance.choices(b"\r\n\0 \xff" + b"USERPALIT01", k=chance.randrange(1, 200))))
