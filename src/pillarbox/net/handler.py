"""The contract between the pump and a server's handler: an event in, replies out.

For each connection a server makes a pair (wire session, handler). The pump owns the socket: it feeds the session,
hands each event to `handle`, one at a time and in order, and writes nothing itself but the answers to protocol
errors. The handler turns a typed reply into bytes with its session's `send` and gives them to `Connection.write`;
the pump then sees `session.starting_tls` or `session.closing` and acts.

- `handle` may await (a commit, a directory answer, `drain` while streaming); no other event of the same connection
  is taken meanwhile. When the peer vanishes, a running `handle` is cancelled only at `drain`, which raises
  `ConnectionClosed`; a commit under way is never interrupted.
- A `Failure` is answered by the handler, in one place per protocol. Any other exception is our bug: the pump logs
  it with the session id and calls `crashed`.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from pillarbox.wire.session import Session, TlsInfo


class ConnectionClosed(Exception):
    """The peer is gone; there is nobody left to answer."""


class Connection(Protocol):
    """What a handler sees of its connection."""

    @property
    def session_id(self) -> str:
        """A short random word that stands on every log line of this connection."""

    @property
    def peer(self) -> str:
        """The peer's IP address, without port or scope."""

    @property
    def tls(self) -> TlsInfo | None: ...

    def write(self, data: bytes) -> None:
        """Queues bytes for the peer; what is queued within one `handle` leaves in as few segments as possible."""

    async def drain(self) -> None:
        """Waits while too much is queued. Raises ConnectionClosed."""

    def wake(self) -> None:
        """Asks for `woken` to be called, from the event loop's thread, once no event is being handled. Many calls
        before that count as one."""

    def log(self, event: str, **fields: object) -> None:
        """One structured log line at level info, the session id, peer and protocol added."""


E = TypeVar("E", contravariant=True)


class Handler(Protocol[E]):
    """One connection's side of a server."""

    async def connected(self) -> None:
        """Greets. Also called once TLS is up on a port that begins with it; never again after STARTTLS."""

    async def handle(self, event: E) -> None: ...

    async def woken(self) -> None:
        """`wake` was called: tell the peer what it may be told now."""

    async def shutting_down(self) -> None:
        """The server stops: say goodbye (421, BYE); the session should be `closing` after it."""

    async def timed_out(self) -> None:
        """The peer was silent for the state's timeout: say goodbye."""

    async def crashed(self) -> None:
        """`handle` raised something that is not a Failure: answer generically; the pump closes after it."""

    def closed(self) -> None:
        """The connection is gone: release watches, locks and spools. Called exactly once."""


Serve = Callable[[Connection], tuple[Session[Any, Any], Handler[Any]]]
"""Makes the pair for a new connection."""
