"""Killed at random, again and again: every message that was answered 250 is there, once, with the same bytes.

Clients deliver numbered messages by SMTP and LMTP while the whole server, or one worker, gets SIGKILL. Then the same
with the database file deleted, and with an old copy of it put in its place: the transaction log plays it forward.
A message that was not answered may be there or not, but never twice.
"""

import imaplib
import os
import random
import shutil
import signal
import smtplib
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pillarbox.testing.server import HOST, Server, port_offset

WHOLE_SERVER_KILLS = 24
WORKER_KILLS = 20
DELIVERERS = 4

pytestmark = pytest.mark.crash


class Deliverer(threading.Thread):
    """A client that delivers until it is told to stop, and remembers what was answered 250."""

    def __init__(self, server: Server, number: int, sent: dict[str, bytes], acknowledged: set[str]) -> None:
        super().__init__(daemon=True)
        self._server = server
        self._number = number
        self._random = random.Random(number)
        self._sent = sent
        self._acknowledged = acknowledged
        self.stopping = threading.Event()

    def run(self) -> None:
        count = 0
        while not self.stopping.is_set():
            try:
                lmtp = self._number % 2 == 1
                kind = smtplib.LMTP if lmtp else smtplib.SMTP
                with kind(HOST, self._server.port(24 if lmtp else 25), timeout=10) as client:  # type: ignore[arg-type]
                    for _ in range(self._random.randint(1, 20)):
                        count += 1
                        self._deliver(client, f"{self._number}-{count}-{self._random.getrandbits(32):x}")
                        if self.stopping.is_set():
                            return
            except (OSError, smtplib.SMTPException):
                time.sleep(0.02)

    def _deliver(self, client: smtplib.SMTP, name: str) -> None:
        size = self._random.choice([10, 1000, 5000, 40_000, 1_300_000 if self._random.random() < 0.05 else 100])
        text = "".join(self._random.choices("abcdefgh \n.", k=min(size, 40_000))) * max(1, size // 40_000)
        lines = "\r\n".join(line[:900] for line in text.split("\n"))
        data = f"From: a@x.test\r\nTo: alice@example.test\r\nX-Number: {name}\r\nSubject: {name}\r\n\r\n{lines}\r\n"
        self._sent[name] = data.encode()
        client.sendmail("a@x.test", ["alice@example.test"], data.encode())
        self._acknowledged.add(name)


def read_all(server: Server) -> dict[str, list[bytes]]:
    """Every message in alice's inbox by its number."""
    found: dict[str, list[bytes]] = {}
    with imaplib.IMAP4(HOST, server.port(143), timeout=60) as client:
        client.login("alice@example.test", "pass")
        client.select("INBOX", readonly=True)
        uids = client.uid("SEARCH", "ALL")[1][0].split()
        for start in range(0, len(uids), 50):
            chunk = b",".join(uids[start : start + 50]).decode()
            for item in client.uid("FETCH", chunk, "(BODY.PEEK[])")[1]:
                if isinstance(item, tuple):
                    name = item[1].split(b"X-Number: ", 1)[1].split(b"\r\n", 1)[0].decode()
                    found.setdefault(name, []).append(item[1])
    return found


def check(server: Server, sent: dict[str, bytes], acknowledged: set[str]) -> None:
    """Everything acknowledged is there once and whole; nothing is there twice."""
    expected = set(acknowledged)  # as of now: the clients go on delivering
    found = read_all(server)
    lost = expected - found.keys()
    assert not lost, f"{len(lost)} of {len(expected)} acknowledged messages are lost: {sorted(lost)[:5]}"
    for name, copies in found.items():
        assert len(copies) == 1, f"{name} is there {len(copies)} times"
        assert copies[0].endswith(sent[name]), f"{name} has other bytes than were sent"


def test_nothing_acknowledged_is_lost_when_servers_are_killed(tmp_path: Path) -> None:
    with port_offset() as offset:
        server = Server(tmp_path / "site", offset)
        server.init(["alice"])
        try:
            kill_and_check(server, tmp_path)
        finally:
            server.kill()


def kill_and_check(server: Server, tmp_path: Path) -> None:
    sent: dict[str, bytes] = {}
    acknowledged: set[str] = set()
    server.start()
    deliverers = [Deliverer(server, number, sent, acknowledged) for number in range(DELIVERERS)]
    for deliverer in deliverers:
        deliverer.start()
    try:
        kill_at_random(server, tmp_path, lambda: check(server, sent, acknowledged))
        time.sleep(0.5)
    finally:
        for deliverer in deliverers:
            deliverer.stopping.set()
        for deliverer in deliverers:
            deliverer.join(30)
    assert len(acknowledged) > 100
    check(server, sent, acknowledged)

    server.kill()
    for file in (tmp_path / "site" / "data").glob("mailboxes*"):
        if file.is_file():
            file.unlink()
    server.start()
    check(server, sent, acknowledged)

    server.kill()
    shutil.rmtree(tmp_path / "site" / "data")
    (tmp_path / "old-data").rename(tmp_path / "site" / "data")
    server.start()
    check(server, sent, acknowledged)
    assert "mailboxes" in server.command("database", "verify")
    assert server.stop() == 0


def kill_at_random(server: Server, tmp_path: Path, look: Callable[[], None]) -> None:
    """Kills the server or one worker, again and again; keeps an old copy of the data volume from half way."""
    chance = random.Random(42)
    kills = ["server"] * WHOLE_SERVER_KILLS + ["worker"] * WORKER_KILLS
    chance.shuffle(kills)
    for number, victim in enumerate(kills):
        time.sleep(chance.uniform(0.05, 0.6))
        if victim == "worker":
            os.kill(chance.choice(server.worker_pids()), signal.SIGKILL)
            continue
        server.kill()
        if number >= len(kills) // 2 and not (tmp_path / "old-data").exists():
            shutil.copytree(tmp_path / "site" / "data", tmp_path / "old-data")
        server.start()
        if number % 8 == 0:
            look()
