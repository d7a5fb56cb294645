"""What a client says, as values: the events of a POP3 session. Each is answered with exactly one reply.

Names and passwords are as they were typed; message numbers are from 1 on and not checked against a maildrop.
"""

from typing import NamedTuple


class User(NamedTuple):
    """USER: Ok asks for PASS, whether somebody has that name or not."""

    name: str


class Pass(NamedTuple):
    """PASS, right after USER `name`: Ok opens the maildrop."""

    name: str
    password: str


class Auth(NamedTuple):
    """AUTH (RFC 5034): `mechanism` in capitals, one of those offered; `initial` decoded, None where there is none."""

    mechanism: str
    initial: bytes | None


class AuthResponse(NamedTuple):
    """The decoded answer to a challenge."""

    data: bytes


class AuthCancelled(NamedTuple):
    """The client sent "*": it is answered with Err."""


class Capa(NamedTuple):
    """CAPA (RFC 2449); see `capa.capa_reply`."""


class Stls(NamedTuple):
    """STLS (RFC 2595): Ok starts TLS."""


class Utf8(NamedTuple):
    """UTF8 (RFC 6856): Ok means that the client reads UTF-8 headers."""


class Stat(NamedTuple):
    """STAT."""


class List(NamedTuple):
    """LIST of one message, or of all where `number` is None."""

    number: int | None


class Uidl(NamedTuple):
    """UIDL of one message, or of all where `number` is None."""

    number: int | None


class Retr(NamedTuple):
    """RETR."""

    number: int


class Top(NamedTuple):
    """TOP: the header and the first `lines` lines of the body."""

    number: int
    lines: int


class Dele(NamedTuple):
    """DELE."""

    number: int


class Rset(NamedTuple):
    """RSET: nothing is marked as deleted any more."""


class Noop(NamedTuple):
    """NOOP."""


class Quit(NamedTuple):
    """QUIT. With `update` a maildrop is open and what is marked is deleted before the answer; any answer closes."""

    update: bool


Command = User | Pass | Auth | Capa | Stls | Utf8 | Stat | List | Uidl | Retr | Top | Dele | Rset | Noop | Quit
"""What one command line says."""

Pop3Event = Command | AuthResponse | AuthCancelled
