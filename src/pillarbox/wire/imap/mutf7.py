"""Modified UTF-7, the encoding of mailbox names in IMAP4rev1 (RFC 3501 section 5.1.3; RFC 9051 appendix A.1).

Each name has exactly one encoding: `decode` refuses all others, so two byte strings never mean one mailbox.
"""

import re
from binascii import Error, a2b_base64, b2a_base64

_PLAIN = re.compile(rb"[ -%'-~]*")
_SHIFTED = re.compile(r"&|[^ -~]+")
_SHIFT_BYTES = re.compile(rb"&([A-Za-z0-9+,]*)-")


def decode(name: bytes) -> str:
    """The text of an encoded mailbox name. ValueError for anything but the one right encoding."""
    if _PLAIN.fullmatch(name):
        return name.decode("ascii")
    parts = []
    position = 0
    for shift in _SHIFT_BYTES.finditer(name):
        parts.append(name[position : shift.start()].decode("ascii"))
        parts.append(_unshift(shift[1]))
        position = shift.end()
    parts.append(name[position:].decode("ascii"))
    text = "".join(parts)
    if encode(text) != name:
        raise ValueError("not in modified UTF-7")
    return text


def encode(name: str) -> bytes:
    """The encoded form of a mailbox name. ValueError for lone surrogates."""
    return _SHIFTED.sub(_shift, name).encode("ascii")


def _shift(match: re.Match[str]) -> str:
    text = match[0]
    if text == "&":
        return "&-"
    base64 = b2a_base64(text.encode("utf-16-be"), newline=False).rstrip(b"=").replace(b"/", b",")
    return f"&{base64.decode('ascii')}-"


def _unshift(base64: bytes) -> str:
    if not base64:
        return "&"
    try:
        return a2b_base64(base64.replace(b",", b"/") + b"=" * (-len(base64) % 4)).decode("utf-16-be")
    except Error as error:
        raise ValueError("not in modified UTF-7") from error
