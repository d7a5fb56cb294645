"""Reading a backup back: is every object there, and is it right?

`verify_set` reads every object of a set, compares its digest as stored and, where it can be decoded (not encrypted, or
with a private key), the digest of what it holds. `verify_log` reads archived log; whether the log has gaps is
`loggaps`. What is wrong is a `Finding`, never an exception; a target that cannot be reached raises `Failure` after some
patience, since that says nothing about the backup.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import NamedTuple, TypeVar

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import Target
from pillarbox.recovery.catalog import ArchivedSpan
from pillarbox.recovery.codec import Codec
from pillarbox.recovery.manifest import Manifest, Piece
from pillarbox.recovery.names import parse_span_name
from pillarbox.recovery.patience import patiently

_THREADS = 4
_FINDINGS = (FailureKind.NOT_FOUND, FailureKind.CORRUPT, FailureKind.NOT_ALLOWED)
"""Failures that say something about an object."""


Item = TypeVar("Item")


class Finding(NamedTuple):
    """An object, or a database's log, and what is wrong with it."""

    object: str
    what: str


class Progress(NamedTuple):
    """Stored octets read so far and in all."""

    done: int
    total: int


class Verified(NamedTuple):
    """`decoded` of `objects` could be looked into as well; octets as stored."""

    objects: int
    decoded: int
    octets: int
    findings: tuple[Finding, ...]


class _Checked(NamedTuple):
    octets: int
    decoded: bool
    findings: list[Finding]


def verify_set(
    target: Target,
    manifest: Manifest,
    codec: Codec,
    progress: Callable[[Progress], None] = lambda progress: None,
    pause: Callable[[float], None] = time.sleep,
) -> Verified:
    """Read every object of a set back."""
    pieces = manifest.pieces()

    def check(piece: Piece) -> _Checked:
        return _check_piece(target, piece, codec, pause)

    return _run(check, [(piece, piece.stored) for piece in pieces], progress)


def verify_log(
    target: Target,
    spans: Sequence[ArchivedSpan],
    codec: Codec,
    records: Callable[[ArchivedSpan, bytes], Iterable[str]] = lambda span, plain: (),
    progress: Callable[[Progress], None] = lambda progress: None,
    pause: Callable[[float], None] = time.sleep,
) -> Verified:
    """Read archived log back. `records` looks at the plain octets of a span and says what is wrong in them, a sentence
    each; it is called by several threads."""

    def check(span: ArchivedSpan) -> _Checked:
        return _check_span(target, span, codec, records, pause)

    return _run(check, [(span, span.stored) for span in spans], progress)


def _check_piece(target: Target, piece: Piece, codec: Codec, pause: Callable[[float], None]) -> _Checked:
    try:
        stored = patiently(lambda: target.get(piece.object), pause)
    except Failure as failure:
        return _failed(piece.object, failure)
    if len(stored) != piece.stored:
        what = f"{len(stored)} octets long instead of {piece.stored}"
        return _Checked(len(stored), False, [Finding(piece.object, what)])
    if sha256(stored).hexdigest() != piece.stored_sha256:
        return _Checked(len(stored), False, [Finding(piece.object, "damaged: its checksum does not fit")])
    if not codec.opens(piece.object):
        return _Checked(len(stored), False, [])
    try:
        plain = codec.decode(piece.object, stored)
    except Failure as failure:
        return _failed(piece.object, failure, len(stored))
    if plain is not stored and sha256(plain).hexdigest() != piece.sha256:
        return _Checked(len(stored), True, [Finding(piece.object, "holds other octets than the database had")])
    return _Checked(len(stored), True, [])


def _check_span(
    target: Target,
    span: ArchivedSpan,
    codec: Codec,
    records: Callable[[ArchivedSpan, bytes], Iterable[str]],
    pause: Callable[[float], None],
) -> _Checked:
    octets = 0
    try:
        stored = patiently(lambda: target.get(span.object), pause)
        octets = len(stored)
        if not stored:
            return _Checked(0, False, [Finding(span.object, "empty")])
        if not codec.opens(span.object):
            return _Checked(octets, False, [])
        plain = codec.decode(span.object, stored)
    except Failure as failure:
        if failure.kind is FailureKind.NOT_FOUND and _superseded(target, span):
            return _Checked(0, False, [])
        return _failed(span.object, failure, octets)
    expected = span.name.span.finish - span.name.span.start
    if len(plain) != expected:
        return _Checked(octets, True, [Finding(span.object, f"holds {len(plain)} octets instead of {expected}")])
    return _Checked(octets, True, [Finding(span.object, what) for what in records(span, plain)])


def _superseded(target: Target, span: ArchivedSpan) -> bool:
    """Whether another object has this log too: a segment that is closed replaces the small spans it grew by."""
    lost = span.name.span
    folder = span.object.rpartition("/")[0] + "/"
    others = [name.span for stored in target.list(folder) if (name := parse_span_name(stored.name)) is not None]
    return any(other.start <= lost.start and other.finish >= lost.finish for other in others)


def _failed(object: str, failure: Failure, octets: int = 0) -> _Checked:
    if failure.kind not in _FINDINGS:
        raise failure
    missing = failure.kind is FailureKind.NOT_FOUND
    return _Checked(octets, False, [Finding(object, "missing" if missing else failure.public)])


def _run(
    check: Callable[[Item], _Checked], items: Sequence[tuple[Item, int]], progress: Callable[[Progress], None]
) -> Verified:
    """Check all items; each comes with its stored octets."""
    total = sum(octets for _, octets in items)
    read = done = decoded = 0
    findings: list[Finding] = []
    pool = ThreadPoolExecutor(_THREADS, "verify")
    try:
        for checked, (_, octets) in zip(pool.map(lambda pair: check(pair[0]), items), items, strict=True):
            done += octets
            read += checked.octets
            decoded += checked.decoded
            findings += checked.findings
            progress(Progress(done, total))
    finally:
        pool.shutdown(cancel_futures=True)
    return Verified(len(items), decoded, read, tuple(findings))
