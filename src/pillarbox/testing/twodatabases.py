"""A running server with two mailbox databases, Alice's and Bob's, for tests that take one of them away."""

import imaplib
import os
import smtplib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pillarbox.testing.server import HOST, Server, port_offset


@contextmanager
def two_databases(path: Path, start: bool = True) -> Iterator[Server]:
    """Alice in the database `mailboxes`, Bob in `second`."""
    with port_offset() as offset:
        one = Server(path, offset)
        one.init([])
        one.command("database", "create", "second")
        one.set("storage", "databases", ["mailboxes", "second"])
        for name, database in (("alice", "mailboxes"), ("bob", "second")):
            words = ("user", "add", f"{name}@example.test", "--password-stdin", "--database", database)
            one.command(*words, input="pass\n")
        try:
            if start:
                one.start()
            yield one
        finally:
            one.stop()


def eventually(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to be so"
        time.sleep(0.05)


@contextmanager
def imap(site: Server, name: str) -> Iterator[imaplib.IMAP4]:
    client = imaplib.IMAP4(HOST, site.port(143), timeout=20)
    try:
        client.login(f"{name}@example.test", "pass")
        yield client
    finally:
        client.shutdown()


def lmtp(site: Server, *names: str, subject: str = "hello") -> dict[str, tuple[int, bytes]]:
    """Sends a letter to each; who was refused, and how."""
    refused: dict[str, tuple[int, bytes]] = {}
    for name in names:
        with smtplib.LMTP(HOST, site.port(24), timeout=20) as client:
            try:
                client.sendmail("carol@example.test", [f"{name}@example.test"], f"Subject: {subject}\r\n\r\nHello.\r\n")
            except smtplib.SMTPRecipientsRefused as error:
                [refused[name]] = error.recipients.values()
    return refused


def subjects(site: Server, name: str, mailbox: str = "INBOX") -> list[str]:
    with imap(site, name) as client:
        assert client.select(f'"{mailbox}"', readonly=True)[0] == "OK"
        _, found = client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        return [line[1].decode().strip().removeprefix("Subject: ") for line in found if isinstance(line, tuple)]


def can_login(site: Server, name: str) -> bool:
    try:
        with imap(site, name):
            return True
    except imaplib.IMAP4.error:
        return False


def mounted(site: Server, name: str) -> bool:
    """Whether every worker has a database open."""
    inode = os.stat(site.path / "data" / f"{name}.mounted").st_ino
    words = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    holders = {int(word[4]) for word in words if word[5].endswith(f":{inode}")}
    return len(holders.intersection(site.worker_pids())) >= site.workers


def back(site: Server, name: str) -> None:
    """Waits until every worker has a database open."""
    eventually(lambda: mounted(site, name))
