"""A connection without a socket, for handlers under test.

`FakeConnection` keeps what the handler writes until `take` asks for it, remembers the log lines, and counts wakes.
`woken` is the pump's part of `wake`: whoever drives the handler looks at `wakes` and calls `handler.woken`.
"""

from pillarbox.net.handler import ConnectionClosed
from pillarbox.wire.session import TlsInfo


class FakeConnection:
    """A `net.handler.Connection`; `gone` makes `drain` raise as if the peer had vanished."""

    def __init__(self, peer: str = "127.0.0.1", tls: TlsInfo | None = None, session_id: str = "test") -> None:
        self.session_id = session_id
        self.peer = peer
        self.tls = tls
        self.gone = False
        self.wakes = 0
        self.drains = 0
        self.logged: list[tuple[str, dict[str, object]]] = []
        self._out = bytearray()

    def write(self, data: bytes) -> None:
        self._out += data

    async def drain(self) -> None:
        self.drains += 1
        if self.gone:
            raise ConnectionClosed

    def wake(self) -> None:
        self.wakes += 1

    def log(self, event: str, **fields: object) -> None:
        self.logged.append((event, fields))

    def take(self) -> bytes:
        """Everything written since the last call."""
        data = bytes(self._out)
        self._out.clear()
        return data
