"""Write a simple letter: header fields and a text. For sample mail, notices and delivery reports.

Texts may hold any characters; the result is ASCII except for addresses that need SMTPUTF8. A line break in a field
becomes a space, so a value can never add a field. Fields are folded at 78 characters where there is a space.
"""

import binascii
import re
from collections.abc import Mapping

from pillarbox.mime import address, encodedword
from pillarbox.mime.address import Address, Group

_ADDRESS_FIELDS = frozenset({"from", "sender", "reply-to", "to", "cc", "bcc", "resent-from", "resent-to", "resent-cc"})
_BREAKS = re.compile(r"\s*[\r\n\0]\s*")
_ATOMS = re.compile(rb"[\w!#$%&'*+/=?^`{|}~ -]+")
_LOCAL = re.compile(rb"[\w!#$%&'*+/=?^`{|}~.\x80-\xff-]+")
_LINE = re.compile(r"\r\n|\r|\n")
_WIDTH = 78
_LONGEST_LINE = 998


def compose(fields: Mapping[str, str], text: str) -> bytes:
    """A whole letter with CRLF line ends. MIME-Version and the Content- fields are added."""
    encoding, body = _encode(text)
    lines = [field(name, value) for name, value in fields.items()]
    lines.append(b"MIME-Version: 1.0\r\n")
    lines.append(b"Content-Type: text/plain; charset=%b\r\n" % (b"us-ascii" if text.isascii() else b"utf-8"))
    lines.append(b"Content-Transfer-Encoding: %b\r\n\r\n" % encoding)
    return b"".join(lines) + body


def field(name: str, value: str) -> bytes:
    """One header field, encoded and folded, with its CRLF."""
    value = _BREAKS.sub(" ", value).strip()
    if name.lower() in _ADDRESS_FIELDS:
        content = b", ".join([_entry(entry) for entry in address.parse(value.encode("utf-8", "replace"))])
    else:
        content = encodedword.encode(value)
    return _fold(name.encode("ascii", "replace") + b":", content)


def _entry(entry: Address | Group) -> bytes:
    if isinstance(entry, Group):
        return b"%b: %b;" % (_phrase(entry.name), b", ".join([_entry(member) for member in entry.members]))
    local = entry.local if _LOCAL.fullmatch(entry.local) else _quoted(entry.local)
    spec = b"%b@%b" % (local, entry.domain) if entry.domain else local
    return b"%b <%b>" % (_phrase(entry.name), spec) if entry.name else spec


def _phrase(name: bytes) -> bytes:
    """phrase = 1*word / obs-phrase"""
    if not name.isascii():
        return encodedword.encode(name.decode("utf-8", "replace"))
    return name if _ATOMS.fullmatch(name) else _quoted(name)


def _quoted(text: bytes) -> bytes:
    return b'"%b"' % text.replace(b"\\", b"\\\\").replace(b'"', b'\\"')


def _fold(name: bytes, content: bytes) -> bytes:
    lines = [name]
    for word in content.replace(b"\r\n ", b" ").split(b" "):
        if len(lines[-1]) + 1 + len(word) > _WIDTH and lines[-1] != name and lines[-1].strip():
            lines.append(b"")
        lines[-1] += b" " + word
    return b"\r\n".join(lines) + b"\r\n"


def _encode(text: str) -> tuple[bytes, bytes]:
    """(transfer encoding, body with CRLF line ends and one at its end)."""
    lines = _LINE.split(text)
    if lines[-1]:
        lines.append("")
    data = "\r\n".join(lines).encode("utf-8", "replace")
    if data.isascii() and b"\0" not in data and max(map(len, lines)) <= _LONGEST_LINE:
        return b"7bit", data
    encoded = b"\n".join([binascii.b2a_qp(line.encode("utf-8", "replace")) for line in lines])
    return b"quoted-printable", encoded.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
