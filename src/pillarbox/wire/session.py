"""The contract of every protocol session, and the values they all share.

A session is a state machine with no I/O. The pump (`net/pump.py`) feeds it what the peer sent with
`receive_data` (b"" means the peer closed its side), takes events with `next_event` until that answers
`NEED_DATA`, hands each event to a handler, and writes what `send(reply)` returns. The *reply* moves the
machine: a refused MAIL changes nothing.

- A command that cannot be understood, or comes in the wrong state, is answered by the session itself: it comes
  out as a `ProtocolError` whose `answer` the pump writes (already encoded); the session has already counted it
  and sets `closing` when there were too many.
- After a reply that accepts STARTTLS, `starting_tls` is true and stays so until `tls_started`. The session
  drops all plaintext it still holds when that reply is sent (RFC 3207 section 6, RFC 9051 section 6.2.1).
- After a reply that ends the session (221, BYE), `closing` is true: the pump flushes and closes.
- `timeout` is how long, in seconds, the current state waits for the peer; `phrase` names the state for the log.
- `next_event` answers `CLOSED` once, after the peer's end of file, when nothing complete is left.
"""

from enum import Enum
from typing import NamedTuple, Protocol, TypeVar


class Signal(Enum):
    """What `next_event` answers when it has no event to give."""

    NEED_DATA = "need-data"
    CLOSED = "closed"


NEED_DATA = Signal.NEED_DATA
CLOSED = Signal.CLOSED


class ProtocolError(NamedTuple):
    """The peer broke the protocol; `answer` is the encoded reply, `reason` a phrase for the log."""

    answer: bytes
    reason: str


class TlsInfo(NamedTuple):
    """What was agreed when a connection became private.

    `endpoint_binding` is the tls-server-end-point channel binding data (RFC 5929 section 4), for SCRAM-*-PLUS.
    """

    version: str
    cipher: str
    endpoint_binding: bytes


Event = TypeVar("Event", covariant=True)
Reply = TypeVar("Reply", contravariant=True)


class Session(Protocol[Event, Reply]):
    """One connection's side of a protocol; see the module's contract."""

    @property
    def timeout(self) -> float: ...

    @property
    def phrase(self) -> str: ...

    @property
    def closing(self) -> bool: ...

    @property
    def starting_tls(self) -> bool: ...

    def receive_data(self, data: bytes) -> None: ...

    def next_event(self) -> Event | ProtocolError | Signal: ...

    def send(self, reply: Reply) -> bytes: ...

    def tls_started(self, tls: TlsInfo) -> None: ...
