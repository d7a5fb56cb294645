"""Address lists (RFC 5322 section 3.4) as people and programs write them. Never raises, linear.

Understood: names, quoted names, groups, comments (as the name where there is no other), obsolete routes, raw 8-bit
bytes, missing brackets, semicolons for commas. Names stay raw: encoded words are not decoded here.
"""

import re
from typing import NamedTuple

from pillarbox.mime import encodedword


class Address(NamedTuple):
    """One mailbox. `name` without its quotes, or None; `route` is RFC 822's source route, or None.

    `domain` is b"" where none is given; `local` is without its quotes.
    """

    name: bytes | None
    route: bytes | None
    local: bytes
    domain: bytes


class Group(NamedTuple):
    """A named list of mailboxes: `name: a@b, c@d;`."""

    name: bytes
    members: tuple[Address, ...]


Addresses = list[Address | Group]

_USUAL = re.compile(
    rb"[ \t]*+(?:"
    rb'(?:"([^"\\\r\n]*+)"[ \t]*+|([\w!#$%&\'*+/=?^`{|}~.\- ]*+))<([\w!#$%&\'*+/=?^`{|}~.-]++)@([A-Za-z0-9.-]++)>'
    rb"|([\w!#$%&'*+/=?^`{|}~.-]++)@([A-Za-z0-9.-]++)"
    rb")[ \t]*+(?:,|\Z)"
)

_TOKENS = re.compile(
    rb"([ \t\r\n]++)"  # 1 white space
    rb'|"((?>(?:[^"\\]++|\\.)*))"?'  # 2 quoted string
    rb'|<((?>(?:[^<>"(]++|"(?>(?:[^"\\]++|\\.)*)"?)*))>'  # 3 in angle brackets, without comments
    rb"|(\[[^\[\]]*+\]?|[^ \t\r\n\"<>()@,;:\[\]]++)"  # 4 atom with dots, domain literal
    rb"|(,++|;++|.)",  # 5 specials
    re.DOTALL,
)

_COMMENT_MARK = re.compile(rb"[()\\]")
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)


def parse(value: bytes) -> Addresses:
    """The addresses of an unfolded header value."""
    found: Addresses = []
    at, size = 0, len(value)
    match = _USUAL.match
    while at < size:
        usual = match(value, at)
        if usual is None:
            break
        quoted, phrase, local, domain, bare_local, bare_domain = usual.groups()
        if local is None:
            found.append(Address(None, None, bare_local, bare_domain))
        else:
            name = quoted if phrase is None else phrase.strip()
            found.append(Address(name or None, None, local, domain))
        at = usual.end()
    if at < size and value[at:].strip():
        found.extend(_Reader().read(value, at))
    return found


def mailboxes(addresses: Addresses) -> list[Address]:
    """All mailboxes, those in groups included."""
    flat: list[Address] = []
    for entry in addresses:
        if isinstance(entry, Group):
            flat.extend(entry.members)
        else:
            flat.append(entry)
    return flat


def display(addresses: Addresses) -> str:
    """The list as a person reads it: names decoded, `Name <local@domain>`, joined by commas."""
    raw = b", ".join([_display(entry) for entry in addresses])
    if raw.isascii() and b"=?" not in raw:
        return encodedword.decode(raw)
    return ", ".join([encodedword.decode(_display(entry)) for entry in addresses])


def _display(entry: Address | Group) -> bytes:
    if isinstance(entry, Group):
        return b"%b: %b;" % (entry.name, b", ".join([_display(member) for member in entry.members]))
    name, _, local, domain = entry
    spec = b"%b@%b" % (local, domain) if domain else local
    return b"%b <%b>" % (name, spec) if name else spec


