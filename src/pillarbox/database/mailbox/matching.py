"""Whether a message's own bytes hold a text: header fields and text parts, decoded, compared without case.

Never raises on any bytes: `mime` reads everything somehow. What is plain ASCII throughout and does not have the text
as it stands is told apart first, without being read.
"""

import re
from collections.abc import Iterator

from pillarbox.mime import encodedword, part
from pillarbox.mime.casemap import fold
from pillarbox.mime.header import split, unfold
from pillarbox.mime.message import Message, Part, parse

_ENCODINGS = (b"base64", b"quoted-printable", b"uuencode")
_OTHER_CHARSET = re.compile(rb"charset(?!\s*=\s*\"?(?:us-ascii|utf-8|iso-8859-|windows-125))")


def header_matches(block: bytes, name: str, text: str) -> bool:
    """Whether a field `name` in a header block has a value that contains `text` (folded by `casemap.fold`)."""
    if _is_plain(text) and not _encoded(block) and text.encode() not in block.lower():
        return False
    wanted = name.lower().encode("utf-8", "replace")
    for _, field, value in split(block):
        if field.lower() == wanted and text in fold(encodedword.decode(unfold(value))):
            return True
    return False


def text_matches(data: bytes, text: str, headers: bool) -> bool:
    """Whether the text parts of a letter contain `text` (folded by `casemap.fold`) or, with `headers`, its header."""
    if _is_plain(text) and not _encoded(data):
        lower = data.lower()
        if text.encode() not in lower and not _transformed(lower):
            return False
    message = parse(data)
    root = message.root
    if headers and any(text in line for line in _lines(data[root.header_start : root.body_start])):
        return True
    return any(text in fold(part.text(message, each)) for each in _texts(message, root))


def _is_plain(text: str) -> bool:
    """Whether the text, if it is anywhere in plain bytes, stands there in one piece: ASCII, and nothing to fold at."""
    return text.isascii() and text.isprintable() and " " not in text


def _encoded(data: bytes) -> bool:
    """Whether there may be more than plain bytes in it: encoded words, or other characters than ASCII."""
    return not data.isascii() or b"=?" in data


def _transformed(lower: bytes) -> bool:
    """Whether a part may say something else than its bytes (given in lower case) do."""
    return any(name in lower for name in _ENCODINGS) or _OTHER_CHARSET.search(lower) is not None


def _lines(block: bytes) -> Iterator[str]:
    for _, field, value in split(block):
        yield fold(f"{field.decode('utf-8', 'replace')}: {encodedword.decode(unfold(value))}")


def _texts(message: Message, root: Part) -> Iterator[Part]:
    waiting = [root]
    while waiting:
        each = waiting.pop()
        if each.children:
            waiting += reversed(each.children)
        elif each.message is not None:
            waiting.append(each.message.root)
        elif each.type == b"text":
            yield each
