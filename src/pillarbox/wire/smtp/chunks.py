"""The reader of BDAT chunks: counted octets, taken as they are (RFC 3030)."""

from pillarbox.wire.lines import LineBuffer
from pillarbox.wire.session import NEED_DATA, Signal
from pillarbox.wire.smtp import replies
from pillarbox.wire.smtp.commands import Bdat, BdatChunkEnd, BodyChunk, BodyEnd, BodyFailed
from pillarbox.wire.smtp.data import CHUNK_SIZE
from pillarbox.wire.smtp.replies import Reply


class ChunkReader:
    """The chunks of one message; `last` says whether the one under way is the last."""

    __slots__ = ("_failure", "_left", "_refusal", "_size", "_size_limit", "last")

    def __init__(self, size_limit: int) -> None:
        self._size_limit = size_limit
        self._size = 0
        self._left = 0
        self._refusal: Reply | None = None
        self._failure: Reply | None = None
        self.last = False

    def begin(self, command: Bdat, refusal: Reply | None) -> None:
        """A BDAT command came. With a `refusal` its octets are dropped and that is the answer at their end."""
        self._left = command.size
        self._refusal = refusal
        self.last = command.last
        if refusal is None and self._size + command.size > self._size_limit:
            self._failure = replies.MESSAGE_TOO_LARGE

    def read(self, buffer: LineBuffer) -> BodyChunk | BdatChunkEnd | BodyEnd | BodyFailed | Reply | Signal:
        """The next piece, the chunk's end, the refusal at its end, or NEED_DATA."""
        while self._left:
            data = buffer.read_some(min(self._left, CHUNK_SIZE))
            if isinstance(data, Signal):
                return NEED_DATA
            self._left -= len(data)
            if self._refusal is None and self._failure is None:
                self._size += len(data)
                return BodyChunk(data)
        if self._refusal is not None:
            return self._refusal
        if self._failure is not None:
            return BodyFailed(self._failure)
        return BodyEnd(self._size) if self.last else BdatChunkEnd(self._size)
