"""Replies of SMTP and LMTP: code, enhanced code (RFC 3463) and lines of text; and the session's own answers by name.

A reply is text for people and codes for programs. Texts may hold anything: on encoding, control characters become
spaces, what is not ASCII becomes "?" (unless the client speaks SMTPUTF8), and lines are kept under 512 octets.
"""

import re
from typing import NamedTuple

from pillarbox.wire.sasl.framing import encode_challenge

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_TEXT_PER_LINE = 120  # characters, at most 4 octets each: always within RFC 5321's 512 with the codes before them


class Reply(NamedTuple):
    """One reply. `enhanced` is "2.1.0" and the like, "" where none belongs (greeting, EHLO, 354, 334)."""

    code: int
    enhanced: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """All lines as one phrase, for the log."""
        return " / ".join(self.lines)


class LmtpReplies(NamedTuple):
    """The replies to a message that came by LMTP: one per accepted recipient, in their order (RFC 2033 section 4.2)."""

    replies: tuple[Reply, ...]


def reply(code: int, enhanced: str, *lines: str) -> Reply:
    """A reply of one or more lines."""
    return Reply(code, enhanced, lines)


def challenge(data: bytes) -> Reply:
    """334 with a SASL challenge (RFC 4954 section 4)."""
    return Reply(334, "", (encode_challenge(data).decode(),))


def encode(reply: Reply, utf8: bool = False) -> bytes:
    """The bytes of a reply (RFC 5321 section 4.2); `utf8` where the client asked for SMTPUTF8 (RFC 6531)."""
    code, enhanced, lines = reply
    prefix = enhanced + " " if enhanced else ""
    if len(lines) == 1 and len(lines[0]) <= _TEXT_PER_LINE and lines[0].isprintable():
        text = f"{code} {prefix}{lines[0]}\r\n"
    else:
        *first, last = _clean(lines, code == 334)
        text = "".join(f"{code}-{prefix}{line}\r\n" for line in first) + f"{code} {prefix}{last}\r\n"
    return text.encode("utf-8" if utf8 else "ascii", "replace")


def _clean(lines: tuple[str, ...], keep_whole: bool) -> tuple[str, ...]:
    """No control characters, no line that is too long, at least one line. A SASL challenge is never broken."""
    cleaned: list[str] = []
    for line in lines:
        line = _CONTROL.sub(" ", line)
        while len(line) > _TEXT_PER_LINE and not keep_whole:
            cut = line.rfind(" ", 1, _TEXT_PER_LINE + 1)
            cut = cut if cut > 0 else _TEXT_PER_LINE
            cleaned.append(line[:cut])
            line = line[cut:].lstrip(" ")
        cleaned.append(line)
    return tuple(cleaned) or ("",)


OK = reply(250, "2.0.0", "Ok")
RESET = reply(250, "2.0.0", "Reset")
SENDER_OK = reply(250, "2.1.0", "Sender ok")
RECIPIENT_OK = reply(250, "2.1.5", "Recipient ok")
START_MAIL_INPUT = reply(354, "", "End the message with <CRLF>.<CRLF>")
CANNOT_VERIFY = reply(252, "2.5.2", "Send the message and we will try to deliver it")
BYE = reply(221, "2.0.0", "Goodbye")
READY_FOR_TLS = reply(220, "2.0.0", "Ready to start TLS")
AUTHENTICATED = reply(235, "2.7.0", "Authentication successful")
AUTH_FAILED = reply(535, "5.7.8", "Name or password is wrong")
AUTH_CANCELLED = reply(501, "5.7.0", "Authentication cancelled")
AUTH_MALFORMED = reply(501, "5.5.2", "The authentication message cannot be read")
SHUTTING_DOWN = reply(421, "4.3.2", "The server is shutting down, try again later")
TIMED_OUT = reply(421, "4.4.2", "Timeout, closing the connection")
CRASHED = reply(421, "4.3.0", "Internal error, try again later")

