"""The bytes of a letter: in memory, or mapped from the file it was spooled to.

Both kinds answer `find`, slices and `re`; nothing here copies a whole letter.
"""

import mmap

Buffer = bytes | mmap.mmap
"""What the parser reads."""

_CHUNK = 1 << 20


def count_lines(data: Buffer, start: int, end: int) -> int:
    """The number of line feeds in data[start:end]."""
    if isinstance(data, bytes):
        return data.count(b"\n", start, end)
    return sum(data[at : min(at + _CHUNK, end)].count(b"\n") for at in range(start, end, _CHUNK))
