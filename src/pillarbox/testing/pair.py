"""Two whole servers on this machine, for tests: one serves, the other follows it and can take over."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from pillarbox.testing.server import HOST, Server, port_offset

_STANDBY = 4190


class Pair(NamedTuple):
    """`one` is active at first."""

    one: Server
    two: Server

    def standby_address(self, server: Server) -> str:
        return f"{HOST}:{server.port(_STANDBY)}"

    def set(self, key: str, value: object) -> None:
        """Changes one setting in [standby] on both."""
        for server in self:
            server.set("standby", key, value)


@contextmanager
def pair(path: Path, *, mode: str = "async", workers: int = 1) -> Iterator[Pair]:
    """Two sites that trust and know each other; neither runs yet. People are made on `one`."""
    with port_offset() as first, port_offset() as second, ExitStack() as stack:
        both = Pair(Server(path / "one", first, workers), Server(path / "two", second, workers))
        both.one.init()
        both.two.init([])
        both.set("mode", mode)
        for server in both:
            stack.callback(server.stop)
            server.set("standby", "listen", both.standby_address(server))
            server.set("server", "drain_seconds", 2.0)
            server.command("standby-certificate")
        for server, other in (both, (both.two, both.one)):
            server.command("standby-certificate", "--trust", str(other.path / "standby-certificate.pem"))
        both.two.set("standby", "server", both.standby_address(both.one))
        yield both


def know_each_other(both: Pair) -> None:
    """Once `one` has served: it follows `two` from then on where that one takes over."""
    both.one.set("standby", "server", both.standby_address(both.two))


def command_of(server: Server) -> str:
    """How to run pillarbox for a server, for `failover --other`."""
    return subprocess.list2cmdline([sys.executable, "-m", "pillarbox", "-C", str(server.path)])
