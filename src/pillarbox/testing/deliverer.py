"""Clients that deliver numbered messages by SMTP and LMTP, and remember what was answered 250."""

import imaplib
import random
import smtplib
import threading
import time

from pillarbox.testing.server import HOST, Server


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
                with kind(HOST, self._server.port(24 if lmtp else 25), timeout=10) as client:
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
