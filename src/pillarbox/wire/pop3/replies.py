"""Replies of POP3, the session's own answers by name, and dot-stuffing for what is streamed (RFC 1939 section 3).

A multi-line reply is an `Ok` followed by lines and a final "."; short ones are one `Listing`. A message is
streamed: send `Ok`, then write what `DotStuffer.stuff` makes of each piece, then `DotStuffer.end()`.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from pillarbox.wire.sasl.framing import encode_challenge

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_BARE_LF = re.compile(rb"(?<!\r)\n")


class Ok(NamedTuple):
    """ "+OK", with a text for people or with what the command asked for."""

    text: str = ""


class Err(NamedTuple):
    """ "-ERR". `code` is a response code without its brackets (RFC 2449 section 8, RFC 3206), or ""."""

    code: str
    text: str


class Continue(NamedTuple):
    """ "+ " with a SASL challenge (RFC 5034 section 4)."""

    challenge: bytes


class Listing(NamedTuple):
    """A whole multi-line reply; `lines` are without ends and begin with no dot (numbers, keywords)."""

    text: str
    lines: Iterable[bytes]


Reply = Ok | Err | Continue | Listing


def encode(reply: Reply, utf8: bool = False) -> bytes:
    """The bytes of a reply; texts may hold non-ASCII characters only where the client asked for `utf8` (RFC 6856)."""
    if isinstance(reply, Ok):
        return b"+OK\r\n" if not reply.text else f"+OK {_clean(reply.text)}\r\n".encode(_charset(utf8), "replace")
    if isinstance(reply, Err):
        code = f"[{reply.code}] " if reply.code else ""
        return f"-ERR {code}{_clean(reply.text)}\r\n".encode(_charset(utf8), "replace")
    if isinstance(reply, Continue):
        return b"+ " + encode_challenge(reply.challenge) + b"\r\n"
    return b"\r\n".join((encode(Ok(reply.text), utf8)[:-2], *reply.lines, b".", b""))


def _charset(utf8: bool) -> str:
    return "utf-8" if utf8 else "ascii"


def _clean(text: str) -> str:
    """Within 512 octets, without control characters."""
    return text if len(text) <= 120 and text.isprintable() else _CONTROL.sub(" ", text)[:120]


class DotStuffer:
    """Makes a message into the lines of a multi-line reply, piece by piece; linear, whatever the pieces.

    The octets stay as they are, but that a lone LF becomes CRLF: to clients that end lines at any LF, "LF . LF"
    inside a message would look like its end. `end` ends the last line where it has no end, and the reply.
    """

    __slots__ = ("_tail",)

    def __init__(self) -> None:
        self._tail = b"\r\n"  # the last two octets, as if the message began after a line

    def stuff(self, piece: bytes) -> bytes:
        """What to write for the next piece of the message."""
        if not piece:
            return b""
        tail = self._tail
        self._tail = (tail + piece[-2:])[-2:]
        head = b""
        if piece[0] == 10 and tail[1] == 13:
            head, piece, tail = b"\n", piece[1:], b"\r\n"
        if piece.count(b"\n") != piece.count(b"\r\n"):
            piece = _BARE_LF.sub(b"\r\n", piece)
        if piece.startswith(b".") and tail[1] == 10:
            head += b"."
        return head + piece.replace(b"\r\n.", b"\r\n..")

    def end(self) -> bytes:
        """What to write after the last piece."""
        return b".\r\n" if self._tail[1] == 10 else b"\r\n.\r\n"


TIMED_OUT = Err("SYS/TEMP", "Timeout, closing the connection; nothing was deleted")
SHUTTING_DOWN = Err("SYS/TEMP", "The server is shutting down, try again later; nothing was deleted")
CRASHED = Err("SYS/TEMP", "Internal error; nothing was deleted")
BYE = Ok("Goodbye")
SEND_PASSWORD = Ok("Send PASS")
BEGIN_TLS = Ok("Begin TLS negotiation")
AUTH_FAILED = Err("AUTH", "Name or password is wrong")
AUTH_CANCELLED = Err("", "Authentication cancelled")
AUTH_MALFORMED = Err("", "The authentication message cannot be read")
NO_SUCH_MESSAGE = Err("", "No such message")
UTF8_ON = Ok("UTF8 is on")

UNKNOWN_COMMAND = Err("", "Command not recognized")
NOT_OFFERED = Err("", "Command not offered")
LINE_TOO_LONG = Err("", "Line too long")
BARE_NEWLINE_IN_COMMAND = Err("", "Lines must end with CRLF")
CONTROL_CHARACTER = Err("", "Control characters are not allowed in commands")
NOT_UTF8 = Err("", "The command is neither ASCII nor UTF-8")
BAD_ARGUMENT = Err("", "Bad or missing argument")
NO_ARGUMENT_ALLOWED = Err("", "This command takes no argument")
LOGIN_FIRST = Err("", "Log in first")
ALREADY_LOGGED_IN = Err("", "Not after login")
USER_FIRST = Err("", "Need USER first")
TLS_FIRST = Err("", "Encryption is required to log in: STLS first")
ALREADY_PRIVATE = Err("", "TLS is already active")
UNKNOWN_MECHANISM = Err("", "Authentication mechanism not offered")
TOO_MANY_ERRORS = Err("SYS/TEMP", "Too many errors, closing the connection")
NOT_HTTP = Err("", "This is not an HTTP server, closing the connection")
NOT_TLS = Err("", "TLS starts here with STLS only, closing the connection")
