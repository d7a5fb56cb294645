"""What a handler answers, and the events it answers to.

Every event but `AppendChunk` and `AppendAborted` is owed an answer, and the session gives out no further event until
it has come:

- a command, `AppendEnd`, `IdleDone`, `AuthenticateCancelled`: any number of `Untagged`, then one `Tagged`
- `AppendStart`, `AppendNext`, `LiteralAnnounced`, `Idle`: `Continue` (go on), or `Tagged` to refuse
- `Authenticate`, `AuthenticateResponse`: `Challenge`, or `Tagged` to end the exchange

`Greeting` comes before all events. `Untagged` may be sent at any time that RFC 9051 allows (the handler's business).
`Bye` closes, except as the first part of the answer to LOGOUT.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from pillarbox.wire.imap.commands.append import AppendAborted, AppendChunk, AppendEnd, AppendNext, AppendStart
from pillarbox.wire.imap.commands.table import Command
from pillarbox.wire.imap.responses import Status


@dataclass(slots=True, frozen=True)
class LiteralAnnounced:
    """A command's argument of `size` octets is announced, within the limits. Answer with `Continue()`."""

    tag: bytes
    size: int


@dataclass(slots=True, frozen=True)
class AuthenticateResponse:
    """The client's part of a SASL exchange, decoded."""

    tag: bytes
    data: bytes = field(repr=False)


@dataclass(slots=True, frozen=True)
class AuthenticateCancelled:
    """The exchange is over: the client sent `*`, or no base64. Answer with a `Tagged` BAD and the reason."""

    tag: bytes
    reason: str


@dataclass(slots=True, frozen=True)
class IdleDone:
    """IDLE is over. With a `reason`, the client sent something else than DONE: answer with a `Tagged` BAD."""

    tag: bytes
    reason: str = ""


ImapEvent = (
    Command | AppendStart | AppendNext | AppendChunk | AppendEnd | AppendAborted | LiteralAnnounced
    | AuthenticateResponse | AuthenticateCancelled | IdleDone
)  # fmt: skip


class Tagged(NamedTuple):
    """A command's end: OK, NO or BAD, a response code without brackets, and a text for people."""

    tag: bytes
    status: Status
    text: str
    code: bytes = b""


class Untagged(NamedTuple):
    """Responses made with `responses`, whole lines."""

    data: bytes


class Continue(NamedTuple):
    """Go on: take the literal, start idling."""

    text: str = "OK"


class Challenge(NamedTuple):
    """The server's part of a SASL exchange, not yet in base64."""

    data: bytes


class Bye(NamedTuple):
    """The end of the connection."""

    text: str
    code: bytes = b""


class Greeting(NamedTuple):
    """The first line: OK with the capabilities."""

    text: str


ImapReply = Tagged | Untagged | Continue | Challenge | Bye | Greeting
