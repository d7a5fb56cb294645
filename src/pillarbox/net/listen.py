"""Sockets that listen: made here, or handed down by a parent that could bind low ports; and the accepting on them.

`bind` makes a listening socket, `bind_all` one for each address and worker. All sockets of a port share it by
SO_REUSEPORT, and the kernel spreads connections over them; one whose worker is being replaced keeps its queue.
Raises `CannotListen` with a sentence that says what is in the way and what to do.

`Listener` accepts on such sockets and gives the connections to a `Pump`.
"""

import asyncio
import errno
import os
import socket
from collections.abc import Callable, Sequence

from pillarbox.base.ids import Ids
from pillarbox.base.log import Log
from pillarbox.base.metrics import Counters
from pillarbox.net.limits import canonical
from pillarbox.net.pump import Pump, Service

_BACKLOG = 1024
_ACCEPT_AT_ONCE = 64  # then those who are connected get a turn
_PAUSE = 0.5  # seconds without accepting when file descriptors run out


class CannotListen(Exception):
    """A port cannot be listened on; the text says why and what to do."""


def bind(address: str, port: int, *, only_ipv6: bool = True) -> socket.socket:
    """A socket listening on an IP address (no host name) and port; port 0 lets the system choose.

    With `only_ipv6` false, a socket on "::" takes IPv4 too. Raises CannotListen.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        # With the protocol named, asyncio sets TCP_NODELAY on what it accepts; uvloop always does.
        sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except OSError as error:
        raise _cannot_listen(address, port, error) from error
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(only_ipv6))
        sock.bind((address, port))
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        raise _cannot_listen(address, port, error) from error
    return sock


def bind_all(addresses: Sequence[str], port: int, copies: int = 1) -> list[list[socket.socket]]:
    """For each of `copies` workers, a socket on each address. Raises CannotListen, and then nothing stays bound.

    "::" takes IPv4 as well unless an IPv4 address is listed. With port 0 all share the port that the first got.
    """
    only_ipv6 = any(":" not in address for address in addresses)
    made: list[list[socket.socket]] = []
    _check_free(addresses, port)
    try:
        for _ in range(copies):
            row: list[socket.socket] = []
            made.append(row)
            for address in addresses:
                row.append(bind(address, port, only_ipv6=only_ipv6))
                port = port or row[0].getsockname()[1]
    except CannotListen:
        for row in made:
            for sock in row:
                sock.close()
        raise
    return made


def adopt(fd: int) -> socket.socket:
    """The listening socket that a parent process left open as file descriptor `fd`. Raises CannotListen."""
    try:
        sock = socket.socket(fileno=fd)
        if not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            sock.detach()
            raise CannotListen(f"file descriptor {fd} is not a listening socket")
    except OSError as error:
        raise CannotListen(f"file descriptor {fd} is not a socket: {error.strerror}") from error
    return sock


class Listener:
    """Accepts on `sockets`, which are its own from now on, until `stop`."""

    def __init__(
        self, sockets: Sequence[socket.socket], service: Service, ids: Ids, log: Log, counters: Counters
    ) -> None:
        self.pump = Pump(service, ids, log, counters)
        self._sockets = list(sockets)
        self._log = log
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Address and port of each socket."""
        return [sock.getsockname()[:2] for sock in self._sockets]

    def start(self) -> None:
        """Begins to accept, on the running loop."""
        self._loop = asyncio.get_running_loop()
        for sock in self._sockets:
            sock.setblocking(False)
            self._loop.add_reader(sock.fileno(), self._accept, sock, self._loop)

    def stop_accepting(self) -> None:
        """Closes the sockets; open connections go on."""
        for sock in self._sockets:
            if self._loop is not None and sock.fileno() >= 0:
                self._loop.remove_reader(sock.fileno())
            sock.close()
        self._sockets = []

    async def stop(self, drain_seconds: float) -> None:
        """Accepts no more, and ends the open connections within `drain_seconds`."""
        self.stop_accepting()
        await self.pump.stop(drain_seconds)

    def _accept(self, listening: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
        accept = self.pump.accept
        for _ in range(_ACCEPT_AT_ONCE):
            try:
                sock, address = listening.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionError:
                continue  # gone before it was taken
            except OSError as error:
                self._pause(listening, loop, error)
                return
            sock.setblocking(False)
            accept(sock, canonical(address[0]))

    def _pause(self, listening: socket.socket, loop: asyncio.AbstractEventLoop, error: OSError) -> None:
        """Out of file descriptors or memory: those waiting keep their place in the kernel's queue."""
        self._log.error("cannot accept", protocol=self.pump.service.protocol, reason=os.strerror(error.errno or 0))
        loop.remove_reader(listening.fileno())
        loop.call_later(_PAUSE, self._resume, listening, loop)

    def _resume(self, listening: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
        if listening.fileno() >= 0:
            loop.add_reader(listening.fileno(), self._accept, listening, loop)


def _check_free(addresses: Sequence[str], port: int) -> None:
    """SO_REUSEPORT lets another server of the same user share a port silently: see that nobody has it already."""
    if port == 0:
        return
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            try:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                probe.bind((address, port))
                probe.listen(1)
            except OSError as error:
                raise _cannot_listen(address, port, error) from error


_REASONS: dict[int, Callable[[str, int], str]] = {
    errno.EADDRINUSE: lambda address, port: (
        f"port {port} on {address} is already in use by another program; stop it, or try --port-offset"
    ),
    errno.EACCES: lambda address, port: (
        f"port {port} on {address} may only be opened by root; start as root with [server] user set, "
        "or try --port-offset 20000"
    ),
    errno.EADDRNOTAVAIL: lambda address, port: f"{address} is not an address of this machine; change [server] listen",
    errno.EAFNOSUPPORT: lambda address, port: f"this machine has no IPv6, so {address} cannot be used",
}


def _cannot_listen(address: str, port: int, error: OSError) -> CannotListen:
    reason = _REASONS.get(error.errno or 0)
    return CannotListen(reason(address, port) if reason else f"cannot listen on {address} port {port}: {error}")
