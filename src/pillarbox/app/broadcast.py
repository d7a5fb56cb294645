"""Telling other processes of changes: datagrams to every process that serves the same site.

Each process binds a socket in `DIR/run/notices`; whoever commits sends its changes to all sockets there but its
own. Changes are gathered for a few milliseconds, the newest of each mailbox is kept, and what a busy process has
no room for waits. Should a notice get lost all the same, watchers also look for themselves from time to time
(`model.change`): it costs seconds, never correctness. A socket whose process is gone is removed.
"""

import asyncio
import os
import socket
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

from pillarbox.base.failure import FailureKind
from pillarbox.model.change import Change
from pillarbox.model.failure import Failure
from pillarbox.model.ids import AccountId, MailboxId, ModSeq

_CHANGE = struct.Struct("<QQQ")
_LARGEST = 2000  # changes per datagram, well below the 208 KiB a Unix socket takes by default
_GATHER = 0.005  # seconds during which changes are gathered into one datagram
_LONGEST_PATH = 107  # octets: what Linux lets a socket's name have
_LOOK_AGAIN = 0.5  # seconds between looks at who else is there

Waiting = dict[tuple[str, AccountId, MailboxId], Change]
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
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: Waiting = {}
        self._held: dict[str, Waiting] = {}
        self._flush_planned = False
        self._others: list[str] = []
        self._looked_at = -_LOOK_AGAIN

    def listen(self, loop: asyncio.AbstractEventLoop, deliver: Deliver) -> None:
        """From now on `deliver` is called on the loop with what other processes changed. Raises Failure INVALID."""
        path = self._directory / self._own
        path.unlink(missing_ok=True)
        if len(os.fsencode(path)) > _LONGEST_PATH:
            raise Failure(FailureKind.INVALID, f"The path {path} is too long for a socket: put the site higher up.")
        inbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        inbox.setblocking(False)
        inbox.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        inbox.bind(str(path))
        self._in, self._loop = inbox, loop
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
        """Tells every other process, a few milliseconds later where a loop runs; never blocks, never raises."""
        waiting = self._waiting
        for change in changes:
            waiting[database, change.account, change.mailbox] = change
        if self._loop is None:
            self._flush()
        elif not self._flush_planned:
            self._flush_planned = True
            self._loop.call_later(_GATHER, self._flush)

    def _flush(self) -> None:
        self._flush_planned = False
        self._look_around()
        new = self._waiting
        self._waiting = {}
        for path in self._others:
            held = self._held.pop(path, None)
            self._send_to(path, {**held, **new} if held else new)
        if self._held and self._loop is not None and not self._flush_planned:
            self._flush_planned = True
            self._loop.call_later(_GATHER, self._flush)

    def _look_around(self) -> None:
        now = self._monotonic()
        if now - self._looked_at < _LOOK_AGAIN:
            return
        self._looked_at = now
        try:
            entries = os.listdir(self._directory)
        except OSError:
            entries = []
        self._others = [
            str(self._directory / entry) for entry in entries if entry.endswith(".sock") and entry != self._own
        ]
        self._held = {path: changes for path, changes in self._held.items() if path in self._others}

    def _send_to(self, path: str, changes: Waiting) -> None:
        """Sends what there is for one process; what it has no room for now is held for the next time."""
        by_database: dict[str, list[Change]] = {}
        for (database, _, _), change in changes.items():
            by_database.setdefault(database, []).append(change)
        for database, listed in by_database.items():
            for start in range(0, len(listed), _LARGEST):
                try:
                    self._out.sendto(encode(database, listed[start : start + _LARGEST]), path)
                except (ConnectionRefusedError, FileNotFoundError):
                    Path(path).unlink(missing_ok=True)
                    self._looked_at = -_LOOK_AGAIN
                    return
                except OSError:  # its queue is full
                    self._held[path] = changes
                    return

    def close(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Leaves."""
        if self._in is not None:
            if loop is not None:
                loop.remove_reader(self._in.fileno())
            self._in.close()
            (self._directory / self._own).unlink(missing_ok=True)
        self._out.close()
