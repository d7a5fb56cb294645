"""What is at a target: its sets, from their manifests, and its log, from the names of its objects.

Everything is read once, at the first question, and kept until `refresh`; a set whose manifest is missing (a backup
that was broken off) is no set. A manifest that does not decode is not counted either, but named in `damaged`, so that
somebody hears of it. Raises what the target raises.
"""

from typing import NamedTuple

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import Target
from pillarbox.recovery import manifest
from pillarbox.recovery.manifest import DatabaseCopy, Manifest
from pillarbox.recovery.names import (
    LOGS,
    SETS,
    SpanName,
    log_prefix,
    manifest_name,
    parse_manifest_name,
    parse_span_name,
)


class ArchivedSpan(NamedTuple):
    """A piece of log at a target: the object, its stored size, and what its name says."""

    object: str
    stored: int
    name: SpanName


class _Contents(NamedTuple):
    objects: dict[str, int]
    sets: list[Manifest]
    damaged: list[Failure]


class Catalog:
    """The sets of one target. Not for several threads at once."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._contents: _Contents | None = None

    def refresh(self) -> None:
        """Forget what was read."""
        self._contents = None

    def sets(self) -> list[Manifest]:
        """All complete sets, newest last."""
        return list(self._read().sets)

    def damaged(self) -> list[Failure]:
        """Manifests that could not be read, one failure each (CORRUPT or WRONG_VERSION)."""
        return list(self._read().damaged)

    def get(self, set: str) -> Manifest:
        """The set of that id. Raises NOT_FOUND."""
        for found in self._read().sets:
            if found.set == set:
                return found
        raise Failure(FailureKind.NOT_FOUND, f"there is no backup {set} at {self.target.label}")

    def newest(self, before: int | None = None, database: str | None = None) -> Manifest | None:
        """The newest set whose copies (that of `database`, else all) were all taken at or before `before`."""
        for found in reversed(self._read().sets):
            copies = _copies(found, database)
            if copies and (before is None or all(copy.time <= before for copy in copies)):
                return found
        return None

    def objects(self) -> dict[str, int]:
        """Stored size of every object below `sets/`, by name."""
        return self._read().objects

    def pieces_in_use(self) -> set[str]:
        """The objects that any complete set names."""
        return {piece.object for found in self._read().sets for piece in found.pieces()}

    def _read(self) -> _Contents:
        if self._contents is None:
            self._contents = _read(self.target)
        return self._contents


def archived_spans(target: Target, database: str = "", uuid: str = "") -> list[ArchivedSpan]:
    """The log at a target, of all databases or of one, in the order of generation, segment and octet."""
    prefix = log_prefix(database, uuid) if database else LOGS
    found = [
        ArchivedSpan(stored.name, stored.size, name)
        for stored in target.list(prefix)
        if (name := parse_span_name(stored.name)) is not None
    ]
    found.sort(key=_place)
    return found


def _place(span: ArchivedSpan) -> tuple[str, str, int, int, int, int]:
    name = span.name
    return (name.database, name.uuid, name.span.generation, name.span.segment, name.span.start, name.span.finish)


def _copies(found: Manifest, database: str | None) -> list[DatabaseCopy]:
    return [copy for copy in found.databases if database is None or copy.name == database]


def _read(target: Target) -> _Contents:
    objects = {stored.name: stored.size for stored in target.list(SETS)}
    sets: list[Manifest] = []
    damaged: list[Failure] = []
    for name in objects:
        if parse_manifest_name(name) is None:
            continue
        try:
            sets.append(_open(target, name))
        except Failure as failure:
            if failure.kind is FailureKind.NOT_FOUND:  # removed just now
                continue
            if failure.kind not in (FailureKind.CORRUPT, FailureKind.WRONG_VERSION):
                raise
            damaged.append(failure)
    sets.sort(key=lambda found: (found.started, found.set))
    return _Contents(objects, sets, damaged)


def _open(target: Target, name: str) -> Manifest:
    found = manifest.decode(target.get(name), name)
    if manifest_name(found.set) != name:
        raise Failure(FailureKind.CORRUPT, f"{name} is damaged: it is the manifest of {found.set}")
    return found
