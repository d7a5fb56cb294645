"""One record of the transaction log: a header of 44 octets and a payload, all integers little-endian.

    magic            4   b"PbRc"
    header size      2   so that a later format may add fields
    kind             1   RecordKind
    flags            1   0
    payload size     4
    payload crc      4   CRC-32 of the payload
    schema version   4   of the rows in the payload (SCHEMA: the version it leads to)
    LSN              8   log sequence number, one more than that of the record before
    time             8   microseconds since 1970 UTC
    previous         4   `crc` of the record before: a chain, so that records of two histories never mix
    crc              4   CRC-32 of the header before this field

Both sums are seeded with the database's identity: bytes in a payload (a letter may carry a log file) are never
taken for a record of this log. "No record here" and "a damaged record" are values, not exceptions.
"""

import struct
import zlib
from enum import IntEnum
from typing import NamedTuple

from pillarbox.database.disk import OpenFile, Readable

MAGIC = b"PbRc"
_HEADER = struct.Struct("<4sHBBIIIQqI")
_CRC = struct.Struct("<I")
HEADER_SIZE = _HEADER.size + _CRC.size


class RecordKind(IntEnum):
    """What the payload is."""

    CHANGES = 1  # an SQLite changeset
    SCHEMA = 2  # see schema.py


class Mark(NamedTuple):
    """A place in the log: record `lsn` lies at octets `start` to `finish` of the segment that begins with `segment`.

    The next record starts at `finish` (or in the next segment). In an empty log, `lsn`, `start` and `crc` are 0.
    """

    lsn: int
    segment: int
    start: int
    finish: int
    crc: int


class Record(NamedTuple):
    """A whole and undamaged record, and where it lies in its segment."""

    lsn: int
    time: int
    kind: int
    schema_version: int
    previous: int
    crc: int
    payload: bytes
    start: int
    finish: int


class RecordHead(NamedTuple):
    """What a record's header says, its own checksum checked; the payload was not looked at."""

    lsn: int
    time: int
    kind: int
    schema_version: int
    previous: int
    crc: int
    payload_crc: int
    payload_start: int
    finish: int


class Damage(NamedTuple):
    """There is something at `offset`, but no whole record."""

    offset: int
    reason: str


class Draft(NamedTuple):
    """A record ready to be written: `header` then `payload`."""

    lsn: int
    crc: int
    header: bytes
    payload: bytes

    @property
    def size(self) -> int:
        return len(self.header) + len(self.payload)


def seed(uuid: bytes) -> int:
    """Where the checksums of one database's records start from."""
    return zlib.crc32(uuid)


def draft(kind: RecordKind, after: Mark, time: int, schema_version: int, payload: bytes, start: int) -> Draft:
    """The record that follows `after`; `start` is the seed."""
    lsn = after.lsn + 1
    payload_crc = zlib.crc32(payload, start)
    head = _HEADER.pack(MAGIC, HEADER_SIZE, kind, 0, len(payload), payload_crc, schema_version, lsn, time, after.crc)
    crc = zlib.crc32(head, start)
    return Draft(lsn, crc, head + _CRC.pack(crc), payload)


def read_head(file: Readable, offset: int, start: int) -> RecordHead | Damage | None:
    """The header of the record at `offset`; None where nothing was written yet (the end of the file, or zeros)."""
    head = file.read_at(HEADER_SIZE, offset)
    if not head.strip(b"\0"):
        return None
    if len(head) < HEADER_SIZE:
        return Damage(offset, "cut off in its header")
    magic, header_size, kind, _, size, payload_crc, schema_version, lsn, time, previous = _HEADER.unpack_from(head)
    (crc,) = _CRC.unpack_from(head, _HEADER.size)
    if magic != MAGIC or header_size < HEADER_SIZE:
        return Damage(offset, "not a record")
    if zlib.crc32(head[: _HEADER.size], start) != crc:
        return Damage(offset, "its header does not fit its checksum")
    payload_start = offset + header_size
    return RecordHead(lsn, time, kind, schema_version, previous, crc, payload_crc, payload_start, payload_start + size)


def read_record(file: Readable, offset: int, start: int) -> Record | Damage | None:
    """The record at `offset`; None where nothing was written yet (the end of the file, or zeros)."""
    head = read_head(file, offset, start)
    if not isinstance(head, RecordHead):
        return head
    size = head.finish - head.payload_start
    payload = file.read_at(size, head.payload_start)
    if len(payload) < size:
        return Damage(offset, f"cut off: {len(payload)} of {size} octets are there")
    if zlib.crc32(payload, start) != head.payload_crc:
        return Damage(offset, "its payload does not fit its checksum")
    lsn, time, kind, version, previous, crc, _, _, finish = head
    return Record(lsn, time, kind, version, previous, crc, payload, offset, finish)


def find_later_record(file: OpenFile, offset: int, least_lsn: int, start: int) -> Record | None:
    """The first whole record after `offset` whose LSN is at least `least_lsn`: proof that damage lies mid-log."""
    chunk_size = 4 << 20
    position = offset + 1
    while True:
        chunk = file.read_at(chunk_size, position)
        at = chunk.find(MAGIC)
        while at >= 0:
            found = _probe(file, position + at, least_lsn, start)
            if found is not None:
                return found
            at = chunk.find(MAGIC, at + 1)
        if len(chunk) < chunk_size:
            return None
        position += chunk_size - len(MAGIC) + 1


def _probe(file: OpenFile, offset: int, least_lsn: int, start: int) -> Record | None:
    # read_record looks at the payload only if the header's own sum fits, so hostile payloads cost nothing here.
    found = read_record(file, offset, start)
    return found if isinstance(found, Record) and found.lsn >= least_lsn else None
