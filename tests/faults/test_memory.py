"""Many clients with large messages at once: each is kept whole, and the workers' own memory stays small."""

import random
import smtplib
import threading
import time
from pathlib import Path

import pytest

from pillarbox.testing.server import HOST, Server, server

pytestmark = pytest.mark.process

CLIENTS = 24
SIZE = 8 * 1024 * 1024
MOST = 220 * 1024  # KiB of a worker's memory that is not the page cache's


def own_memory(pid: int) -> int:
    """KiB of memory that a process has and that no file stands behind."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1])
    return 0


def test_large_messages_do_not_fill_the_memory(tmp_path: Path) -> None:
    line = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=998))
    with server(tmp_path / "site", people=["alice"]) as site:
        largest = [0]
        done = threading.Event()

        def watch() -> None:
            while not done.wait(0.05):
                for pid in site.worker_pids():
                    largest[0] = max(largest[0], own_memory(pid))

        watcher = threading.Thread(target=watch)
        watcher.start()
        failures: list[Exception] = []

        def send(number: int) -> None:
            try:
                deliver(site, f"Subject: large {number}\r\n\r\n" + f"{line}\r\n" * (SIZE // 1000))
            except Exception as error:
                failures.append(error)

        senders = [threading.Thread(target=send, args=(number,)) for number in range(CLIENTS)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join(300)
        time.sleep(0.2)
        done.set()
        watcher.join()
        assert not failures
        assert site.json("user", "show", "alice@example.test")["messages"] == CLIENTS
        assert largest[0] < MOST, f"a worker took {largest[0]} KiB for {CLIENTS} messages of {SIZE >> 20} MiB"


def deliver(site: Server, text: str) -> None:
    with smtplib.SMTP(HOST, site.port(25), timeout=120) as client:
        client.sendmail("a@x.test", ["alice@example.test"], text.encode())