UNKNOWN_COMMAND = reply(500, "5.5.2", "Command not recognized")
NOT_IMPLEMENTED = reply(502, "5.5.1", "Command not implemented")
USE_LHLO = reply(500, "5.5.1", "This is LMTP: say LHLO")
USE_EHLO = reply(500, "5.5.1", "This is SMTP: say EHLO")
LINE_TOO_LONG = reply(500, "5.5.6", "Line too long")
BARE_NEWLINE_IN_COMMAND = reply(500, "5.5.2", "Lines must end with CRLF")
NOT_UTF8 = reply(501, "5.5.2", "The command is neither ASCII nor UTF-8")
CONTROL_CHARACTER = reply(501, "5.5.2", "Control characters are not allowed in commands")
NO_ARGUMENT_ALLOWED = reply(501, "5.5.4", "This command takes no argument")
HELLO_SYNTAX = reply(501, "5.5.4", "Syntax: EHLO hostname")
MAIL_SYNTAX = reply(501, "5.5.4", "Syntax: MAIL FROM:<address> [parameters]")
RCPT_SYNTAX = reply(501, "5.5.4", "Syntax: RCPT TO:<address> [parameters]")
BAD_SENDER = reply(501, "5.1.7", "Bad sender address syntax")
BAD_RECIPIENT = reply(501, "5.1.3", "Bad recipient address syntax")
BAD_PARAMETERS = reply(501, "5.5.4", "Bad or repeated parameter")
UNKNOWN_PARAMETER = reply(555, "5.5.4", "Parameter not recognized or not offered")
VERIFY_SYNTAX = reply(501, "5.5.4", "Syntax: VRFY address")
BDAT_SYNTAX = reply(501, "5.5.4", "Syntax: BDAT octets [LAST]; closing the connection")
AUTH_SYNTAX = reply(501, "5.5.4", "Syntax: AUTH mechanism [initial-response]")
NON_ASCII_ADDRESS = reply(553, "5.6.7", "Non-ASCII addresses need the SMTPUTF8 parameter of MAIL")

HELLO_FIRST = reply(503, "5.5.1", "Say EHLO first")
LHLO_FIRST = reply(503, "5.5.1", "Say LHLO first")
MAIL_FIRST = reply(503, "5.5.1", "Need MAIL first")
RCPT_FIRST = reply(503, "5.5.1", "No valid recipients: need RCPT first")
TRANSACTION_OPEN = reply(503, "5.5.1", "Not while a mail transaction is open")
CHUNKS_OPEN = reply(503, "5.5.1", "Chunks have begun: send BDAT or RSET")
NO_SERVICE = reply(503, "5.5.1", "No service here: only QUIT is answered")
BINARY_NEEDS_BDAT = reply(503, "5.5.1", "BINARYMIME needs BDAT")
ALREADY_PRIVATE = reply(503, "5.5.1", "TLS is already active")
ALREADY_AUTHENTICATED = reply(503, "5.5.1", "Already authenticated")
TLS_FIRST = reply(530, "5.7.0", "Must issue a STARTTLS command first")
TLS_FIRST_FOR_AUTH = reply(538, "5.7.11", "Encryption is required to authenticate: STARTTLS first")
AUTH_FIRST = reply(530, "5.7.0", "Authentication required")
UNKNOWN_MECHANISM = reply(504, "5.5.4", "Authentication mechanism not offered")

TOO_MANY_RECIPIENTS = reply(452, "4.5.3", "Too many recipients; send the rest in another transaction")
TOO_MANY_ERRORS = reply(421, "4.7.0", "Too many errors, closing the connection")
NOT_HTTP = reply(421, "4.7.0", "This is not an HTTP server, closing the connection")
NOT_TLS = reply(421, "4.7.0", "TLS starts here with STARTTLS only, closing the connection")
MESSAGE_TOO_LARGE = reply(552, "5.3.4", "Message exceeds the size limit")
BODY_LINE_TOO_LONG = reply(550, "5.6.0", "The message holds a line that is too long")
BODY_BARE_NEWLINE = reply(550, "5.6.11", "The message holds a bare CR or LF; lines must end with CRLF")
