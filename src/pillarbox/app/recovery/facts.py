"""The facts of a site that estimates of recovery rest on: sizes, disks, backups, and how far the log is elsewhere.

Read from the volumes and from `<site>/state/` without opening a database for writing; safe beside a server, and where
volumes are lost: what cannot be read is left out or taken from what was last written down of it.
"""

import os
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from pillarbox.app.build import database_names, place_of
from pillarbox.app.recovery.disks import disk_of
from pillarbox.app.recovery.wiring import open_targets
from pillarbox.app.site import DIRECTORY_DATABASE, Site
from pillarbox.base.clock import MICROSECONDS
from pillarbox.database.live import LiveVolumes
from pillarbox.database.log.segment import parse_segment_name
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import LogPoint
from pillarbox.recovery.facts import ELSEWHERE, Behind, DatabaseFacts, Facts, Place, Saved
from pillarbox.recovery.state import (
    ARCHIVE,
    STANDBY,
    BackupDone,
    LagState,
    SavedDatabase,
    read_backups,
    read_lags,
)

_LOCAL_SCHEMES = ("file://", "s3://")


class Segment(NamedTuple):
    """A segment of the log on a volume: the LSN of its first record, and its octets."""

    first: int
    size: int


def gather_facts(site: Site, now: int) -> Facts:
    """Everything as it is at the moment `now` (microseconds). Raises Failure INVALID for a target that is none."""
    state = site.path / "state"
    backups = read_backups(state)
    targets = _targets(site, backups)
    archived, standbys = read_lags(state / ARCHIVE), read_lags(state / STANDBY)
    databases = []
    for name in database_names(site):
        end = _position(site, name)
        saved = _saved(site, name, [target.name for target in targets], backups, end)
        databases.append(
            DatabaseFacts(
                name=name,
                size=_size(place_of(site, name).file, saved),
                saved=saved,
                archived=_behind(archived.get(name, {}), end, now),
                standbys=_behind(standbys.get(name, {}), end, now),
                divisible=name != DIRECTORY_DATABASE,
            )
        )
    return Facts(
        now=now,
        workers=min(len(os.sched_getaffinity(0)), len(databases) + 1),
        data=Place(str(site.data_volume), disk_of(site.data_volume)),
        logs=tuple(Place(str(volume), disk_of(volume)) for volume in site.log_volumes),
        targets=targets,
        databases=tuple(databases),
    )


def log_since(segments: Sequence[Segment], lsn: int, end: int) -> int:
    """Octets of log behind record `lsn` up to record `end`, from the segments that are here: a record in the middle of
    a segment is taken to be where its number lies between the first and the last; log that is not here any more, to
    be as dense as the rest."""
    octets, covered = 0.0, 0
    for segment, following in zip_longest(segments, segments[1:]):
        last = following.first - 1 if following else end
        records = last - max(segment.first, lsn + 1) + 1
        if records > 0:
            octets += segment.size * records / (last - segment.first + 1)
            covered += records
    return int(octets * max(end - lsn, covered) / covered) if covered else 0


def _targets(site: Site, backups: Sequence[BackupDone]) -> tuple[Place, ...]:
    urls = site.settings.backup.targets
    places = [
        Place(target.label, _disk_of_target(url))
        for url, target in zip(urls, open_targets(site) if urls else [], strict=True)
    ]
    known = {place.name for place in places}
    # Backups to a stream (a tape, another site) are at no target of the settings, and not on this machine's disks.
    streams = {done.target for done in backups if not done.target.startswith(_LOCAL_SCHEMES)} - known
    return (*places, *(Place(name, ELSEWHERE) for name in sorted(streams)))


def _disk_of_target(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "file":
        return disk_of(Path(parts.path))
    endpoint = urlsplit(dict(parse_qsl(parts.query)).get("endpoint", ""))
    return endpoint.netloc if endpoint.hostname in ("127.0.0.1", "::1", "localhost") else ELSEWHERE


def _position(site: Site, name: str) -> LogPoint | None:
    try:
        return LiveVolumes(place_of(site, name)).position()
    except Failure:
        return None


def _saved(
    site: Site, name: str, targets: Sequence[str], backups: Sequence[BackupDone], end: LogPoint | None
) -> tuple[Saved, ...]:
    newest: dict[str, tuple[BackupDone, SavedDatabase]] = {}
    for done in backups:
        if name in done.databases and done.target in targets:
            newest[done.target] = (done, done.databases[name])
    segments = _segments(site, name, end)
    found = []
    for target, (done, database) in newest.items():
        last = end.lsn if end is not None else max([database.lsn, *(segment.first for segment in segments)])
        found.append(
            Saved(
                target=target,
                time=done.started or done.finished,
                size=database.size,
                log_octets=log_since(segments, database.lsn, last),
                log_records=max(last - database.lsn, 0),
                verified=done.verified,
            )
        )
    return tuple(found)


def _segments(site: Site, name: str, end: LogPoint | None) -> list[Segment]:
    """The log's segments in order, from the first volume that has any."""
    for volume in place_of(site, name).log_volumes:
        found = []
        try:
            for entry in os.scandir(volume / name):
                segment = parse_segment_name(entry.name)
                if segment is not None:
                    # The growing segment is longer than what is written in it.
                    current = end is not None and segment == (end.generation, end.segment)
                    size = end.finish if end is not None and current else entry.stat().st_size
                    found.append((segment, size))
        except OSError:
            continue
        if found:
            return [Segment(first, size) for (_, first), size in sorted(found)]
    return []


def _size(file: Path, saved: Sequence[Saved]) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return max((one.size for one in saved), default=0)


def _behind(lags: dict[str, LagState], end: LogPoint | None, now: int) -> tuple[Behind, ...]:
    """How far each place is behind now; what was true when it was written down may have grown since."""
    found = []
    for place, lag in lags.items():
        if end is not None and lag.lsn >= end.lsn:
            found.append(Behind(place, 0.0, 0, 0))
        else:
            age = max(now - lag.at, 0) / MICROSECONDS
            records = max(end.lsn - lag.lsn, 0) if end is not None else lag.records
            found.append(Behind(place, lag.seconds + age, lag.octets, records))
    return tuple(found)
