"""What a client says, as values: the events of an SMTP or LMTP session.

Every event but `BodyChunk` is answered with exactly one reply, except that in LMTP `BodyEnd` and a final `BodyFailed`
are answered with one per accepted recipient. Text is free of control characters; addresses are `grammar.Path`.
"""

from typing import NamedTuple

from pillarbox.wire.smtp.grammar import Path
from pillarbox.wire.smtp.replies import Reply


class Hello(NamedTuple):
    """EHLO, HELO or LHLO (`verb`); `domain` is one word, as the client gave it, not verified."""

    verb: str
    domain: str


class StartTls(NamedTuple):
    """STARTTLS (RFC 3207)."""


class Auth(NamedTuple):
    """AUTH (RFC 4954): `mechanism` in capitals, one of those offered; `initial` decoded, None where there is none."""

    mechanism: str
    initial: bytes | None


class AuthResponse(NamedTuple):
    """The decoded answer to a 334 challenge."""

    data: bytes


class AuthCancelled(NamedTuple):
    """The client sent "*": it is answered with 501."""


class Mail(NamedTuple):
    """MAIL. `body` is 7BIT, 8BITMIME or BINARYMIME; `ret` FULL, HDRS or ""; `envid` and `auth` are xtext, or ""."""

    reverse_path: Path
    size: int | None = None
    body: str = "7BIT"
    smtputf8: bool = False
    ret: str = ""
    envid: str = ""
    auth: str = ""


class Rcpt(NamedTuple):
    """RCPT. `notify` is "", "NEVER" or words separated by commas, in capitals; `orcpt` as given, or ""."""

    forward_path: Path
    notify: str = ""
    orcpt: str = ""


class DataStart(NamedTuple):
    """DATA: 354 opens the body, anything else refuses it."""


class Bdat(NamedTuple):
    """BDAT (RFC 3030). The session reads the octets itself: handlers see chunks, `BdatChunkEnd` and `BodyEnd`."""

    size: int
    last: bool


class BodyChunk(NamedTuple):
    """A piece of the message as it will be stored, at most 256 KiB; a small one that came in one piece is whole.

    Not answered.
    """

    data: bytes


class BdatChunkEnd(NamedTuple):
    """A chunk that is not the last has come; `size` octets of the message so far. 250 asks for more."""

    size: int


class BodyEnd(NamedTuple):
    """The message is complete: `size` octets."""

    size: int


class BodyFailed(NamedTuple):
    """The message was received and thrown away; the handler forgets what it has and sends `reply`."""

    reply: Reply


class Rset(NamedTuple):
    """RSET."""


class Verify(NamedTuple):
    """VRFY."""

    text: str


class Expand(NamedTuple):
    """EXPN."""

    text: str


class Help(NamedTuple):
    """HELP."""

    topic: str


class Noop(NamedTuple):
    """NOOP."""


class Quit(NamedTuple):
    """QUIT: 221 closes."""


Command = Hello | StartTls | Auth | Mail | Rcpt | DataStart | Bdat | Rset | Verify | Expand | Help | Noop | Quit
"""What one command line says."""

SmtpEvent = Command | AuthResponse | AuthCancelled | BodyChunk | BdatChunkEnd | BodyEnd | BodyFailed
