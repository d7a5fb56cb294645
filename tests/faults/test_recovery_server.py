"""A whole server lost and brought back, while clients deliver, flag, move and delete and backups run all the time.

With its data volume: every acknowledged change is there. With the whole machine: all but the last seconds of log that
were not yet at the target.
"""

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pillarbox.testing.clerk import Clerk
from pillarbox.testing.deliverer import Deliverer, read_all
from pillarbox.testing.server import Server, port_offset

LAG = 5.0
"""Seconds: the archive follows each second, on a machine that is busy with much else."""

pytestmark = pytest.mark.crash


class Crowd:
    """Everybody who works on the server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.sent: dict[str, bytes] = {}
        self.acknowledged: set[str] = set()
        self.deliverers = [Deliverer(server, number, self.sent, self.acknowledged) for number in range(2)]
        self.clerks = [Clerk(server.port(143), person, seed) for seed, person in enumerate(["bob", "carol"])]
        self.backups = 0
        self._enough = threading.Event()
        self._backing_up = threading.Thread(target=self._back_up, daemon=True)

    def start(self) -> None:
        for thread in (*self.deliverers, *self.clerks, self._backing_up):
            thread.start()

    def _back_up(self) -> None:
        while not self._enough.is_set():
            kind = "--full" if self.backups % 3 == 0 else "--incremental"
            self.server.command("backup", kind)
            self.backups += 1

    def stop(self) -> None:
        self._enough.set()
        for client in (*self.deliverers, *self.clerks):
            client.stopping.set()
        for thread in (*self.deliverers, *self.clerks, self._backing_up):
            thread.join(60)

    def check(self) -> None:
        """All of it, once and whole."""
        found = read_all(self.server)
        lost = self.acknowledged - found.keys()
        assert not lost, f"{len(lost)} of {len(self.acknowledged)} are lost: {sorted(lost)[:5]}"
        assert all(len(copies) == 1 and copies[0].endswith(self.sent[name]) for name, copies in found.items())
        for clerk in self.clerks:
            wrong = clerk.wrong()
            assert not wrong, wrong[:5]


@contextmanager
def working(server: Server) -> Iterator[Crowd]:
    crowd = Crowd(server)
    crowd.start()
    try:
        yield crowd
    finally:
        crowd.stop()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "backup").mkdir()
    with port_offset() as offset:
        one = Server(tmp_path / "site", offset)
        one.init(["alice", "bob", "carol"])
        one.set("backup", "targets", [f"file://{tmp_path / 'backup'}"])
        one.start()
        try:
            yield one
        finally:
            one.kill()
            one.stop()


def wait_for_backups(crowd: Crowd, count: int) -> None:
    deadline = time.monotonic() + 60
    while crowd.backups < count:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_the_data_volume_is_lost(server: Server) -> None:
    with working(server) as crowd:
        wait_for_backups(crowd, 3)
        server.kill()
        crowd.stop()
    assert len(crowd.acknowledged) > 50 and all(clerk.acknowledged > 50 for clerk in crowd.clerks)
    shutil.rmtree(server.path / "data")
    (server.path / "data").mkdir()  # a new disk
    server.command("restore", "database", "directory", "mailboxes")
    server.start()
    crowd.check()
    assert server.command("database", "verify")
    assert server.stop() == 0


def test_the_machine_is_lost(server: Server, tmp_path: Path) -> None:
    """Nobody works any more in the last seconds: then all of it is at the target."""
    with working(server) as crowd:
        wait_for_backups(crowd, 2)
        time.sleep(1.5)
        crowd.stop()
        time.sleep(LAG)
        server.kill()
        server.stop()
    settings = (server.path / "pillarbox.toml").read_bytes()
    shutil.rmtree(server.path)
    server.command("restore", "server", "--from", f"file://{tmp_path / 'backup'}")
    assert (server.path / "pillarbox.toml").read_bytes() == settings
    server.start()
    crowd.check()
    assert server.command("backup", "verify")
    assert server.stop() == 0
