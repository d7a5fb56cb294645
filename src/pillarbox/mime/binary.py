"""Parts in raw binary made fit for those who cannot read NULs: kept in base64 instead (RFC 3516 section 4.4).

Only a part that is declared `Content-Transfer-Encoding: binary` and holds a NUL is touched, so that its decoded content
stays the same octet for octet. Never raises.
"""

import binascii
import re
from collections.abc import Iterator

from pillarbox.mime.message import Message, Part, parse

_FIELD = re.compile(rb"^content-transfer-encoding[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*", re.IGNORECASE | re.MULTILINE)
_BASE64 = b"Content-Transfer-Encoding: base64\r\n"
_LINE = 57  # octets in a line of 76 characters


def without_nuls(data: bytes) -> bytes:
    """The letter with every such part in base64."""
    pieces: list[bytes] = []
    done = 0
    for part in _parts(parse(data)):
        body = data[part.body_start : part.end]
        if part.encoding == b"binary" and b"\0" in body:
            header = data[part.header_start : part.body_start]
            pieces += (data[done : part.header_start], _FIELD.sub(_BASE64, header), _encoded(body))
            done = part.end
    return b"".join((*pieces, data[done:]))


def _parts(message: Message) -> Iterator[Part]:
    """All parts that hold content of their own, in the order of the letter."""
    waiting = [message.root]
    while waiting:
        part = waiting.pop()
        if part.message is not None:
            waiting.append(part.message.root)
        elif part.children:
            waiting += reversed(part.children)
        else:
            yield part


def _encoded(body: bytes) -> bytes:
    lines = [binascii.b2a_base64(body[at : at + _LINE], newline=False) for at in range(0, len(body), _LINE)]
    return b"\r\n".join(lines)
