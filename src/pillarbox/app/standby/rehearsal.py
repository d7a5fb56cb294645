"""A failover under load, as clients see it: numbered letters go to whichever server takes them, and none may be lost.

`Prober` is such a client: it delivers one letter after the other by SMTP, each over a connection of its own, to the
server that took the last one, and to the other where that one does not answer 250. `Load` is several of them. The
outage is the longest time in which no letter at all was taken. What was answered 250 is then looked for in the mailbox.
"""

import itertools
import re
import smtplib
import threading
import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pillarbox.app.build import Parts
from pillarbox.model.email import Wanted

_TIMEOUT = 10.0
_PAUSE = 0.02
_SENDER = "rehearsal@localhost"


class Found(NamedTuple):
    """What came of the letters: answered 250, lost of those, and there more than once (sent again after a failure)."""

    answered: int
    lost: int
    doubled: int


class Prober(threading.Thread):
    """One client."""

    def __init__(self, servers: Sequence[tuple[str, int]], address: str, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._servers = list(servers)
        self._address = address
        self._stopping = threading.Event()
        self.answered: list[tuple[str, float]] = []

    def run(self) -> None:
        number = 0
        while not self._stopping.is_set():
            number += 1
            word = f"{self.name}-{number}"
            while not self._stopping.is_set():
                try:
                    self._deliver(word)
                except (OSError, smtplib.SMTPException):
                    self._servers.append(self._servers.pop(0))
                    self._stopping.wait(_PAUSE)
                else:
                    self.answered.append((word, time.monotonic()))
                    break

    def _deliver(self, word: str) -> None:
        host, port = self._servers[0]
        with smtplib.SMTP(host, port, local_hostname="rehearsal.localhost", timeout=_TIMEOUT) as client:
            letter = f"Subject: {word}\r\nMessage-ID: <{word}@rehearsal.localhost>\r\n\r\nA rehearsal.\r\n"
            client.sendmail(_SENDER, [self._address], letter)

    def stop(self) -> None:
        """No further letter is begun."""
        self._stopping.set()


class Load:
    """Several clients at once, for `with`. `run` tells the letters of this load from all others."""

    def __init__(self, servers: Sequence[tuple[str, int]], address: str, run: str, clients: int = 4) -> None:
        self._run = run
        self._probers = [Prober(servers, address, f"{run}-{number}") for number in range(clients)]

    def __enter__(self) -> "Load":
        for prober in self._probers:
            prober.start()
        return self

    def __exit__(self, *_: object) -> None:
        for prober in self._probers:
            prober.stop()
        for prober in self._probers:
            prober.join()

    def moments(self) -> list[float]:
        """When letters were taken, by the monotonic clock, in order."""
        return sorted(moment for prober in self._probers for _, moment in list(prober.answered))

    def wait(self, letters: int, seconds: float) -> bool:
        """Until so many more were taken; False where the time is over before."""
        before, deadline = len(self.moments()), time.monotonic() + seconds
        while len(self.moments()) < before + letters:
            if time.monotonic() > deadline:
                return False
            time.sleep(_PAUSE)
        return True

    def outage(self, begin: float, end: float) -> float:
        """The longest time without any letter between two moments, in seconds."""
        marks = [begin, *(moment for moment in self.moments() if begin <= moment <= end), end]
        return max(later - earlier for earlier, later in itertools.pairwise(marks))

    def check(self, subjects: Iterable[str]) -> Found:
        """Holds what was answered against the subjects in the mailbox."""
        counts: dict[str, int] = {}
        for subject in subjects:
            if subject.startswith(self._run):
                counts[subject] = counts.get(subject, 0) + 1
        words = [word for prober in self._probers for word, _ in prober.answered]
        lost = sum(word not in counts for word in words)
        return Found(len(words), lost, sum(count > 1 for count in counts.values()))


async def read_and_remove(parts: Parts, address: str, run: str) -> list[str]:
    """The subjects of a run's letters in somebody's inbox, which are removed from there."""
    person = await parts.person(address)
    store = parts.store(person.database)
    inbox = await store.mailbox(person.account, "INBOX")
    uids, _ = await store.uids(inbox.id)
    word = re.compile(re.escape(run).encode() + rb"-\d+-\d+")
    subjects, ours = [], []
    async for page in store.fetch(inbox.id, uids, Wanted.ENVELOPE):
        for message in page:
            if found := word.search(message.envelope):
                subjects.append(found[0].decode())
                ours.append(message.uid)
    for start in range(0, len(ours), 500):
        await store.remove(inbox.id, ours[start : start + 500])
    return subjects
