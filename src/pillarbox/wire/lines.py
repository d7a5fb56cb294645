"""The receive buffer under every line protocol.

`LineBuffer` takes bytes as they come and gives out lines, counted octets, or slices that a body reader asks for.

- Consumption is linear: nothing is searched twice, and read bytes are dropped in large steps.
- "Not yet" is the value `NEED_DATA`. A line that is longer than its limit is dropped as it arrives, never kept, and
  answered with `TOO_LONG` once its end has come; `discarded` says how much of it was dropped so far.
- In strict mode only CRLF ends a line and a lone CR or LF within one is reported as `BARE_NEWLINE` (the line,
  up to and including its LF, is consumed). Otherwise LF ends a line and a CR before it is dropped.

What arrives whole is not copied: an empty buffer keeps the very `bytes` object it was given. Raises nothing.
"""

from enum import Enum

from pillarbox.wire.session import NEED_DATA, Signal

_COMPACT_ABOVE = 64 * 1024


class LineFault(Enum):
    """What may be wrong with a line."""

    TOO_LONG = "line too long"
    BARE_NEWLINE = "lone CR or LF in a line"


TOO_LONG = LineFault.TOO_LONG
BARE_NEWLINE = LineFault.BARE_NEWLINE


class LineBuffer:
    """Bytes received and not yet read. Positions in its methods count from the first unread octet."""

    __slots__ = ("_data", "_searched", "_start", "_strict", "discarded")

    def __init__(self, *, strict: bool = False) -> None:
        self._data: bytes | bytearray = b""
        self._start = 0
        self._searched = 0  # absolute; no LF lies between _start and here
        self._strict = strict
        self.discarded = 0  # octets dropped of the over-long line under way

    def __len__(self) -> int:
        return len(self._data) - self._start

    def receive(self, data: bytes) -> None:
        """Appends what the peer sent."""
        if self._start == len(self._data):
            self._data = data
            self._start = self._searched = 0
        elif isinstance(self._data, bytearray):
            self._compact()
            self._data += data
        else:
            rest = bytearray(memoryview(self._data)[self._start :])
            rest += data
            self._data = rest
            self._searched = max(self._searched - self._start, 0)
            self._start = 0

    def read_line(self, limit: int) -> bytes | Signal | LineFault:
        """The next line without its end, at most `limit` octets of it; or NEED_DATA, TOO_LONG, BARE_NEWLINE."""
        data = self._data
        start = self._start
        end = data.find(b"\n", self._searched if self._searched > start else start)
        if end < 0:
            self._searched = len(data)
            if len(data) - start > limit + 1:
                self._drop_all_but_cr()
            return NEED_DATA
        self._start = self._searched = end + 1
        if self.discarded or end - start > limit + 1:
            self.discarded = 0
            return TOO_LONG
        if end > start and data[end - 1] == 13:
            line = bytes(data[start : end - 1])
            return BARE_NEWLINE if self._strict and b"\r" in line else line
        if self._strict:
            return BARE_NEWLINE
        return TOO_LONG if end - start > limit else bytes(data[start:end])

    def read_exact(self, count: int) -> bytes | Signal:
        """Exactly `count` octets, or NEED_DATA."""
        return self.take(count) if len(self) >= count else NEED_DATA

    def read_some(self, maximum: int) -> bytes | Signal:
        """What is there, at most `maximum` octets; NEED_DATA where nothing is (or `maximum` is 0)."""
        count = min(len(self), maximum)
        return self.take(count) if count > 0 else NEED_DATA

    def take(self, count: int) -> bytes:
        """The next `count` octets, fewer where there are fewer."""
        start = self._start
        self._start = min(start + count, len(self._data))
        if isinstance(self._data, bytes):
            return self._data[start : self._start]
        with memoryview(self._data) as view:
            return bytes(view[start : self._start])

    def skip(self, count: int) -> None:
        """Drops the next `count` octets."""
        self._start = min(self._start + count, len(self._data))

    def find(self, needle: bytes, begin: int = 0, end: int | None = None) -> int:
        """Where `needle` first lies wholly between `begin` and `end`, or -1."""
        start = self._start
        found = self._data.find(needle, start + max(begin, 0), len(self._data) if end is None else start + end)
        return found - start if found >= 0 else -1

    def rfind(self, needle: bytes, begin: int = 0, end: int | None = None) -> int:
        """Where `needle` last lies wholly between `begin` and `end`, or -1."""
        start = self._start
        found = self._data.rfind(needle, start + max(begin, 0), len(self._data) if end is None else start + end)
        return found - start if found >= 0 else -1

    def startswith(self, prefix: bytes) -> bool:
        """Whether the next octets are `prefix`."""
        return self._data.startswith(prefix, self._start)

    def clear(self) -> int:
        """Drops everything, the rest of an over-long line too; answers how many octets were unread."""
        dropped = len(self)
        self._data = b""
        self._start = self._searched = self.discarded = 0
        return dropped

    def _drop_all_but_cr(self) -> None:
        """Forgets an over-long line's beginning, but not a CR whose LF may follow."""
        unread = len(self)
        keep = b"\r" if self._data.endswith(b"\r") else b""
        self._data = bytearray(keep)
        self._start, self._searched = 0, len(keep)
        self.discarded += unread - len(keep)

    def _compact(self) -> None:
        """Gives read bytes back once they are the larger part; each octet is moved at most about once."""
        start = self._start
        if start > _COMPACT_ABOVE and start * 2 > len(self._data) and isinstance(self._data, bytearray):
            del self._data[:start]
            self._searched = max(self._searched - start, 0)
            self._start = 0
