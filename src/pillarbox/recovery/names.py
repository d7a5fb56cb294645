"""The names of all objects at a target: built here, read here, nowhere else.

    sets/<set>/manifest.json                                    put last: a set without it does not count
    sets/<set>/<database>/<offset, 12 hex><suffix>              a piece of a database file
    sets/<set>/site.tar<suffix>                                 settings, certificates and secrets
    log/<database>/<uuid>/<generation>-<segment, 16 hex>/<start, 12 hex>-<finish, 12 hex>-<first LSN, 16 hex>-<last
        LSN, 16 hex>-<time of the last record, microseconds>[-closed]<suffix>                octets of the log

`<set>` is `<start of the backup, UTC>-full` or `-incr`, for instance `20261124T013000Z-full`. The suffix says how the
octets are wrapped: `.zst` compressed, `.age` encrypted, `.zst.age` both, nothing for neither. Building takes whatever
it is given, except that names no target would take raise ValueError; parsing returns None for names of anything else.
"""

import re
from datetime import UTC, datetime
from enum import Enum
from typing import NamedTuple

from pillarbox.base.clock import MICROSECONDS
from pillarbox.model.recovery import Span

SETS = "sets/"
LOGS = "log/"

_PART = r"[A-Za-z0-9_-][A-Za-z0-9._-]*"
_SUFFIX = r"(?:\.zst)?(?:\.age)?"
_SET = r"[0-9]{8}T[0-9]{6}Z-(?:full|incr)"
_WHOLE = re.compile(rf"{_PART}(?:/{_PART})*\Z")
_SET_ID = re.compile(r"([0-9]{8}T[0-9]{6}Z)-(full|incr)\Z")
_MANIFEST = re.compile(rf"sets/({_SET})/manifest\.json\Z")
_PIECE = re.compile(rf"sets/({_SET})/({_PART})/([0-9a-f]{{12}})({_SUFFIX})\Z")
_SITE = re.compile(rf"sets/({_SET})/site\.tar({_SUFFIX})\Z")
_OF_SET = re.compile(rf"sets/({_SET})/")
_SPAN = re.compile(
    rf"log/({_PART})/([0-9a-f]{{32}})/([0-9]{{1,18}})-([0-9a-f]{{16}})/"
    rf"([0-9a-f]{{12}})-([0-9a-f]{{12}})-([0-9a-f]{{16}})-([0-9a-f]{{16}})-([0-9]{{1,18}})(-closed)?({_SUFFIX})\Z"
)
_TIME = "%Y%m%dT%H%M%SZ"
LONGEST = 900
"""Octets in a name; S3 takes 1,024 with its prefix."""


class Kind(Enum):
    """A full set stores every piece anew; an incremental one only those that changed."""

    FULL = "full"
    INCREMENTAL = "incr"


class SetId(NamedTuple):
    """What a set's id says. `time` in microseconds since 1970 UTC, whole seconds."""

    time: int
    kind: Kind


class PieceName(NamedTuple):
    set: str
    database: str
    offset: int
    suffix: str


class SpanName(NamedTuple):
    database: str
    uuid: str
    span: Span
    suffix: str


def valid_name(name: str) -> bool:
    """Whether a target takes an object of this name: parts of letters, digits, `_`, `-` and `.`, none beginning with
    a dot, divided by `/`."""
    return len(name) <= LONGEST and _WHOLE.match(name) is not None


def _checked(name: str) -> str:
    if not valid_name(name):
        raise ValueError(f"not an object's name: {name!r}")
    return name


def set_id(time: int, kind: Kind) -> str:
    """The id of a set begun at `time` (microseconds)."""
    return f"{datetime.fromtimestamp(time // MICROSECONDS, UTC).strftime(_TIME)}-{kind.value}"


def parse_set_id(text: str) -> SetId | None:
    match = _SET_ID.match(text)
    if match is None:
        return None
    try:
        moment = datetime.strptime(match[1], _TIME).replace(tzinfo=UTC)
    except ValueError:
        return None
    return SetId(int(moment.timestamp()) * MICROSECONDS, Kind(match[2]))


def set_prefix(set: str) -> str:
    """What all objects of a set begin with."""
    return f"{SETS}{set}/"


def set_of(name: str) -> str | None:
    """The set that an object below `sets/` belongs to, whatever it is."""
    match = _OF_SET.match(name)
    return match[1] if match and parse_set_id(match[1]) else None


def manifest_name(set: str) -> str:
    return _checked(f"{SETS}{set}/manifest.json")


def parse_manifest_name(name: str) -> str | None:
    """The set whose manifest this is."""
    match = _MANIFEST.match(name)
    return match[1] if match and parse_set_id(match[1]) else None


def piece_name(set: str, database: str, offset: int, suffix: str) -> str:
    return _checked(f"{SETS}{set}/{database}/{offset:012x}{suffix}")


def parse_piece_name(name: str) -> PieceName | None:
    match = _PIECE.match(name)
    if match is None or parse_set_id(match[1]) is None:
        return None
    return PieceName(match[1], match[2], int(match[3], 16), match[4])


def site_name(set: str, suffix: str) -> str:
    return _checked(f"{SETS}{set}/site.tar{suffix}")


def parse_site_name(name: str) -> str | None:
    """The set whose settings and certificates these are."""
    match = _SITE.match(name)
    return match[1] if match and parse_set_id(match[1]) else None


def log_prefix(database: str, uuid: str = "") -> str:
    """What all log of a database begins with; without `uuid`, that of every database that had this name."""
    return f"{LOGS}{database}/{uuid}/" if uuid else f"{LOGS}{database}/"


def span_name(database: str, uuid: str, span: Span, suffix: str) -> str:
    closed = "-closed" if span.closed else ""
    return _checked(
        f"{LOGS}{database}/{uuid}/{span.generation}-{span.segment:016x}/{span.start:012x}-{span.finish:012x}"
        f"-{span.first:016x}-{span.last:016x}-{span.time}{closed}{suffix}"
    )


def parse_span_name(name: str) -> SpanName | None:
    match = _SPAN.match(name)
    if match is None:
        return None
    span = Span(
        int(match[3]),
        int(match[4], 16),
        int(match[5], 16),
        int(match[6], 16),
        int(match[7], 16),
        int(match[8], 16),
        int(match[9]),
        match[10] is not None,
    )
    if span.start >= span.finish or span.first > span.last + 1:  # a segment begun and still empty ends before its first
        return None
    return SpanName(match[1], match[2], span, match[11])
