"""The reader of a DATA body: dot-unstuffing and its limits (RFC 5321 sections 4.5.2 and 4.5.3.1).

Only CRLF "." CRLF ends the message. A lone CR or LF anywhere, and so every "almost" end that other servers might take
for one (SMTP smuggling), makes the whole message fail at its true end; so do a line or a message that is too long.
What belongs to a failed message is dropped as it comes. Nothing is searched twice, and at most one unfinished
line is held back.
"""

from pillarbox.wire.lines import LineBuffer
from pillarbox.wire.session import NEED_DATA, Signal
from pillarbox.wire.smtp import replies
from pillarbox.wire.smtp.commands import BodyChunk, BodyEnd, BodyFailed
from pillarbox.wire.smtp.replies import Reply

CHUNK_SIZE = 256 * 1024
"""Most octets in one `BodyChunk`."""

_END = b"\r\n.\r\n"


class DataReader:
    """One message. Except while dropping, the buffer's first unread octet begins a line whenever `read` is called."""

    __slots__ = ("_at_line_start", "_ended", "_failure", "_line_limit", "_searched", "_size", "_size_limit")

    def __init__(self, size_limit: int, line_limit: int) -> None:
        """`size_limit` in octets after unstuffing, `line_limit` with CRLF, at most `CHUNK_SIZE`."""
        self._size_limit = size_limit
        self._line_limit = min(line_limit, CHUNK_SIZE)
        self._size = 0
        self._searched = 0
        self._at_line_start = True
        self._ended = False
        self._failure: Reply | None = None

    def read(self, buffer: LineBuffer) -> BodyChunk | BodyEnd | BodyFailed | Signal:
        """The next piece of the message, its end, or NEED_DATA."""
        if not self._ended and self._failure is None:
            text = self._take_lines(buffer)
            if isinstance(text, Signal):
                return text
            if text and self._failure is None:
                return BodyChunk(text)
        if not self._ended:
            self._drop(buffer)
        if not self._ended:
            return NEED_DATA
        return BodyEnd(self._size) if self._failure is None else BodyFailed(self._failure)

    def _take_lines(self, buffer: LineBuffer) -> bytes | Signal:
        """Whole lines, unstuffed and checked; b"" at the end of the message and on failure."""
        if buffer.startswith(b".\r\n"):
            buffer.skip(3)
            self._ended = True
            return b""
        end = buffer.find(_END, self._searched - 4, CHUNK_SIZE + 3)
        if end >= 0:
            text = buffer.take(end + 2)
            buffer.skip(3)
            self._ended = True
        else:
            last = buffer.rfind(b"\r\n", self._searched - 1, CHUNK_SIZE)
            if last < 0:
                self._searched = len(buffer)
                if self._searched <= self._line_limit + 1:
                    return NEED_DATA
                self._failure = replies.BODY_LINE_TOO_LONG
                return b""
            text = buffer.take(last + 2)
            self._searched = 0
        return self._check(text)

    def _check(self, text: bytes) -> bytes:
        """Takes the stuffing out of whole lines and notes what is wrong with them."""
        lines = text.count(b"\r\n")
        if text.count(b"\n") != lines or text.count(b"\r") != lines:
            self._failure = replies.BODY_BARE_NEWLINE
            return b""
        if text[0] == 46:
            text = text[1:]
        text = text.replace(b"\r\n.", b"\r\n")
        self._size += len(text)
        if self._size > self._size_limit:
            self._failure = replies.MESSAGE_TOO_LARGE
        elif not lines_fit(text, self._line_limit):
            self._failure = replies.BODY_LINE_TOO_LONG
        return text

    def _drop(self, buffer: LineBuffer) -> None:
        """Drops input up to the end of the message, all but the octets that may begin that end."""
        if self._at_line_start and buffer.startswith(b".\r\n"):
            buffer.skip(3)
            self._ended = True
            return
        end = buffer.find(_END)
        if end >= 0:
            buffer.skip(end + len(_END))
            self._ended = True
        elif len(buffer) >= len(_END):
            buffer.skip(len(buffer) - len(_END) + 1)
            self._at_line_start = False


def lines_fit(text: bytes, limit: int) -> bool:
    """Whether no line of `text` (which ends with CRLF) has more than `limit` octets; looks at few of its octets."""
    begin, size = 0, len(text)
    while size - begin > limit:
        end = text.rfind(b"\n", begin, begin + limit)
        if end < 0:
            return False
        begin = end + 1
    return True
