"""The MIME tree of a letter: only offsets into its bytes, which stay as they are.

`parse` never raises, whatever the bytes, and takes linear time: one scan over the body for lines that start with
"--", however deep the tree. Invariants: 0 <= header_start <= body_start <= end <= size for every part, children lie
inside their parent in order without overlap, and the CRLF before a boundary belongs to the boundary.

Tolerated: LF line ends, a missing final boundary, white space after a boundary, missing empty lines, NULs. A
multipart in which no part can be found (no boundary, or nested too deep) is shown as text/plain, so that its text can
be read. A message/rfc822 under a transfer encoding, which RFC 2046 forbids, is shown as application/octet-stream.
"""

from dataclasses import dataclass
from typing import NamedTuple

from pillarbox.mime import parameter
from pillarbox.mime.buffer import Buffer, count_lines
from pillarbox.mime.header import Header, read
from pillarbox.mime.parameter import Params


class Limits(NamedTuple):
    """What a letter may make us do; what is over a limit stays in the part before it.

    `nesting` counts multiparts and embedded messages, `header_bytes` is per part, `dashed_lines` is how many lines
    that start with "--" are held against the boundaries.
    """

    nesting: int = 100
    parts: int = 10_000
    header_bytes: int = 1 << 20
    dashed_lines: int = 1_000_000


DEFAULT = Limits()

Disposition = tuple[bytes, Params]

_US_ASCII: Params = ((b"charset", b"us-ascii"),)
_MESSAGE_SUBTYPES = frozenset({b"rfc822", b"global"})
_UNENCODED = frozenset({b"7bit", b"8bit", b"binary"})
_LONGEST_BOUNDARY_LINE = 1024


@dataclass(slots=True)
class Part:
    """One body part; offsets are into the letter's buffer, names and tokens in lower case.

    The header is [header_start, body_start), the body [body_start, end). `lines` is counted for text and for
    embedded messages. `children` is filled for multiparts alone, `message` for embedded messages alone.
    """

    header_start: int
    body_start: int
    end: int
    header: Header
    type: bytes
    subtype: bytes
    params: Params
    encoding: bytes
    lines: int
    children: "list[Part]"
    message: "Message | None"

    @property
    def size(self) -> int:
        """Octets of the body, still encoded."""
        return self.end - self.body_start

    @property
    def disposition(self) -> Disposition | None:
        value = self.header.field(b"content-disposition")
        return parameter.disposition(value) if value else None

    @property
    def content_id(self) -> bytes | None:
        return self.header.field(b"content-id") or None

    @property
    def description(self) -> bytes | None:
        return self.header.field(b"content-description") or None

    @property
    def language(self) -> tuple[bytes, ...]:
        """The language tags of Content-Language. RFC 3282."""
        value = self.header.field(b"content-language")
        return tuple([tag.strip() for tag in value.split(b",") if tag.strip()]) if value else ()

    @property
    def location(self) -> bytes | None:
        return self.header.field(b"content-location") or None

    @property
    def md5(self) -> bytes | None:
        return self.header.field(b"content-md5") or None


@dataclass(slots=True)
class Message:
    """A letter, or a letter inside another: the buffer and its root part."""

    data: Buffer
    root: Part


def parse(data: Buffer, limits: Limits = DEFAULT) -> Message:
    """The tree of the letter in `data`."""
    return Message(data, _Scan(data, limits).run())


