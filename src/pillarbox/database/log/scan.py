"""Looks through octets of a log segment that are in memory: are they whole records, each following the one before?"""

from collections.abc import Iterator, Sequence

from pillarbox.database.log.record import Record, RecordHead, read_head, read_record, seed
from pillarbox.database.log.segment import HEADER_SIZE, parse_header
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import Span


class _Memory:
    """`disk.OpenFile` over octets that begin at offset `start` of a file, for reading."""

    def __init__(self, data: bytes, start: int = 0) -> None:
        self._data = data
        self._start = start

    def size(self) -> int:
        return self._start + len(self._data)

    def read_at(self, size: int, offset: int) -> bytes:
        return self._data[offset - self._start : offset - self._start + size]

    def write_at(self, parts: Sequence[bytes], offset: int) -> None:
        raise OSError("these octets are only read")

    def flush(self) -> None: ...

    def cut(self, size: int) -> None:
        raise OSError("these octets are only read")

    def close(self) -> None: ...


def damage_in_span(plain: bytes, span: Span, uuid: bytes) -> list[str]:
    """What is wrong in the octets of a span of the database `uuid`, a sentence each; nothing: all records are whole."""
    if len(plain) != span.finish - span.start:
        return [f"it holds {len(plain)} octets instead of {span.finish - span.start}"]
    offset = 0
    if span.start == 0:
        try:
            header = parse_header(plain[:HEADER_SIZE], "the segment")
        except Failure as failure:
            return [failure.public]
        if header is None:
            return ["its header is damaged"]
        if (header.uuid, header.generation, header.first_lsn) != (uuid, span.generation, span.segment):
            return ["it belongs to another database or segment"]
        offset = HEADER_SIZE
    file, expected, start = _Memory(plain), span.first, seed(uuid)
    while offset < len(plain):
        record = read_record(file, offset, start)
        if not isinstance(record, Record):
            return [f"at octet {span.start + offset} there is no whole record"]
        if record.lsn != expected:
            return [f"at octet {span.start + offset} there is record {record.lsn} instead of {expected}"]
        expected, offset = record.lsn + 1, record.finish
    return [] if expected == span.last + 1 else [f"it ends with record {expected - 1} instead of {span.last}"]


def records_in(octets: bytes, start: int, uuid: bytes) -> Iterator[Record]:
    """The records of the database `uuid` in octets that begin at offset `start` of a segment, up to the first place
    where there is no whole one. A header at their beginning is passed over."""
    file, offset, whole_seed = _Memory(octets, start), max(start, HEADER_SIZE), seed(uuid)
    while isinstance(record := read_record(file, offset, whole_seed), Record):
        yield record
        offset = record.finish


def head_in(octets: bytes, start: int, uuid: bytes) -> RecordHead | None:
    """The header of the first record in such octets, if it is whole; the payload may be cut off."""
    head = read_head(_Memory(octets, start), max(start, HEADER_SIZE), seed(uuid))
    return head if isinstance(head, RecordHead) else None