class _Reader:
    """Puts tokens together to addresses, one at a time. A word is (bytes, was it quoted)."""

    __slots__ = ("angle", "comment", "domain", "found", "group", "members", "words")

    def __init__(self) -> None:
        self.found: Addresses = []
        self.group: bytes | None = None
        self.members: list[Address] = []
        self.clear()

    def clear(self) -> None:
        self.words: list[tuple[bytes, bool]] = []
        self.domain: list[tuple[bytes, bool]] | None = None
        self.angle: bytes | None = None
        self.comment: bytes | None = None

    def read(self, value: bytes, at: int) -> Addresses:
        size = len(value)
        while at < size:
            token = _TOKENS.match(value, at)
            if token is None:
                break
            at = token.end()
            kind = token.lastindex
            if kind == 2:
                self.word(unescape(token[2]), True)
            elif kind == 3:
                self.angle = token[3] if self.angle is None else self.angle
            elif kind == 4:
                self.word(token[4], False)
            elif kind == 5:
                at = self.special(token[5], value, at)
        self.separate()
        self.end_group()
        return self.found

    def word(self, text: bytes, quoted: bool) -> None:
        (self.words if self.domain is None else self.domain).append((text, quoted))

    def special(self, mark: bytes, value: bytes, at: int) -> int:
        if mark[:1] == b",":
            self.separate()
        elif mark[:1] == b";":
            self.separate()
            self.end_group()
        elif mark == b"(":
            end = comment_end(value, at)
            self.comment = unescape(value[at : end - 1]).strip() if self.comment is None else self.comment
            return end
        elif mark == b"@" and self.domain is None and self.words:
            self.domain = []
        elif mark == b":" and self.domain is None and self.angle is None and self.group is None:
            self.group = b" ".join([text for text, _ in self.words])
            self.clear()
        return at

    def separate(self) -> None:
        """The end of one address, if there was any."""
        address = self.address()
        self.clear()
        if address is None:
            return
        if self.group is None:
            self.found.append(address)
        else:
            self.members.append(address)

    def end_group(self) -> None:
        if self.group is not None:
            self.found.append(Group(self.group, tuple(self.members)))
        self.group = None
        self.members = []

    def address(self) -> Address | None:
        words, comment = self.words, self.comment
        if self.angle is not None:
            name = b" ".join([text for text, _ in words])
            if self.domain:  # `a@b <a@b>`
                name += b"@" + b"".join([text for text, _ in self.domain])
            return _angle(name or comment or None, self.angle)
        if not words:
            return None
        first = _last_dotted(words)
        name = b" ".join([text for text, _ in words[:first]])
        local = b"".join([text for text, _ in words[first:]])
        domain = b""
        if self.domain:
            domain = b"".join([text for text, _ in self.domain[: _first_dotted(self.domain)]])
        return Address(name or comment or None, None, local, domain)


def _last_dotted(words: list[tuple[bytes, bool]]) -> int:
    """Where the local part begins: the last word, with those before it that a dot joins to it."""
    at = len(words) - 1
    while at > 0 and not words[at - 1][1] and (words[at - 1][0].endswith(b".") or words[at][0].startswith(b".")):
        at -= 1
    return at


def _first_dotted(words: list[tuple[bytes, bool]]) -> int:
    """Where the domain ends: after the first word, and those after it that a dot joins to it."""
    at = 1
    while at < len(words) and (words[at - 1][0].endswith(b".") or words[at][0].startswith(b".")):
        at += 1
    return at


def _angle(name: bytes | None, inside: bytes) -> Address | None:
    """angle-addr = [CFWS] "<" addr-spec ">" [CFWS] / obs-angle-addr"""
    route = None
    inside = inside.strip()
    if inside.startswith(b"@") and b":" in inside:
        route, _, inside = inside.partition(b":")
    local, at, domain = inside.rpartition(b"@")
    if not at:
        local, domain = domain, b""
    local = local.strip()
    if local[:1] == b'"' and local[-1:] == b'"' and len(local) > 1:
        local = unescape(local[1:-1])
    if not local and not domain and name is None:
        return None
    return Address(name, route, local, domain.strip())


def unescape(text: bytes) -> bytes:
    """Text of a quoted string or comment without its backslashes."""
    return _ESCAPED.sub(rb"\1", text) if b"\\" in text else text


def comment_end(value: bytes, at: int) -> int:
    """Where a comment that was opened just before `at` ends: after its closing bracket, or at the very end."""
    depth = 1
    size = len(value)
    while depth:
        mark = _COMMENT_MARK.search(value, at)
        if mark is None:
            return size + 1
        at = mark.end()
        found = mark[0]
        if found == b"(":
            depth += 1
        elif found == b")":
            depth -= 1
        else:
            at += 1
    return at
