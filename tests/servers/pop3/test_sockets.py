"""The POP3 server over real sockets, the real pump and a real store, driven by the standard library's client."""

import asyncio
import poplib
import random
import socket
import ssl
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import uvloop

from pillarbox.base.clock import SystemClock
from pillarbox.base.ids import SeededIds
from pillarbox.base.log import NoLog
from pillarbox.base.metrics import NoCounters
from pillarbox.net.limits import Limits
from pillarbox.net.listen import Listener, bind
from pillarbox.net.pump import Service
from pillarbox.net.tls import ServerTls, make_certificate
from pillarbox.testing.imaphouse import PASSWORD
from pillarbox.testing.pop3house import Pop3House
from pillarbox.testing.realstore import real_store

ALICE = "alice@example.test"
HEADER = b"From: bob@example.test\r\nSubject: hello\r\n\r\n"
TRACE = b"Return-Path: <bob@example.test>\r\nDelivered-To: alice@example.test\r\n"
MIB = 1 << 20
RESET = struct.pack("ii", 1, 0)  # closing resets the connection

Client = Callable[[int], None]


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ServerTls:
    directory = tmp_path_factory.mktemp("tls")
    certificate, key = make_certificate("localhost", ["127.0.0.1"], SystemClock())
    (directory / "certificate.pem").write_bytes(certificate)
    (directory / "key.pem").write_bytes(key)
    return ServerTls(directory / "certificate.pem", directory / "key.pem")


def talk(
    directory: Path, tls: ServerTls, client: Client, letters: Sequence[bytes], *, implicit: bool = False
) -> list[int]:
    """Runs a server while a blocking client talks to it in a thread; the uids that are left in the inbox."""

    async def run() -> list[int]:
        with real_store(directory) as store:
            house = Pop3House(store, directory)
            await house.move_in()
            for letter in letters:
                await house.deliver(letter, trace=TRACE)
            service = Service("pop3", house.serve, Limits(), b"-ERR full\r\n", tls, implicit_tls=implicit)
            listener = Listener([bind("127.0.0.1", 0)], service, SeededIds(), NoLog(), NoCounters())
            listener.start()
            try:
                await asyncio.wait_for(asyncio.to_thread(client, listener.addresses[0][1]), 30)
            finally:
                await listener.stop(0.05)
            return await house.uids()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def message(pop: poplib.POP3, number: int) -> bytes:
    """A message as the client has it: every line with its CRLF."""
    return b"".join(line + b"\r\n" for line in pop.retr(number)[1])


def awkward() -> list[bytes]:
    """Messages that streaming or dot-stuffing could get wrong."""
    chance = random.Random("awkward")
    pieces = [b".", b"..", b"\r\n", b"\r\n", b"text", b"\r\n.\r\n", b"\r\n..\r\n", b"\xff\x00"]
    return [
        HEADER,
        b"\r\n",
        HEADER + b".\r\n..\r\n.text\r\n\r\n.\r\n",
        HEADER + b"\r\n" * 40_000 + b".\r\n" * 90_000,
        b"Subject: " + b"x" * 65_520 + b"\r\n\r\n" + b".\r\n" * 10,
        *(HEADER + b"".join(chance.choices(pieces, k=60_000)) + b"\r\n" for _ in range(3)),
    ]


def test_every_octet_comes_through(tmp_path: Path, tls: ServerTls) -> None:
    letters = awkward()

    def client(port: int) -> None:
        pop = poplib.POP3("127.0.0.1", port, timeout=20)
        pop.user(ALICE)
        pop.pass_(PASSWORD)
        assert pop.stat() == (len(letters), sum(len(TRACE) + len(letter) for letter in letters))
        for number, letter in enumerate(letters, 1):
            assert raw(pop, b"RETR %d" % number) == TRACE + letter
        pop.quit()

    assert len(talk(tmp_path, tls, client, letters)) == len(letters)


