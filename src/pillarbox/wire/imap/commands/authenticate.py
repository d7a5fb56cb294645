"""AUTHENTICATE, and the base64 that SASL exchanges travel in (RFC 9051 section 6.2.2, RFC 4959)."""

import re
from binascii import Error, a2b_base64
from dataclasses import dataclass, field

from pillarbox.wire.imap import grammar
from pillarbox.wire.imap.cursor import Cursor, ParseError

_REST = re.compile(rb"[^\x00-\x20\x7f-\xff]+")


@dataclass(slots=True, frozen=True)
class Authenticate:
    """AUTHENTICATE; `initial` is the decoded initial response, b"" for an empty one (`=`), None if there is none."""

    tag: bytes
    mechanism: str
    initial: bytes | None = field(repr=False)


def authenticate(tag: bytes, cursor: Cursor) -> Authenticate:
    """authenticate = "AUTHENTICATE" SP auth-type [SP initial-resp]; initial-resp = base64 / "=" """
    cursor.space()
    mechanism = grammar.atom(cursor, "a SASL mechanism").upper().decode("ascii")
    initial = None
    if cursor.accept(b" "):
        text = cursor.take(_REST, "base64")
        initial = b"" if text == b"=" else base64(text)
    cursor.end()
    return Authenticate(tag, mechanism, initial)


def base64(text: bytes) -> bytes:
    """base64 = *(4base64-char) [base64-terminal], decoded. ParseError if it is not that."""
    try:
        return a2b_base64(text, strict_mode=True) if text else b""
    except Error as error:
        raise ParseError("not in base64") from error
