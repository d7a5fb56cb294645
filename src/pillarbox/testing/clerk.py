"""A client that works on a mailbox by IMAP until it is told to stop, and knows what must be there afterwards.

It appends numbered messages, changes flags, moves messages and expunges them. What was answered OK counts; the one
command that was on its way when the connection broke may have been done or not. `wrong` compares with what is there.
"""

import imaplib
import random
import re
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from pillarbox.testing.server import HOST

_FOLDERS = ("INBOX", "Archive")
_FLAGS = ("\\Seen", "\\Flagged", "\\Answered", "red")
_UID = re.compile(rb"(?:APPENDUID|COPYUID) [0-9]+ (?:[0-9]+ )?([0-9]+)")


class Known(NamedTuple):
    """A message is in `folder` under `uid` with these flags; no folder: it is not there."""

    folder: str
    uid: int
    flags: frozenset[str]


_GONE = Known("", 0, frozenset())


class Refused(Exception):
    """The server said NO or BAD, or something that was not understood."""


class Clerk(threading.Thread):
    """See the module. `acknowledged` counts commands."""

    def __init__(self, port: int, person: str, seed: int) -> None:
        super().__init__(daemon=True)
        self.stopping = threading.Event()
        self.acknowledged = 0
        self._port = port
        self._person = person
        self._chance = random.Random(seed)
        self._known: dict[str, Known] = {}
        self._doubtful: dict[str, list[Known]] = {}
        self._count = 0

    def run(self) -> None:
        while not self.stopping.is_set():
            try:
                client = imaplib.IMAP4(HOST, self._port, timeout=10)
                try:
                    client.login(f"{self._person}@example.test", "pass")
                    client.select("INBOX")
                    for _ in range(self._chance.randint(5, 60)):
                        if self.stopping.is_set():
                            return
                        self._work(client)
                finally:
                    client.shutdown()
            except (OSError, imaplib.IMAP4.error, Refused):
                time.sleep(0.02)

    def _work(self, client: imaplib.IMAP4) -> None:
        mine = [name for name, known in self._known.items() if known.folder == "INBOX" and name not in self._doubtful]
        if len(mine) < 5 or self._chance.random() < 0.4:
            self._append(client)
            return
        name = self._chance.choice(mine)
        known = self._known[name]
        uid = str(known.uid)
        what = self._chance.choice(["flag", "flag", "move", "delete"])
        if what == "flag":
            flag, adding = self._chance.choice(_FLAGS), self._chance.random() < 0.7
            flags = known.flags | {flag} if adding else known.flags - {flag}
            sign = "+" if adding else "-"
            self._do(name, known._replace(flags=flags), lambda: client.uid("STORE", uid, f"{sign}FLAGS", f"({flag})"))
        elif what == "move":
            self._do(name, known._replace(folder="Archive"), lambda: client.uid("MOVE", uid, "Archive"))
        else:
            deleted = known._replace(flags=known.flags | {"\\Deleted"})
            self._do(name, deleted, lambda: client.uid("STORE", uid, "+FLAGS", "(\\Deleted)"))
            self._do(name, _GONE, lambda: client.uid("EXPUNGE", uid))

    def _append(self, client: imaplib.IMAP4) -> None:
        self._count += 1
        name = f"{self._person}-{self._count}-{self._chance.getrandbits(32):x}"
        body = "".join(self._chance.choices("abcdefgh \n", k=self._chance.choice([50, 1000, 20_000]))).replace(
            "\n", "\r\n"
        )
        letter = f"From: a@x.test\r\nX-Number: {name}\r\nSubject: {name}\r\n\r\n{body}\r\n".encode()
        self._do(
            name,
            Known("INBOX", 0, frozenset({"\\Seen"})),
            lambda: client.append("INBOX", "(\\Seen)", "", letter),
        )

    def _do(self, name: str, after: Known, command: Callable[[], tuple[str, list[Any]]]) -> None:
        """One command that makes of a message what `after` says, where it is answered OK."""
        self._doubtful[name] = [*self._doubtful.get(name, [self._known.get(name, _GONE)]), after]
        status, answer = command()
        if status != "OK":
            raise Refused(answer)
        if name not in self._known:
            found = _UID.search(b" ".join(part for part in answer if isinstance(part, bytes)))
            if found is None:
                raise Refused(answer)
            after = after._replace(uid=int(found[1]))
        self._known[name] = after
        del self._doubtful[name]
        self.acknowledged += 1

    def wrong(self) -> list[str]:
        """What is not as it must be, a sentence each."""
        found = read_folders(self._port, self._person)
        sentences = []
        for name in self._known.keys() | self._doubtful.keys() | found.keys():
            may_be = self._doubtful.get(name, [self._known.get(name, _GONE)])
            there = found.get(name, [])
            fits = [known for known in may_be if there == ([(known.folder, known.flags)] if known.folder else [])]
            if not fits:
                sentences.append(f"{name} is {there} instead of {may_be}")
        return sentences


def read_folders(port: int, person: str) -> dict[str, list[tuple[str, frozenset[str]]]]:
    """Every message of a person by its X-Number: the folders that it is in, and its flags there."""
    found: dict[str, list[tuple[str, frozenset[str]]]] = {}
    with imaplib.IMAP4(HOST, port, timeout=60) as client:
        client.login(f"{person}@example.test", "pass")
        for folder in _FOLDERS:
            client.select(folder, readonly=True)
            for item in client.fetch("1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (X-NUMBER)])")[1]:
                if isinstance(item, tuple):
                    name = item[1].split(b":", 1)[1].split(b"\r\n", 1)[0].strip().decode()
                    flags = item[0].split(b"FLAGS (", 1)[1].split(b")", 1)[0].decode().split()
                    found.setdefault(name, []).append((folder, frozenset(flags) - {"\\Recent"}))
    return found
