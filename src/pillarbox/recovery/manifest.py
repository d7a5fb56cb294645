"""What a set contains: JSON that a person can read and a restore can trust.

The last field, `sha256`, is the digest of all others in canonical JSON (keys sorted, no spaces, UTF-8); by hand:
`jq -cjS 'del(.sha256)' manifest.json | sha256sum`. It tells damage, not forgery. Times are ISO 8601, UTC, to the
microsecond. A piece is `[object, offset, size, stored size, sha256, sha256 as stored]`; the pieces of a database
follow each other without gap and make up its file. An incremental set lists all pieces too: unchanged ones name
objects of earlier sets, so that no other manifest is needed for a restore.

`decode` raises `Failure` CORRUPT for whatever is not a whole manifest, WRONG_VERSION for one of a later format.
"""

import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import LogPoint
from pillarbox.recovery.names import Kind, valid_name

FORMAT = 1
PIECE = 4 * 1024 * 1024
"""Plain octets of a piece; only a database's last one is shorter."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_SPREAD_PIECE = re.compile(r'\[\s+("sets/[^][]*?)\s+\]')
_SPACE = re.compile(r"\s+")


class Piece(NamedTuple):
    """Octets `offset` to `offset + size` of a file, stored as `object`. Digests are SHA-256, hexadecimal."""

    object: str
    offset: int
    size: int
    stored: int
    sha256: str
    stored_sha256: str


class DatabaseCopy(NamedTuple):
    """A database in a set. It contains every record up to `point`; `time` (microseconds) is not before any of them."""

    name: str
    uuid: str
    schema_name: str
    schema_version: int
    size: int
    point: LogPoint
    time: int
    pieces: tuple[Piece, ...]


class Manifest(NamedTuple):
    """A set. `base` is the set an incremental one was compared with, else empty. `site` is the tar of settings and
    certificates. `recipients` are the public keys it is encrypted to. `missing` names databases that could not be read
    when it was made: the set is good for the others. Times in microseconds since 1970 UTC."""

    set: str
    kind: Kind
    base: str
    started: int
    finished: int
    hostname: str
    program: str
    recipients: tuple[str, ...]
    site: Piece | None
    databases: tuple[DatabaseCopy, ...]
    missing: tuple[str, ...] = ()

    def database(self, name: str) -> DatabaseCopy | None:
        """The copy of that database in this set."""
        return next((copy for copy in self.databases if copy.name == name), None)

    def pieces(self) -> list[Piece]:
        """All pieces, the site's among them."""
        return [*([self.site] if self.site else []), *(piece for copy in self.databases for piece in copy.pieces)]

    @property
    def size(self) -> int:
        """Plain octets of all databases."""
        return sum(copy.size for copy in self.databases)


def encode(manifest: Manifest) -> bytes:
    """The manifest as it is stored."""
    document: dict[str, Any] = {
        "format": FORMAT,
        "program": manifest.program,
        "set": manifest.set,
        "kind": manifest.kind.value,
        "base": manifest.base,
        "started": _iso(manifest.started),
        "finished": _iso(manifest.finished),
        "hostname": manifest.hostname,
        "recipients": list(manifest.recipients),
        "site": list(manifest.site) if manifest.site else None,
        "missing": list(manifest.missing),
        "databases": [_encode_copy(copy) for copy in manifest.databases],
    }
    document["sha256"] = _digest(document)
    text = json.dumps(document, indent=1, ensure_ascii=False)
    # One line for a piece rather than eight: a person reads this.
    return _SPREAD_PIECE.sub(lambda match: f"[{_SPACE.sub(' ', match[1])}]", text).encode() + b"\n"


def decode(data: bytes, name: str = "manifest.json") -> Manifest:
    """The manifest in `data`; `name` is for the sentences of failures."""
    try:
        document = json.loads(data)
        if not isinstance(document, dict):
            raise ValueError("not an object")
        given = document.pop("sha256", None)
        if given != _digest(document):
            raise ValueError("its sha256 does not fit")
        version = _integer(document, "format")
        if version != FORMAT:
            public = f"{name} has format {version}, this program reads {FORMAT}"
            raise Failure(FailureKind.WRONG_VERSION, public)
        return _decode(document)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Failure(FailureKind.CORRUPT, f"{name} is damaged: {error or 'not a manifest'}", error) from error


def _digest(document: dict[str, Any]) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _encode_copy(copy: DatabaseCopy) -> dict[str, Any]:
    return {
        "name": copy.name,
        "uuid": copy.uuid,
        "schema": copy.schema_name,
        "schema_version": copy.schema_version,
        "size": copy.size,
        "point": copy.point._asdict(),
        "time": _iso(copy.time),
        "pieces": [list(piece) for piece in copy.pieces],
    }


def _decode(document: dict[str, Any]) -> Manifest:
    site = document["site"]
    return Manifest(
        _text(document, "set"),
        Kind(_text(document, "kind")),
        _text(document, "base"),
        _microseconds(_text(document, "started")),
        _microseconds(_text(document, "finished")),
        _text(document, "hostname"),
        _text(document, "program"),
        tuple(str(text) for text in _list(document, "recipients")),
        None if site is None else _decode_piece(site),
        tuple(_decode_copy(copy) for copy in _list(document, "databases")),
        tuple(str(text) for text in _list(document, "missing")),
    )


def _decode_copy(copy: dict[str, Any]) -> DatabaseCopy:
    point = copy["point"]
    pieces = tuple(_decode_piece(piece) for piece in _list(copy, "pieces"))
    size, reached = _integer(copy, "size"), 0
    for piece in pieces:
        if piece.offset != reached:
            raise ValueError(f"pieces of {copy['name']} do not follow each other at {reached}")
        reached += piece.size
    if reached != size:
        raise ValueError(f"pieces of {copy['name']} end at {reached} of {size}")
    return DatabaseCopy(
        _text(copy, "name"),
        _text(copy, "uuid"),
        _text(copy, "schema"),
        _integer(copy, "schema_version"),
        size,
        LogPoint(*(_integer(point, field) for field in LogPoint._fields)),
        _microseconds(_text(copy, "time")),
        pieces,
    )


def _decode_piece(fields: list[Any]) -> Piece:
    if len(fields) != len(Piece._fields):
        raise ValueError("a piece has six fields")
    piece = Piece(*fields)
    if not (isinstance(piece.object, str) and valid_name(piece.object)):
        raise ValueError(f"not an object's name: {piece.object!r}")
    if not all(type(number) is int and number >= 0 for number in piece[1:4]):
        raise ValueError(f"{piece.object} has a wrong offset or size")
    if not all(isinstance(digest, str) and _DIGEST.match(digest) for digest in piece[4:]):
        raise ValueError(f"{piece.object} has a wrong digest")
    return piece


def _field(document: dict[str, Any], name: str, right: Callable[[Any], bool]) -> Any:
    value = document[name]
    if not right(value):
        raise ValueError(f"{name} is wrong")
    return value


def _text(document: dict[str, Any], name: str) -> str:
    return str(_field(document, name, lambda value: isinstance(value, str)))


def _integer(document: dict[str, Any], name: str) -> int:
    return int(_field(document, name, lambda value: type(value) is int))


def _list(document: dict[str, Any], name: str) -> list[Any]:
    return list(_field(document, name, lambda value: isinstance(value, list)))


def _iso(time: int) -> str:
    return (_EPOCH + timedelta(microseconds=time)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _microseconds(text: str) -> int:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} says no time zone")
    return (moment - _EPOCH) // _MICROSECOND
