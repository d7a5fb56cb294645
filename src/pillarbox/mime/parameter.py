"""Parameterised values: `type/subtype; name=value` (RFC 2045 section 5.1) with RFC 2231 continuations.

Values that were cut into `name*0`, `name*1` are joined. A value in RFC 2231's extended form keeps its form and
its star (`name*` = `utf-8''%e2%82%ac`), as IMAP shows it; `text` decodes it. Never raises, linear.
"""

import re
from urllib.parse import unquote_to_bytes

from pillarbox.mime import charset as charsets
from pillarbox.mime import encodedword

Params = tuple[tuple[bytes, bytes], ...]
"""(name in lower case, value without its quotes), in order of appearance."""

_PARAM = re.compile(rb';\s*+([^\s=;"]++)\s*+=\s*+(?:"((?>(?:[^"\\]++|\\.)*))"?|([^;]*+))', re.DOTALL)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_SEGMENT = re.compile(rb"([^*]+)(?:\*(\d{1,4}))?(\*)?")
_MOST = 1000


def parse(value: bytes) -> Params:
    """The parameters in an unfolded value; the first `;` and what is before it are not looked at."""
    found = [(name.lower(), quoted or bare.strip()) for name, quoted, bare in _PARAM.findall(value)[:_MOST]]
    if not found:
        return ()
    if b"\\" in value:
        found = [(name, _ESCAPED.sub(rb"\1", text)) for name, text in found]
    if b"(" in value:
        found = [(name, _without_comment(text)) for name, text in found]
    if b"*" in value:
        found = _join(found)
    return tuple(found)


def _without_comment(text: bytes) -> bytes:
    """`us-ascii (Plain text)` without the comment; a quoted value that looks like it loses it as well."""
    if not text.endswith(b")"):
        return text
    start = text.rfind(b"(")
    return text[:start].rstrip() if start > 0 and text[start - 1 : start].isspace() else text


def _join(found: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """RFC 2231 section 3: continuations put together in the order of their numbers."""
    plain: dict[bytes, bytes] = {}
    segments: dict[bytes, dict[int, tuple[bytes, bool]]] = {}
    order: list[bytes] = []
    for full, text in found:
        match = _SEGMENT.fullmatch(full)
        name, number, star = match.groups() if match else (full, None, None)
        if name not in plain and name not in segments:
            order.append(name)
        if number is None and star is None:
            plain.setdefault(name, text)
        else:
            segments.setdefault(name, {}).setdefault(int(number or 0), (text, star is not None))
    joined: list[tuple[bytes, bytes]] = []
    for name in order:
        if name in plain:
            joined.append((name, plain[name]))
        if name in segments:
            joined.append(_assemble(name, segments[name]))
    return joined


def _assemble(name: bytes, pieces: dict[int, tuple[bytes, bool]]) -> tuple[bytes, bytes]:
    ordered = [pieces[number] for number in sorted(pieces)]
    if not any(extended for _, extended in ordered):
        return name, b"".join([text for text, _ in ordered])
    whole = [text if extended else _percent(text) for text, extended in ordered]
    if not ordered[0][1]:  # no charset and language in front
        whole.insert(0, b"''")
    return name + b"*", b"".join(whole)


def _percent(text: bytes) -> bytes:
    """A plain segment among extended ones, written in the extended form."""
    return text.replace(b"%", b"%25").replace(b"'", b"%27")


def get(params: Params, name: bytes) -> bytes | None:
    """The plain value of a parameter, or None."""
    for key, value in params:
        if key == name:
            return value
    return None


def text(params: Params, name: bytes) -> str | None:
    """A parameter as text: RFC 2231 decoded, or else with encoded words as careless senders write them."""
    extended = get(params, name + b"*")
    if extended is not None:
        charset, _, rest = extended.partition(b"'")
        _, quote, body = rest.partition(b"'")
        if quote:
            return charsets.decode(unquote_to_bytes(body), charset)
        return charsets.decode(unquote_to_bytes(extended), None)
    plain = get(params, name)
    return None if plain is None else encodedword.decode(plain)


_TOKEN = re.compile(rb"[^\x00-\x20()<>@,;:\\\"/\[\]?=\x7f-\xff]+")
_CONTENT_TYPE = re.compile(
    rb"\s*+([^\x00-\x20()<>@,;:\\\"/\[\]?=\x7f-\xff]++)\s*+/\s*+([^\x00-\x20()<>@,;:\\\"/\[\]?=\x7f-\xff]++)"
)


def content_type(value: bytes) -> tuple[bytes, bytes, Params] | None:
    """Type and subtype in lower case and the parameters of an unfolded Content-Type; None if it makes no sense."""
    match = _CONTENT_TYPE.match(value)
    if match is None:
        return None
    main, sub = match.groups()
    return main.lower(), sub.lower(), parse(value) if b";" in value else ()


def disposition(value: bytes) -> tuple[bytes, Params] | None:
    """Kind in lower case and parameters of an unfolded Content-Disposition; None if there is none."""
    match = _TOKEN.match(value.lstrip())
    if match is None:
        return None
    return match.group().lower(), parse(value) if b";" in value else ()


def token(value: bytes) -> bytes | None:
    """The first token of a value in lower case, such as a Content-Transfer-Encoding without its comments."""
    match = _TOKEN.match(value.strip(b" \t\r\n\"'"))
    return match.group().lower() if match else None
