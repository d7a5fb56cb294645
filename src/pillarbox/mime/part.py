"""Parts by their IMAP number (RFC 9051 section 6.4.5.1), and what is in them."""

from enum import Enum

from pillarbox.mime import charset, parameter, transfer
from pillarbox.mime.message import Message, Part


class What(Enum):
    """The last word of a section."""

    WHOLE = "whole"  # BODY[] or BODY[1]
    HEADER = "header"
    TEXT = "text"
    MIME = "mime"


class Undecodable(Enum):
    """Why a part has no decoded content."""

    UNKNOWN_ENCODING = "unknown-encoding"


def find(message: Message, path: tuple[int, ...]) -> Part | None:
    """The part numbered `path`, or None. The body of a letter that is no multipart is its part 1."""
    current = message.root
    at_message = True  # the next number counts from the letter `current` is the root of
    for number in path:
        if not at_message and current.message is not None:
            current, at_message = current.message.root, True
        if current.children:
            if not 1 <= number <= len(current.children):
                return None
            current = current.children[number - 1]
        elif not at_message or number != 1:
            return None
        at_message = False
    return current


def section(message: Message, path: tuple[int, ...], what: What) -> tuple[int, int] | None:
    """Where the bytes of a section lie in the letter's buffer; None where there is no such section.

    HEADER and TEXT after a number are those of the message embedded there; MIME is the part's own header.
    """
    part = find(message, path)
    if part is None:
        return None
    if not path:
        if what is What.WHOLE:
            return part.header_start, part.end
    else:
        if what is What.WHOLE:
            return part.body_start, part.end
        if what is What.MIME:
            return part.header_start, part.body_start
        if part.message is None:
            return None
        part = part.message.root
    if what is What.HEADER:
        return part.header_start, part.body_start
    return (part.body_start, part.end) if what is What.TEXT else None


def decode(message: Message, part: Part) -> bytes | Undecodable:
    """The content of a part without its transfer encoding. Multiparts and messages are not encoded."""
    body = message.data[part.body_start : part.end]
    if part.children or part.message is not None:
        return body
    content = transfer.decode(body, part.encoding)
    return Undecodable.UNKNOWN_ENCODING if content is None else content


def text(message: Message, part: Part) -> str:
    """The content of a part as text in its charset, or the nearest thing to it."""
    content = decode(message, part)
    if isinstance(content, Undecodable):
        content = message.data[part.body_start : part.end]
    return charset.decode(content, parameter.get(part.params, b"charset"))


def filename(part: Part) -> str | None:
    """The name to save the part under: of Content-Disposition, or else of Content-Type."""
    disposition = part.disposition
    name = parameter.text(disposition[1], b"filename") if disposition else None
    return name or parameter.text(part.params, b"name") or None
