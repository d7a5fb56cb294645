"""What two servers say to each other about logs, and how it lies in octets.

A frame is a length (4 octets, big-endian; of what follows), a kind (1 octet) and a body. Where octets of a database or
its log are carried the body is binary, otherwise JSON. `Frames` cuts a stream of octets into messages. A frame that no
version of this protocol could have sent raises `Failure` INVALID; "need more octets" is a value, None.

    standby               active
    Hello            ->
                     <-   Hello
                     <-   Replaced, CopyBegin, CopyPiece ..., CopyEnd    (where it cannot simply go on)
                     <-   Ship ...                                       (as commits come)
    Ack ...          ->                                                  (one for each Ship, and for each Tick)
                     <-   Tick                                           (each second)
    CopyRequest      ->                                                  (its database is damaged)
"""

import json
import struct
from typing import Any, NamedTuple

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import LogPoint
from pillarbox.model.standby import CopyHead, LogEnd, Shipment

PROTOCOL = 1
LARGEST = 1 << 30
_LENGTH = struct.Struct(">I")
_SHIP = struct.Struct(">QQQQQqq")
_ACK = struct.Struct(">QQQQQIQQQQqqq")
_PIECE = struct.Struct(">Q")


class DatabaseState(NamedTuple):
    """A database as one server has it: which one, and where its log ends. No `uuid`: there is none yet."""

    name: str
    uuid: str
    schema_name: str
    schema_version: int
    end: LogEnd


class Hello(NamedTuple):
    """Who speaks. `role` is "active" or "standby"."""

    protocol: int
    program: str
    site: str
    role: str
    databases: tuple[DatabaseState, ...]


class Ship(NamedTuple):
    """Log of a database; `sent` is when, microseconds by the sender's clock."""

    database: str
    sent: int
    shipment: Shipment


class Ack(NamedTuple):
    """The log up to `end` is durable, the database contains `applied`; the times are those of these records, and of
    the last `Ship` that came, by the sender's clock."""

    database: str
    end: LogEnd
    applied: LogPoint
    time: int
    applied_time: int
    sent: int


class CopyRequest(NamedTuple):
    """Send a fresh copy."""

    database: str
    reason: str


class CopyBegin(NamedTuple):
    database: str
    head: CopyHead


class CopyPiece(NamedTuple):
    database: str
    offset: int
    octets: bytes


class CopyEnd(NamedTuple):
    database: str


class Replaced(NamedTuple):
    """Your records after `after` do not count: `generation` began there (both 0: nobody knows where)."""

    database: str
    generation: int
    after: int


class Tick(NamedTuple):
    """The sender lives, it is `time` there, and its databases contain these records: name to [generation, LSN]."""

    time: int
    positions: dict[str, list[int]]


class Refused(NamedTuple):
    """Why the connection ends."""

    reason: str


Message = Hello | Ship | Ack | CopyRequest | CopyBegin | CopyPiece | CopyEnd | Replaced | Tick | Refused

_SHIP_KIND, _ACK_KIND, _PIECE_KIND = 1, 2, 3
_JSON_KINDS: dict[int, type[Any]] = {
    10: Hello, 11: CopyRequest, 12: CopyBegin, 13: CopyEnd, 14: Replaced, 15: Tick, 16: Refused,
}  # fmt: skip
_KIND_OF = {kind: number for number, kind in _JSON_KINDS.items()}


def encode(message: Message) -> bytes:
    """The frame of a message."""
    if isinstance(message, Ship):
        shipment = message.shipment
        head = _name(message.database) + _SHIP.pack(*shipment[:6], message.sent)
        return _frame(_SHIP_KIND, head, shipment.octets)
    if isinstance(message, Ack):
        fields = (*message.end, *message.applied, message.time, message.applied_time, message.sent)
        return _frame(_ACK_KIND, _name(message.database) + _ACK.pack(*fields), b"")
    if isinstance(message, CopyPiece):
        return _frame(_PIECE_KIND, _name(message.database) + _PIECE.pack(message.offset), message.octets)
    return _frame(_KIND_OF[type(message)], json.dumps(message).encode(), b"")


def _frame(kind: int, head: bytes, octets: bytes) -> bytes:
    return b"".join((_LENGTH.pack(1 + len(head) + len(octets)), bytes((kind,)), head, octets))


def _name(name: str) -> bytes:
    encoded = name.encode()
    return bytes((len(encoded),)) + encoded


class Frames:
    """Octets in, messages out."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def receive_data(self, data: bytes) -> None:
        self._buffer += data

    def next_message(self) -> Message | None:
        """The next whole message, None while there is none. Raises Failure INVALID."""
        buffer = self._buffer
        if len(buffer) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(buffer)
        if not 0 < length <= LARGEST:
            raise _garbage(f"a frame of {length} octets")
        if len(buffer) < _LENGTH.size + length:
            return None
        kind = buffer[_LENGTH.size]
        body = bytes(memoryview(buffer)[_LENGTH.size + 1 : _LENGTH.size + length])
        del buffer[: _LENGTH.size + length]
        try:
            return _decode(kind, body)
        except (ValueError, TypeError, KeyError, IndexError, struct.error) as error:
            raise _garbage(f"a frame of kind {kind} that makes no sense ({error})") from error


def _decode(kind: int, body: bytes) -> Message:
    if kind in _JSON_KINDS:
        return _from_json(_JSON_KINDS[kind], json.loads(body))
    size = 1 + body[0]
    name = body[1:size].decode()
    if kind == _SHIP_KIND:
        generation, segment, start, first, last, time, sent = _SHIP.unpack_from(body, size)
        octets = body[size + _SHIP.size :]
        return Ship(name, sent, Shipment(generation, segment, start, first, last, time, octets))
    if kind == _ACK_KIND:
        values = _ACK.unpack_from(body, size)
        return Ack(name, LogEnd(*values[:6]), LogPoint(*values[6:10]), *values[10:])
    if kind == _PIECE_KIND:
        (offset,) = _PIECE.unpack_from(body, size)
        return CopyPiece(name, offset, body[size + _PIECE.size :])
    raise ValueError("unknown")


def _from_json(kind: type[Any], values: list[Any]) -> Message:
    message: Message = kind(*values)
    if isinstance(message, Hello):
        states = [
            DatabaseState(str(name), str(uuid), str(schema), int(version), LogEnd(*map(int, end)))
            for name, uuid, schema, version, end in values[4]
        ]
        return message._replace(protocol=int(message.protocol), databases=tuple(states))
    if isinstance(message, CopyBegin):
        size, uuid, schema, version, point = values[1]
        head = CopyHead(int(size), str(uuid), str(schema), int(version), LogPoint(*map(int, point)))
        return CopyBegin(message.database, head)
    return message


def _garbage(what: str) -> Failure:
    return Failure(FailureKind.INVALID, f"The other server sent {what}: is it a Pillarbox standby port?")
