"""Framing: command lines with their literals, cut out of a stream before anything is parsed.

`Framer.receive` takes bytes, `Framer.next_fragment` gives one fragment, or None when it needs more bytes (or an
answer to the last `Announced`):

- `Text`: a whole command (lines joined by CRLF, literals in place behind their `{n}`), without its last line end.
- `Announced`: the line ends in `{n}`, `{n+}` or `~{n}`. Nothing more comes out until the owner decides: `absorb`
  (the literal becomes part of the command), `stream` (its bytes come out as `Chunk`s, then `StreamEnd`, then the
  rest of the command as a `Text` or an `Announced`), or `refuse`.
- `Overlong`: the lines of one command exceed `max_line` octets; reported at once, the rest is thrown away.

After `refuse` or `Overlong` the stream stays in step: the octets of non-synchronising literals (RFC 7888) and the
rest of the command are discarded, while a synchronising literal is never sent, so its command is over.

A line ends with CRLF; a lone LF is taken as a line end too, because some scripts and old clients send it and
nothing can be smuggled by it (a message travels in a counted literal, not in lines). A CR elsewhere, and any NUL,
make the command wrong; NULs are allowed only in a literal8 (`~{n}`).

Memory: at most `max_line` octets of lines, the literals that were absorbed (the owner's cap), and what one
`receive` brought. Time is linear: no octet is looked at twice. Raises nothing on any input.
"""

from enum import Enum
from typing import NamedTuple

CHUNK = 256 * 1024
"""The largest `Chunk`, octets."""

_MARKER_MAX = 24  # "~{" + 20 digits + "+}"


class Literal(NamedTuple):
    """A literal's announcement: `size` octets; the client waits for `+` if `synchronising`; `binary`: literal8."""

    size: int
    synchronising: bool
    binary: bool


class Text(NamedTuple):
    """A complete command, or one line where literals do not occur; `nul`: a NUL stood where none may."""

    text: bytes
    nul: bool


class Announced(NamedTuple):
    """A literal is announced: `head` is the command's first line, `number` how many literals came before."""

    head: bytes
    literal: Literal
    number: int


class Chunk(NamedTuple):
    """Octets of a streamed literal, at most `CHUNK`."""

    data: bytes


class StreamEnd(NamedTuple):
    """The streamed literal is complete."""


class Overlong(NamedTuple):
    """The command's lines exceed the cap; `head` is how it began (at most 1,000 octets)."""

    head: bytes


Fragment = Text | Announced | Chunk | StreamEnd | Overlong


class _Mode(Enum):
    LINE = 1
    ASKED = 2
    ABSORB = 3
    STREAM = 4
    DISCARD = 5  # octets of a literal nobody wants
    SKIP = 6  # the rest of a line nobody wants


def literal_marker(line: bytes) -> Literal | None:
    """literal = "{" number64 ["+"] CRLF *CHAR8 / literal8 = "~{" number64 "}" CRLF *OCTET, its announcement.

    RFC 9051 section 9; RFC 7888. `line` is without its line end; None if it does not end in an announcement.
    """
    if not line.endswith(b"}"):
        return None
    at = line.rfind(b"{", max(0, len(line) - _MARKER_MAX))
    if at < 0:
        return None
    digits = line[at + 1 : -1]
    plus = digits.endswith(b"+")
    if plus:
        digits = digits[:-1]
    if not digits.isdigit():
        return None
    return Literal(int(digits), not plus, line[at - 1 : at] == b"~")


