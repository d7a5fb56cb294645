"""Encoded words in header values (RFC 2047), both ways. Decoding never raises and is linear."""

import binascii
import re

from pillarbox.mime import charset as charsets
from pillarbox.mime.transfer import decode_base64

_WORD = re.compile(rb"=\?([^?\s*]+)(?:\*[^?\s]*)?\?([bBqQ])\?([^?]*)\?=")
_CONTROLS = dict.fromkeys((*range(32), 127), " ")
_Q_SAFE = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!*+-/")
_LONGEST_PAYLOAD = 45  # bytes of UTF-8 in one base64 word: 60 characters and the frame stay below 75


def decode(value: bytes) -> str:
    """An unfolded header value as text.

    White space between adjacent encoded words disappears; a character split over two words of one charset is put
    together; raw bytes are read as UTF-8 or else Windows-1252. Control characters become spaces.
    """
    text = _decode_words(value) if b"=?" in value else charsets.guess(value)
    return text if text.isprintable() else text.translate(_CONTROLS)


def _decode_words(value: bytes) -> str:
    out: list[str] = []
    pending: list[bytes] = []
    pending_charset = b""
    at = 0
    for word in _WORD.finditer(value):
        name, kind, body = word.groups()
        between = value[at : word.start()]
        data = _payload(kind, body)
        if at and not between.strip(b" \t\r\n") and name.lower() == pending_charset:
            pending.append(data)
        else:
            if pending:
                out.append(charsets.decode(b"".join(pending), pending_charset))
            if not at or between.strip(b" \t\r\n"):
                out.append(charsets.guess(between))
            pending, pending_charset = [data], name.lower()
        at = word.end()
    if pending:
        out.append(charsets.decode(b"".join(pending), pending_charset))
    out.append(charsets.guess(value[at:]))
    return "".join(out)


def _payload(kind: bytes, body: bytes) -> bytes:
    if kind in b"bB":
        return decode_base64(body)
    return binascii.a2b_qp(body, header=True)


def encode(text: str) -> bytes:
    """Text as a header value: itself if it is plain ASCII, else encoded words of UTF-8, at most 75 characters
    each, with a fold between them. RFC 2047 section 2."""
    if text.isascii() and text.isprintable() and "=?" not in text:
        return text.encode("ascii")
    words: list[bytes] = []
    chunk = b""
    for character in text.encode("utf-8", "replace").decode("utf-8"):
        data = character.encode("utf-8")
        if len(chunk) + len(data) > _LONGEST_PAYLOAD:
            words.append(_word(chunk))
            chunk = b""
        chunk += data
    words.append(_word(chunk))
    return b"\r\n ".join(words)


def _word(data: bytes) -> bytes:
    plain = sum(byte in _Q_SAFE or byte == 32 for byte in data)
    q_length = plain + 3 * (len(data) - plain)
    if q_length <= min(len(data) * 4 // 3 + 3, 60):
        body = b"".join(b"_" if b == 32 else bytes((b,)) if b in _Q_SAFE else b"=%02X" % b for b in data)
        return b"=?utf-8?Q?%b?=" % body
    return b"=?utf-8?B?%b?=" % binascii.b2a_base64(data, newline=False)