class _Scan:
    """One pass over the bytes. `open` are the parts not yet ended, outermost first."""

    __slots__ = ("boundaries", "count", "data", "embedded", "end", "limits", "open", "shadowed", "texts")

    def __init__(self, data: Buffer, limits: Limits) -> None:
        self.data = data
        self.limits = limits
        self.end = len(data)
        self.count = 0
        self.open: list[Part] = []
        self.boundaries: dict[bytes, int] = {}  # boundary -> index in `open` of the innermost part that has it
        self.shadowed: list[tuple[bytes, int | None] | None] = []  # per open part: its boundary, and whose it hid
        self.texts: list[Part] = []
        self.embedded = False

    def run(self) -> Part:
        at = self.start(0, digest=False)
        root = self.open[0]
        for _ in range(self.limits.dashed_lines):
            if not self.boundaries or self.count >= self.limits.parts:
                break
            hit = self.data.find(b"\n--", at, self.end)
            if hit < 0:
                break
            at = self.boundary(hit)
        self.finish(0, self.end)
        self.count_lines()
        return root

    def boundary(self, hit: int) -> int:
        """Look at the line after data[hit] = LF; returns where to look on."""
        data = self.data
        line = hit + 3
        stop = min(self.end, line + _LONGEST_BOUNDARY_LINE)
        line_end = data.find(b"\n", line, stop)
        name = data[line : line_end if line_end >= 0 else stop].rstrip(b" \t\r")
        index = self.boundaries.get(name)
        closing = index is None and name[-2:] == b"--"
        if closing:
            index = self.boundaries.get(name[:-2])
        if index is None:
            return line
        self.finish(index + 1, hit - 1 if hit and data[hit - 1 : hit] == b"\r" else hit)
        if closing:
            self.forget(index)
            return line
        return self.start(line_end + 1 if line_end >= 0 else stop, self.open[index].subtype == b"digest")

    def start(self, at: int, digest: bool) -> int:
        """Begin a part at `at`, and the message in it, and the message in that; returns where to look on."""
        while True:
            header, body = read(self.data, at, self.end, self.limits.header_bytes)
            part = _part(at, body, header, digest)
            self.count += 1
            if self.open:
                parent = self.open[-1]
                if parent.type == b"multipart":
                    parent.children.append(part)
                else:
                    parent.message = Message(self.data, part)
            deeper = len(self.open) < self.limits.nesting
            self.open.append(part)
            if part.type == b"multipart":
                boundary = (parameter.get(part.params, b"boundary") or b"").rstrip()
                if boundary and deeper:
                    self.shadowed.append((boundary, self.boundaries.get(boundary)))
                    self.boundaries[boundary] = len(self.open) - 1
                    return max(body - 1, 0)
                _as_text(part)
            self.shadowed.append(None)
            if part.type == b"text":
                self.texts.append(part)
            elif part.type == b"message" and part.subtype in _MESSAGE_SUBTYPES:
                if deeper and part.encoding in _UNENCODED and self.count < self.limits.parts:
                    self.embedded = True
                    self.texts.append(part)
                    at, digest = body, False
                    continue
                part.type, part.subtype = b"application", b"octet-stream"
            return max(body - 1, 0)

    def finish(self, index: int, end: int) -> None:
        """End every open part from the innermost to open[index] at `end`, or where its contents end."""
        while len(self.open) > index:
            self.forget(len(self.open) - 1)
            self.shadowed.pop()
            part = self.open.pop()
            end = max(end, part.body_start)
            part.end = end
            if part.type == b"multipart" and not part.children:
                _as_text(part)
                self.texts.append(part)

    def forget(self, index: int) -> None:
        """The boundary of open[index] means nothing from here on."""
        entry = self.shadowed[index]
        if entry is None:
            return
        self.shadowed[index] = None
        name, hidden = entry
        if hidden is None:
            del self.boundaries[name]
        else:
            self.boundaries[name] = hidden

    def count_lines(self) -> None:
        data = self.data
        if not self.embedded:
            for part in self.texts:
                part.lines = count_lines(data, part.body_start, part.end)
            return
        # Embedded messages overlap with what is in them: count each stretch of bytes once.
        marks = sorted({at for part in self.texts for at in (part.body_start, part.end)})
        before: dict[int, int] = {}
        total, previous = 0, marks[0]
        for mark in marks:
            total += count_lines(data, previous, mark)
            before[mark] = total
            previous = mark
        for part in self.texts:
            part.lines = before[part.end] - before[part.body_start]


def _part(start: int, body: int, header: Header, digest: bool) -> Part:
    value = header.field(b"content-type")
    found = parameter.content_type(value) if value else None
    if found is not None:
        main, sub, params = found
    elif digest:
        main, sub, params = b"message", b"rfc822", ()
    else:
        main, sub, params = b"text", b"plain", _US_ASCII
    value = header.field(b"content-transfer-encoding")
    encoding = (parameter.token(value) if value else None) or b"7bit"
    return Part(start, body, body, header, main, sub, params, encoding, 0, [], None)


def _as_text(part: Part) -> None:
    part.type, part.subtype, part.params = b"text", b"plain", ()
