"""Telling other processes of changes: one datagram per commit to every process that serves the same site.

Each process binds a socket in `DIR/run/notices`; whoever commits sends its changes to all sockets there but its
own. A datagram that does not get through is dropped: watchers also look for themselves from time to time
(`model.change`), so a lost notice costs seconds, never correctness. A socket whose process is gone is removed.
"""

import asyncio
import os
import socket
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

from pillarbox.model.change import Change
from pillarbox.model.ids import AccountId, MailboxId, ModSeq

_CHANGE = struct.Struct("<QQQ")
_LARGEST = 2000  # changes per datagram, well below the 208 KiB a Unix socket takes by default
_LOOK_AGAIN = 0.5  # seconds between looks at who else is there

Deliver = Callable[[str, list[Change]], None]


def encode(database: str, changes: Sequence[Change]) -> bytes:
    """A datagram: the database's name, a NUL, then 24 octets a change."""
    return database.encode() + b"\0" + b"".join([_CHANGE.pack(*change) for change in changes])


def decode(datagram: bytes) -> tuple[str, list[Change]]:
    """Reads what `encode` made. Raises ValueError for anything else."""
    name, separator, rest = datagram.partition(b"\0")
    if not separator or len(rest) % _CHANGE.size:
        raise ValueError("not a notice of changes")
    changes = [
        Change(AccountId(account), MailboxId(mailbox), ModSeq(modseq))
        for account, mailbox, modseq in _CHANGE.iter_unpack(rest)
    ]
    return name.decode(), changes


class Broadcast:
    """One process's place among those that tell each other of changes."""

    def __init__(self, directory: Path, name: str, monotonic: Callable[[], float]) -> None:
        self._directory = directory
        self._own = f"{name}.sock"
        self._monotonic = monotonic
        self._out = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._out.setblocking(False)
        self._in: socket.socket | None = None
        self._others: list[str] = []
        self._looked_at = -_LOOK_AGAIN

    def listen(self, loop: asyncio.AbstractEventLoop, deliver: Deliver) -> None:
        """From now on `deliver` is called on the loop with what other processes changed."""
        path = self._directory / self._own
        path.unlink(missing_ok=True)
        inbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        inbox.setblocking(False)
        inbox.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        inbox.bind(str(path))
        self._in = inbox
        loop.add_reader(inbox.fileno(), self._receive, deliver)

    def _receive(self, deliver: Deliver) -> None:
        assert self._in is not None
        for _ in range(100):  # then let others work; the loop comes back while there is more
            try:
                datagram = self._in.recv(1 << 17)
            except BlockingIOError:
                return
            try:
                database, changes = decode(datagram)
            except ValueError:
                continue
            deliver(database, changes)

    def send(self, database: str, changes: Sequence[Change]) -> None:
        """Tells every other process; never blocks, never raises."""
        now = self._monotonic()
        if now - self._looked_at >= _LOOK_AGAIN:
            self._looked_at = now
            try:
                self._others = [
                    str(self._directory / entry)
                    for entry in os.listdir(self._directory)
                    if entry.endswith(".sock") and entry != self._own
                ]
            except OSError:
                self._others = []
        if not self._others or not changes:
            return
        for start in range(0, len(changes), _LARGEST):
            datagram = encode(database, changes[start : start + _LARGEST])
            for path in self._others:
                self._send_one(path, datagram)

    def _send_one(self, path: str, datagram: bytes) -> None:
        try:
            self._out.sendto(datagram, path)
        except (ConnectionRefusedError, FileNotFoundError):
            Path(path).unlink(missing_ok=True)
            self._looked_at = -_LOOK_AGAIN
        except OSError:
            pass  # its buffer is full, or it is just going away: it looks for itself

    def close(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Leaves."""
        if self._in is not None:
            if loop is not None:
                loop.remove_reader(self._in.fileno())
            self._in.close()
            (self._directory / self._own).unlink(missing_ok=True)
        self._out.close()