def raw(pop: poplib.POP3, command: bytes) -> bytes:
    """A multi-line answer taken apart here: poplib has a limit on lines, and takes a lone LF for the end of one."""
    file: Any = pop.file  # type: ignore[attr-defined]
    pop.sock.sendall(command + b"\r\n")  # type: ignore[attr-defined]
    assert file.readline().startswith(b"+OK")
    lines = []
    while (line := file.readline()) != b".\r\n":
        assert line.endswith(b"\r\n")
        lines.append(line[1:] if line.startswith(b".") else line)
    return b"".join(lines)


def use(pop: poplib.POP3) -> None:
    """What a simple mail program does; the second message is a large one."""
    pop.user(ALICE)
    pop.pass_(PASSWORD)
    assert "UIDL" in pop.capa()
    assert pop.list()[1][0] == f"1 {len(TRACE) + len(HEADER) + 7}".encode()
    assert len({line.split()[1] for line in pop.uidl()[1]}) == 3
    assert message(pop, 1) == TRACE + HEADER + b"Hello\r\n"
    assert message(pop, 2) == TRACE + HEADER + b".23456789012345678901234567890123456789\r\n" * (2 * MIB // 41)
    assert pop.top(2, 1)[1][-2:] == [b"", b".23456789012345678901234567890123456789"]
    pop.dele(1)
    pop.dele(2)
    pop.rset()
    pop.dele(2)
    pop.quit()


LETTERS = [
    HEADER + b"Hello\r\n",
    HEADER + b".23456789012345678901234567890123456789\r\n" * (2 * MIB // 41),
    HEADER,
]


def test_in_the_clear(tmp_path: Path, tls: ServerTls) -> None:
    assert talk(tmp_path, tls, lambda port: use(poplib.POP3("127.0.0.1", port, timeout=20)), LETTERS) == [1, 3]


def test_stls(tmp_path: Path, tls: ServerTls) -> None:
    def client(port: int) -> None:
        pop = poplib.POP3("127.0.0.1", port, timeout=20)
        assert "STLS" in pop.capa()
        pop.stls(trusting())
        assert "STLS" not in pop.capa()
        assert pop.capa()["SASL"][0] == "SCRAM-SHA-256-PLUS"
        use(pop)

    assert talk(tmp_path, tls, client, LETTERS) == [1, 3]


def test_tls_from_the_start(tmp_path: Path, tls: ServerTls) -> None:
    def client(port: int) -> None:
        pop = poplib.POP3_SSL("127.0.0.1", port, timeout=20, context=trusting())
        assert "STLS" not in pop.capa()
        use(pop)

    assert talk(tmp_path, tls, client, LETTERS, implicit=True) == [1, 3]


def test_the_next_session_may_come_at_once(tmp_path: Path, tls: ServerTls) -> None:
    def client(port: int) -> None:
        for left in range(3, 0, -1):
            pop = poplib.POP3("127.0.0.1", port, timeout=20)
            pop.user(ALICE)
            pop.pass_(PASSWORD)
            assert pop.stat()[0] == left
            pop.dele(1)
            with pytest.raises(poplib.error_proto, match="IN-USE"):
                intruder = poplib.POP3("127.0.0.1", port, timeout=20)
                intruder.user(ALICE)
                intruder.pass_(PASSWORD)
            intruder.quit()
            pop.quit()

    assert talk(tmp_path, tls, client, LETTERS) == []


def test_a_client_that_vanishes_amid_a_message(tmp_path: Path, tls: ServerTls) -> None:
    """Nothing is deleted, and the maildrop is free soon."""

    def client(port: int) -> None:
        with socket.create_connection(("127.0.0.1", port), 20) as sock:
            sock.sendall(f"USER {ALICE}\r\nPASS {PASSWORD}\r\nDELE 1\r\n".encode() + b"RETR 2\r\n" * 50 + b"QUIT\r\n")
            sock.recv(100)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        for _ in range(200):
            pop = poplib.POP3("127.0.0.1", port, timeout=20)
            pop.user(ALICE)
            try:
                pop.pass_(PASSWORD)
            except poplib.error_proto:
                pop.close()
                continue
            assert pop.stat()[0] == 3
            pop.quit()
            return
        raise AssertionError("the maildrop stays locked")

    assert talk(tmp_path, tls, client, LETTERS) == [1, 2, 3]
