"""A log segment: the file `<generation>-<first LSN, 16 hex digits>.log`, a header of 512 octets, then records.

Header, integers little-endian, zeros to the end:

    magic            8   b"PbxLog\\r\\n"
    format version   2   1
    header size      2   512
    crc              4   CRC-32 of the header with this field zero
    database         16  the database's identity
    generation       8   which base database file these records continue
    first LSN        8
    created          8   microseconds since 1970 UTC
    previous         4   `crc` of the record before the first one
    schema version   4   when it was made; for the eye only
    name length      2
    name                 the schema's name, UTF-8
"""

import re
import struct
import zlib
from typing import NamedTuple

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure

MAGIC = b"PbxLog\r\n"
FORMAT = 1
HEADER_SIZE = 512
_FIXED = struct.Struct("<8sHHI16sQQqIIH")
_CRC_AT = 12
_NAME = re.compile(r"([0-9]{1,18})-([0-9a-f]{16})\.log\Z")


class SegmentHeader(NamedTuple):
    uuid: bytes
    generation: int
    first_lsn: int
    created: int
    previous: int
    schema_version: int
    schema_name: str


def segment_name(generation: int, first_lsn: int) -> str:
    """The name of the file."""
    return f"{generation}-{first_lsn:016x}.log"


def parse_segment_name(name: str) -> tuple[int, int] | None:
    """(generation, first LSN) of a segment's file name; None for any other file."""
    match = _NAME.match(name)
    return (int(match[1]), int(match[2], 16)) if match else None


def encode_header(header: SegmentHeader) -> bytes:
    """The header as it is written."""
    name = header.schema_name.encode()
    if _FIXED.size + len(name) > HEADER_SIZE:
        raise ValueError("schema name too long")
    fields = (
        header.uuid,
        header.generation,
        header.first_lsn,
        header.created,
        header.previous,
        header.schema_version,
        len(name),
    )
    crc = zlib.crc32((_FIXED.pack(MAGIC, FORMAT, HEADER_SIZE, 0, *fields) + name).ljust(HEADER_SIZE, b"\0"))
    return (_FIXED.pack(MAGIC, FORMAT, HEADER_SIZE, crc, *fields) + name).ljust(HEADER_SIZE, b"\0")


def parse_header(data: bytes, path: str) -> SegmentHeader | None:
    """The header at the start of a segment; None if it is damaged.

    Raises Failure WRONG_VERSION where it is whole but of a format this program does not know.
    """
    if len(data) < HEADER_SIZE or not data.startswith(MAGIC):
        return None
    _, version, size, crc, uuid, generation, first, created, previous, schema_version, length = _FIXED.unpack_from(data)
    if zlib.crc32(data[:_CRC_AT] + b"\0\0\0\0" + data[_CRC_AT + 4 : HEADER_SIZE]) != crc:
        return None
    if version != FORMAT or size != HEADER_SIZE:
        raise Failure(
            FailureKind.WRONG_VERSION, f"{path} is a log of format {version}; this program reads format {FORMAT}."
        )
    name = data[_FIXED.size : _FIXED.size + length].decode("utf-8", "replace")
    return SegmentHeader(uuid, generation, first, created, previous, schema_version, name)
