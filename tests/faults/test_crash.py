"""Killed at random, again and again: every message that was answered 250 is there, once, with the same bytes.

Clients deliver numbered messages by SMTP and LMTP while the whole server, or one worker, gets SIGKILL. Then the same
with the database file deleted, and with an old copy of it put in its place: the transaction log plays it forward.
A message that was not answered may be there or not, but never twice.
"""

import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pillarbox.testing.deliverer import Deliverer, read_all
from pillarbox.testing.server import Server, port_offset

WHOLE_SERVER_KILLS = 24
WORKER_KILLS = 20
DELIVERERS = 4

pytestmark = pytest.mark.crash


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
