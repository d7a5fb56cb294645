"""A glance at a letter: its first words (RFC 8970) and whether something is attached. Never raises, linear.

Only the first bytes of the text are decoded, however long it is.
"""

import re
from collections.abc import Iterator
from html import unescape

from pillarbox.mime import charset, parameter, transfer
from pillarbox.mime.message import Message, Part

LONGEST = 256
"""Characters in a preview at most. RFC 8970 section 3.1."""

_PLAIN_BYTES = 2048
_HTML_BYTES = 65_536
_ENOUGH = 1024  # characters of markup-free text before spaces are squeezed
_INVISIBLE = dict.fromkeys(
    [
        *(code for code in range(32) if not 9 <= code <= 13),
        127,
        0xAD,
        0x34F,
        *range(0x200B, 0x2010),
        0x2060,
        0xFEFF,
    ]
)

_TAG_NAME = re.compile(r"/?([a-zA-Z][a-zA-Z0-9]*)")
_INLINE = frozenset(
    (
        "a",
        "abbr",
        "b",
        "big",
        "code",
        "em",
        "font",
        "i",
        "mark",
        "q",
        "s",
        "small",
        "span",
        "strong",
        "sub",
        "sup",
        "u",
    )
)
_SKIPPED = {
    name: re.compile(rf"</{name}", re.IGNORECASE | re.ASCII)
    for name in ("script", "style", "title", "template", "noscript")
}


def preview(message: Message) -> str:
    """At most LONGEST characters of the letter's text on one line; "" where there is no text."""
    html: Part | None = None
    for part in leaves(message.root):
        if part.type != b"text" or _is_attached(part):
            continue
        if part.subtype == b"html":
            html = html or part
            continue
        found = squeeze(_start(message, part, _PLAIN_BYTES))
        if found:
            return found
    if html is None:
        return ""
    return squeeze(strip_html(_start(message, html, _HTML_BYTES)))


def squeeze(text: str) -> str:
    """White space to single spaces, invisible characters left out, cut to LONGEST."""
    words = " ".join(text[: LONGEST * 4].split())
    if not words.isprintable():
        words = " ".join(words.translate(_INVISIBLE).split())
    return words[:LONGEST].rstrip()


def _start(message: Message, part: Part, size: int) -> str:
    stop = min(part.end, part.body_start + size)
    body = message.data[part.body_start : stop]
    content = transfer.decode(body, part.encoding)
    if content is None:
        return ""
    return charset.decode(content, parameter.get(part.params, b"charset"), cut=stop < part.end)


def strip_html(markup: str) -> str:
    """The first words of an HTML text: no tags, comments, styles or scripts; entities resolved."""
    out: list[str] = []
    length = at = 0
    while length < _ENOUGH:
        tag = markup.find("<", at)
        piece = markup[at : tag if tag >= 0 else len(markup)]
        out.append(piece[:_ENOUGH])
        length += len(piece.strip())
        if tag < 0:
            break
        space, at = _after_tag(markup, tag)
        if space:
            out.append(space)
        if at < 0:
            break
    return unescape(" ".join("".join(out).split())[: _ENOUGH * 2])


def _after_tag(markup: str, tag: int) -> tuple[str, int]:
    """What stands for the tag at `tag`, and where the text goes on; -1 where it does not."""
    if markup.startswith("<!--", tag):
        end = markup.find("-->", tag + 4)
        return "", end + 3 if end >= 0 else -1
    name = _TAG_NAME.match(markup, tag + 1)
    if name is None and markup[tag + 1 : tag + 2] not in ("!", "?", "/"):
        return "<", tag + 1
    word = name[1].lower() if name else ""
    end = markup.find(">", tag)
    if end < 0:
        return "", -1
    if word in _SKIPPED and markup[tag + 1] != "/":
        close = _SKIPPED[word].search(markup, end)
        if close is None:
            return " ", -1
        end = markup.find(">", close.end())
        return " ", end + 1 if end >= 0 else -1
    return "" if word in _INLINE else " ", end + 1


def leaves(part: Part) -> Iterator[Part]:
    """The parts without children, in order; embedded messages are not entered."""
    if not part.children:
        yield part
        return
    stack = [part]
    while stack:
        current = stack.pop()
        if current.children:
            stack.extend(reversed(current.children))
        else:
            yield current


def has_attachment(message: Message) -> bool:
    """Whether a person would say that something is attached: a part marked so, a named part that is not shown in
    the text, an embedded message."""
    return any(_counts(part) for part in leaves(message.root))


def _counts(part: Part) -> bool:
    if part.message is not None:
        return True
    if b"content-disposition" in part.header:
        disposition = part.disposition
        if disposition is not None and disposition[0] != b"inline":
            return True
    return not (part.type == b"text" or b"content-id" in part.header or part.subtype in _NOT_ATTACHED)


_NOT_ATTACHED = frozenset({b"pgp-signature", b"pkcs7-signature", b"x-pkcs7-signature", b"pgp-encrypted"})
_NOT_ATTACHED |= {b"delivery-status", b"disposition-notification", b"rfc822-headers"}


def _is_attached(part: Part) -> bool:
    if b"content-disposition" not in part.header:
        return False
    disposition = part.disposition
    return disposition is not None and disposition[0] == b"attachment"