class Framer:
    """Cuts what one client sends into fragments; see the module's contract."""

    __slots__ = (
        "_buffer", "_left", "_literal", "_literals", "_mode", "_nul", "_pieces", "_room", "_scanned", "_tail",
        "absorbed", "literals_allowed", "max_line",
    )  # fmt: skip

    def __init__(self, max_line: int) -> None:
        self.max_line = max_line
        self.literals_allowed = True
        """False where lines are plain (a SASL response, DONE): an announcement there is mere text."""
        self.absorbed = 0
        """Octets of literals in the command being collected."""
        self._buffer = bytearray()
        self._scanned = 0  # no line end before this offset
        self._mode = _Mode.LINE
        self._left = 0  # octets of the literal still to come
        self._literal = Literal(0, True, False)
        self._tail = b""  # end of the line being skipped
        self._begin()

    def _begin(self) -> None:
        self._pieces: list[bytes] = []
        self._room = self.max_line
        self._literals = 0
        self._nul = False
        self.absorbed = 0

    def receive(self, data: bytes) -> None:
        """Take what the client sent."""
        if self._mode is _Mode.DISCARD and not self._buffer:
            dropped = min(len(data), self._left)
            self._left -= dropped
            data = data[dropped:]
        self._buffer += data

    def clear(self) -> None:
        """Forget everything that is held: what came before TLS must not count after it."""
        self._buffer.clear()
        self._scanned = 0
        self._mode = _Mode.LINE
        self.literals_allowed = True
        self._begin()

    @property
    def pending(self) -> int:
        """Octets held and not yet given out."""
        return len(self._buffer)

    def prefix(self) -> bytes:
        """The command so far, up to and with the announcement in question."""
        return b"".join(self._pieces)

    def absorb(self) -> None:
        """Make the announced literal part of the command."""
        self._mode = _Mode.ABSORB
        self._left = self._literal.size
        self.absorbed += self._literal.size

    def stream(self) -> None:
        """Give the announced literal out in chunks."""
        self._mode = _Mode.STREAM
        self._left = self._literal.size

    def refuse(self) -> None:
        """Drop this command, and the literal announced or being streamed, keeping the stream in step."""
        if self._mode is _Mode.ASKED and self._literal.synchronising:
            self._mode = _Mode.LINE
        elif self._mode is _Mode.ASKED:
            self._discard(self._literal.size)
        elif self._mode is _Mode.STREAM:
            self._discard(self._left)
        elif self._pieces:  # behind a streamed literal: the rest of its line
            self._mode, self._tail = _Mode.SKIP, b""
        self._begin()

    def _discard(self, size: int) -> None:
        self._mode, self._left = _Mode.DISCARD, size

    def next_fragment(self) -> Fragment | None:
        """The next fragment, or None when more bytes or a decision are needed."""
        while True:
            mode = self._mode
            if mode is _Mode.LINE:
                return self._line()
            if mode is _Mode.STREAM:
                return self._chunk()
            if mode is _Mode.ASKED:
                return None
            if mode is _Mode.ABSORB:
                moved = self._absorbed()
            elif mode is _Mode.DISCARD:
                moved = self._discarded()
            else:
                moved = self._skipped()
            if not moved:
                return None

    def _line(self) -> Fragment | None:
        buffer = self._buffer
        end = buffer.find(b"\n", self._scanned)
        if (end if end >= 0 else len(buffer)) > self._room:
            return self._overlong()
        if end < 0:
            self._scanned = len(buffer)
            return None
        line = bytes(buffer[: end - 1 if end and buffer[end - 1] == 13 else end])
        del buffer[: end + 1]
        self._scanned = 0
        if b"\0" in line:
            self._nul = True
        literal = literal_marker(line) if self.literals_allowed else None
        if literal is not None:
            self._room -= len(line)
            self._pieces += (line, b"\r\n")
            self._literal = literal
            self._mode = _Mode.ASKED
            self._literals += 1
            return Announced(self._pieces[0], literal, self._literals - 1)
        text = Text(b"".join((*self._pieces, line)) if self._pieces else line, self._nul)
        self._begin()
        return text

    def _overlong(self) -> Overlong:
        head = self._pieces[0] if self._pieces else bytes(self._buffer[: min(self._room, 1000)])
        self._mode, self._tail, self._scanned = _Mode.SKIP, b"", 0
        self._begin()
        return Overlong(head[:1000])

    def _chunk(self) -> Fragment | None:
        if not self._left:
            # The octets are gone; an empty first piece keeps "inside a command" true for `refuse`.
            self._mode = _Mode.LINE
            self._pieces = [b""]
            self._room = self.max_line
            return StreamEnd()
        if not self._buffer:
            return None
        size = min(len(self._buffer), self._left, CHUNK)
        data = bytes(memoryview(self._buffer)[:size])
        del self._buffer[:size]
        self._left -= size
        return Chunk(data)

    def _absorbed(self) -> bool:
        if len(self._buffer) < self._left:
            return False
        data = bytes(memoryview(self._buffer)[: self._left])
        del self._buffer[: self._left]
        if not self._literal.binary and b"\0" in data:
            self._nul = True
        self._pieces.append(data)
        self._mode = _Mode.LINE
        return True

    def _discarded(self) -> bool:
        size = min(len(self._buffer), self._left)
        del self._buffer[:size]
        self._left -= size
        if self._left:
            return False
        self._mode, self._tail = _Mode.SKIP, b""
        return True

    def _skipped(self) -> bool:
        """Drop to the end of the line, remembering just enough to see a literal announced there."""
        buffer = self._buffer
        end = buffer.find(b"\n")
        stop = end if end >= 0 else len(buffer)
        tail = self._tail + bytes(buffer[max(0, stop - _MARKER_MAX - 2) : stop])
        self._tail = tail[-_MARKER_MAX - 2 :]
        del buffer[: stop + 1]
        if end < 0:
            return False
        literal = literal_marker(self._tail.removesuffix(b"\r"))
        if literal is not None and not literal.synchronising:
            self._discard(literal.size)
        else:
            self._mode = _Mode.LINE
        self._scanned = 0
        return True
