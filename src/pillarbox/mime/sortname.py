"""Whom a letter is from or to, for sorting: the first address of a field of a prepared ENVELOPE.

Reads the bytes that `envelope.render` made, mostly with one regular expression, and nothing of the letter itself.
"""

import re
from typing import NamedTuple

from pillarbox.mime import encodedword
from pillarbox.mime.casemap import casemap

_STRING = rb'(?:NIL|"(?>(?:[^"\\]++|\\.)*)")'
_PLAIN = rb'(?:NIL|"[^"\\]*+")'
_USUAL_LIST = rb"(?:NIL|\(\(%b %b %b %b\)\)) " % ((_PLAIN,) * 4)


def _usual(before: int) -> re.Pattern[bytes]:
    """Without escapes, and one address in each list before the field."""
    first = rb"(?:NIL|\(\((%b) %b (%b) (%b)\))" % ((_PLAIN,) * 4)
    return re.compile(rb"\(%b %b " % ((_PLAIN,) * 2) + _USUAL_LIST * before + first)


FROM, TO, CC = 0, 3, 4
"""How many address lists of an ENVELOPE come before the field."""

_FIELDS = {field: _usual(field) for field in (FROM, TO, CC)}
_TOKEN = re.compile(rb"[() ]|NIL|\{([0-9]+)\}\r\n|" + _STRING, re.DOTALL)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)


class FirstAddress(NamedTuple):
    """As in ENVELOPE: None is NIL; a group's name is its `mailbox`, without a `host`."""

    name: bytes | None
    mailbox: bytes | None
    host: bytes | None


_NOBODY = FirstAddress(None, None, None)


def first_address(envelope: bytes, field: int) -> FirstAddress:
    """The first address of FROM, TO or CC; all None where there is none."""
    found = _FIELDS[field].match(envelope)
    if found is None:
        return _slowly(envelope, field)
    if found[1] is None:
        return _NOBODY
    return FirstAddress(*map(_value, found.groups()))


def mailbox_key(envelope: bytes, field: int) -> str:
    """What FROM, TO and CC sort by: addr-mailbox, collated, "" where there is none (RFC 5256 section 3)."""
    found = _FIELDS[field].match(envelope)
    if found is None:
        mailbox = _slowly(envelope, field).mailbox or b""
    elif found[1] is None or found[2] == b"NIL":
        return ""
    else:
        mailbox = found[2][1:-1]  # without escapes, or it would not have matched
    return casemap(mailbox.decode("utf-8", "replace"))


def display_key(envelope: bytes, field: int) -> str:
    """What DISPLAYFROM and DISPLAYTO sort by: a name, else the address (RFC 5957 section 3), collated."""
    name, mailbox, host = first_address(envelope, field)
    shown = encodedword.decode(name).strip() if name else ""
    if not shown and mailbox:
        shown = (mailbox + b"@" + host).decode("utf-8", "replace") if host else encodedword.decode(mailbox)
    return casemap(shown)


def _value(text: bytes) -> bytes | None:
    if text == b"NIL":
        return None
    text = text[1:-1]
    return _ESCAPED.sub(rb"\1", text) if b"\\" in text else text


def _slowly(envelope: bytes, field: int) -> FirstAddress:
    """The same, token by token, where an ENVELOPE has literals, escapes or long lists."""
    wanted = field + 2
    at, depth, element = 0, 0, 0
    parts: list[bytes | None] = []
    while at < len(envelope) and len(parts) < 4 and element <= wanted:
        token = _TOKEN.match(envelope, at)
        if token is None:
            break
        at = token.end()
        text = token[0]
        if text == b"(":
            depth += 1
        elif text == b")":
            depth -= 1
        elif text == b" ":
            element += depth == 1
        else:
            value = _value(text)
            if token[1]:
                value = envelope[at : at + int(token[1])]
                at += len(value)
            if depth == 3 and element == wanted:
                parts.append(value)
    return FirstAddress(parts[0], parts[2], parts[3]) if len(parts) == 4 else _NOBODY
