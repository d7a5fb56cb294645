"""Header blocks: where they end, their fields, and exact selections of fields.

A header block is a run of field lines with their continuation lines, ended by an empty line that belongs to the
block. Line ends may be CRLF or LF. A line that is no field ends the block (the empty line was forgotten), except
when the next line is a field again: then it is skipped (a "From " line, a badly folded field). A line that starts
with "--" always ends the block, so that a boundary is never taken for a field.

Nothing here raises; all scans are linear in the size of the block.
"""

import re
from collections.abc import Iterable

from pillarbox.mime.buffer import Buffer

Field = tuple[bytes, bytes, bytes]
"""(the field as it stands with its line end, its name, its raw value after the colon)."""

_QUICK = 16_384
_NO_FIELD = (b"", b"", b"")

_FIELD = re.compile(
    rb"((?!--)([!-9;-~]++)[ \t]*+:([^\n]*+(?>(?:\n[ \t][^\n]*+)*))\n?)"
    rb"|[^\n]++\n?|\n"
)

_BLOCK = re.compile(
    rb"(?>(?:(?!--)(?:[!-9;-~]++[ \t]*+:[^\n]*+(?>(?:\n[ \t][^\n]*+)*)(?:\n|\Z)"
    rb"|(?!\r?\n)[^\n]++\n(?=(?!--)[!-9;-~]++[ \t]*+:)))*)"
    rb"(?:\r?\n)?"
)


class Header:
    """The fields of one header block, in the order they stand in.

    `fields` are the well-formed ones; `names` are their names in lower case, in the same order. Names are asked
    for in lower case.
    """

    __slots__ = ("_first", "fields", "names")

    def __init__(self, fields: list[Field]) -> None:
        self.fields = fields
        self.names = names = [field[1].lower() for field in fields]
        self._first: dict[bytes, bytes] = {}
        first = self._first
        for name, field in zip(names, fields, strict=True):
            if name not in first:
                first[name] = field[2]

    def __contains__(self, name: bytes) -> bool:
        return name in self._first

    def raw(self, name: bytes) -> bytes | None:
        """The first value of that name with its folding, or None."""
        return self._first.get(name)

    def field(self, name: bytes) -> bytes | None:
        """The first value of that name, unfolded and trimmed, or None."""
        value = self._first.get(name)
        return None if value is None else unfold(value)

    def all(self, name: bytes) -> list[bytes]:
        """Every value of that name, unfolded and trimmed."""
        if name not in self._first:
            return []
        return [unfold(field[2]) for key, field in zip(self.names, self.fields, strict=True) if key == name]

    def joined(self, name: bytes) -> bytes | None:
        """Every value of that name as one comma-separated list (for address fields), or None."""
        value = self._first.get(name)
        if value is None:
            return None
        if self.names.count(name) == 1:
            return unfold(value)
        return b", ".join(filter(None, self.all(name)))

    def select(self, names: frozenset[bytes]) -> bytes:
        """The fields of those names exactly as they stand, without an empty line after them."""
        return b"".join([field[0] for key, field in zip(self.names, self.fields, strict=True) if key in names])


def unfold(value: bytes) -> bytes:
    """The value on one line, without white space around it. RFC 5322 section 2.2.3."""
    if b"\n" in value:
        value = value.replace(b"\r\n", b"").replace(b"\n", b"")
    return value.strip()


def split(block: bytes) -> list[Field]:
    """The well-formed fields of a header block; lines that are no fields are left out."""
    return [field for field in _FIELD.findall(block) if field[0]]


def read(data: Buffer, start: int, end: int, limit: int) -> tuple[Header, int]:
    """The header block that starts at `start`, and where the body after it begins.

    Of a block longer than `limit` bytes only the fields within the limit are read.
    """
    first = data[start : min(start + 2, end)]
    if first == b"\r\n" or first[:1] == b"\n":
        return Header([]), start + (2 if first[:1] == b"\r" else 1)
    cut = data.find(b"\r\n\r\n", start, min(end, start + min(_QUICK, limit)))
    block = data[start : cut + 2] if cut >= 0 else b""
    if block and b"\n--" not in block:  # so that no stretch of bytes is read for two parts
        fields: list[Field] = _FIELD.findall(block)
        if _NO_FIELD not in fields:
            return Header(fields), cut + 4
    body = _end(data, start, end, limit)
    if body - start <= limit:
        return Header(split(data[start:body])), body
    block = data[start : start + limit]
    return Header(split(block[: block.rfind(b"\n") + 1])), body


def _end(data: Buffer, start: int, end: int, limit: int) -> int:
    """Where the body begins after a header block that is not plainly formed."""
    stop = min(end, start + limit)
    found = _BLOCK.match(data, start, stop)
    body = found.end() if found else start
    if stop == end or data.find(b"\n", body, stop) >= 0:
        return body
    blank = [at for at in (data.find(b"\n\r\n", stop - 2, end), data.find(b"\n\n", stop - 2, end)) if at >= 0]
    if not blank:
        return end
    at = min(blank)
    return at + (2 if data[at + 1 : at + 2] == b"\n" else 3)


def select_fields(header: bytes, names: Iterable[bytes], keep: bool) -> bytes:
    """The fields named (`keep`) or all the others, as they stand, and an empty line. RFC 9051 section 6.4.5.1.

    `names` are upper case. Lines that are no fields are in neither selection.
    """
    wanted = frozenset(names)
    chosen = [field[0] for field in split(header) if (field[1].upper() in wanted) is keep]
    if chosen and not chosen[-1].endswith(b"\n"):
        chosen.append(b"\r\n")
    chosen.append(b"\r\n")
    return b"".join(chosen)
