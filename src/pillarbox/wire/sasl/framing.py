"""SASL messages inside text protocols: base64, "=" for an empty initial response, "*" to give up.

As SMTP (RFC 4954 section 4), POP3 (RFC 5034 section 4) and IMAP (RFC 9051 section 6.2.2) write them.
"""

from binascii import Error, a2b_base64, b2a_base64
from enum import Enum


class Framing(Enum):
    """What a client's line may be besides a message."""

    CANCELLED = "cancelled"
    MALFORMED = "not base64"


CANCELLED = Framing.CANCELLED
MALFORMED = Framing.MALFORMED


def encode_challenge(data: bytes) -> bytes:
    """`data` as one line of base64, without its end."""
    return b2a_base64(data, newline=False)


def decode_response(line: bytes) -> bytes | Framing:
    """The message in a client's line; CANCELLED for "*", MALFORMED where it is not strict base64."""
    if line == b"*":
        return CANCELLED
    try:
        return a2b_base64(line, strict_mode=True)
    except Error:
        return MALFORMED


def decode_initial(argument: bytes) -> bytes | Framing:
    """The initial response in an AUTH command: "=" is an empty message."""
    if argument == b"=":
        return b""
    return decode_response(argument) if argument not in (b"", b"*") else MALFORMED
