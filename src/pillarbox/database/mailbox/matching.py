"""Whether a message's own bytes hold a text: header fields and text parts, decoded, compared without case.

Never raises on any bytes: `mime` reads everything somehow.
"""

from collections.abc import Iterator

from pillarbox.mime import encodedword, part
from pillarbox.mime.casemap import fold
from pillarbox.mime.header import split, unfold
from pillarbox.mime.message import Message, Part, parse


def header_matches(block: bytes, name: str, text: str) -> bool:
    """Whether a field `name` in a header block has a value that contains `text` (folded by `casemap.fold`)."""
    wanted = name.lower().encode("utf-8", "replace")
    for _, field, value in split(block):
        if field.lower() == wanted and text in fold(encodedword.decode(unfold(value))):
            return True
    return False


def text_matches(data: bytes, text: str, headers: bool) -> bool:
    """Whether the text parts of a letter contain `text` (folded by `casemap.fold`) or, with `headers`, its header."""
    message = parse(data)
    root = message.root
    if headers and any(text in line for line in _lines(data[root.header_start : root.body_start])):
        return True
    return any(text in fold(part.text(message, each)) for each in _texts(message, root))


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
