"""Message bytes on their way in and out, whatever their size.

`Body` is what a message is before it is stored: bytes in memory, or a spool file mapped into memory. `Content`
is a stored message: its size is known, its bytes are read in pieces. All line ends are CRLF.
"""

from collections.abc import Iterator
from mmap import mmap
from typing import NamedTuple, Protocol


class Body(NamedTuple):
    """A message that has arrived whole and is not stored yet.

    `data` is the message as received, without the trace headers this server adds; an `mmap` where it was
    spooled to disk. Whoever made the body releases the spool after the store has answered.
    """

    data: bytes | mmap

    @property
    def size(self) -> int:
        return len(self.data)


class Content(Protocol):
    """A stored message's bytes: the recipient's own trace headers, then the shared content."""

    @property
    def size(self) -> int:
        """Octets of the whole message, trace headers included (RFC822.SIZE)."""

    def read(self, start: int, length: int) -> bytes:
        """The bytes from `start`, at most `length` of them. Raises Failure(CORRUPT)."""

    def pieces(self, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` in pieces of at most 256 KiB. Raises Failure(CORRUPT)."""
