"""Backups of a site: made, read back, written down, and removed when their time is over.

A backup counts as *verified* when every object of it was read back and its checksums fit; only such a one lets the log
be pruned. Which backups were made is written into `state/backups.jsonl`. Raises `Failure`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from pillarbox import __version__
from pillarbox.app.recovery.wiring import live_databases, make_codec, open_targets, pack_site, state_directory
from pillarbox.app.site import Site
from pillarbox.base.clock import Clock
from pillarbox.database.log.scan import damage_in_span
from pillarbox.model.recovery import Target
from pillarbox.recovery import backup, verification
from pillarbox.recovery.catalog import ArchivedSpan, Catalog, archived_spans
from pillarbox.recovery.codec import Codec
from pillarbox.recovery.loggaps import log_gaps
from pillarbox.recovery.manifest import Manifest
from pillarbox.recovery.names import Kind
from pillarbox.recovery.schedule import kind_due, parse_days, parse_schedule
from pillarbox.recovery.state import BackupDone, SavedDatabase, read_backups, record_backup
from pillarbox.recovery.stream import writing_to


class Checked(NamedTuple):
    """What reading a backup back showed: how much was read, and a sentence for each thing that is wrong."""

    set: str
    target: str
    objects: int
    decoded: int
    octets: int
    findings: list[str]


def due_kind(site: Site, now: int) -> Kind:
    """What a backup that begins now is to be, by the schedule of the settings and what was made so far."""
    settings = site.settings.backup
    fulls = [made.started for made in read_backups(state_directory(site)) if made.kind == Kind.FULL.value]
    schedule = parse_schedule(settings.time or "00:00")
    assert schedule is not None
    return kind_due(now, max(fulls, default=None), schedule, parse_days(settings.full_days))


def make_order(site: Site, kind: Kind) -> backup.Order:
    """What a backup of this site consists of."""
    return backup.Order(
        databases=live_databases(site),
        site=pack_site(site),
        kind=kind,
        codec=make_codec(site),
        hostname=site.settings.server.hostname,
        program=__version__,
        state=state_directory(site),
    )


def make_backup(
    site: Site, kind: Kind, clock: Clock, progress: Callable[[backup.Progress], None], url: str = ""
) -> backup.Outcome:
    """Back up to all targets of the settings (or the one at `url`), and write down what was made."""
    outcome = backup.run_backup(make_order(site, kind), open_targets(site, url), clock, progress)
    for result in outcome.results:
        if result.manifest is not None:
            record_backup(state_directory(site), done(result.manifest, result.label, verified=False))
    return outcome


def make_stream(site: Site, command: str, clock: Clock, progress: Callable[[backup.Progress], None]) -> backup.Outcome:
    """Back up everything into the standard input of a shell command."""
    with writing_to(command, clock) as writer:
        return backup.stream_backup(make_order(site, Kind.FULL), writer, clock, progress)


def verify_backup(
    site: Site,
    target: Target,
    found: Manifest,
    identities: Sequence[Path],
    progress: Callable[[verification.Progress], None] = lambda progress: None,
) -> Checked:
    """Read a set back, and the log that leads from it to now; where nothing is wrong, note it as verified."""
    codec = make_codec(site, identities)
    verified = verification.verify_set(target, found, codec, progress)
    findings = [f"{finding.object}: {finding.what}" for finding in verified.findings]
    if not findings:
        record_backup(state_directory(site), done(found, target.label, verified=True))
    octets, objects, decoded = verified.octets, verified.objects, verified.decoded
    if site.settings.backup.archive_seconds:
        log, gaps = _verify_log(target, found, codec, progress)
        octets, objects, decoded = octets + log.octets, objects + log.objects, decoded + log.decoded
        findings += [f"{finding.object}: {finding.what}" for finding in log.findings] + gaps
    return Checked(found.set, target.label, objects, decoded, octets, findings)


def _verify_log(
    target: Target, found: Manifest, codec: Codec, progress: Callable[[verification.Progress], None]
) -> tuple[verification.Verified, list[str]]:
    spans: list[ArchivedSpan] = []
    gaps: list[str] = []
    for copy in found.databases:
        archived = archived_spans(target, copy.name, copy.uuid)
        gaps += [f"log of {copy.name}: {gap}" for gap in log_gaps(copy.point, [each.name.span for each in archived])]
        begin = (copy.point.generation, copy.point.segment)
        spans += [each for each in archived if (each.name.span.generation, each.name.span.segment) >= begin]
    return verification.verify_log(target, spans, codec, _damage, progress), gaps


def _damage(span: ArchivedSpan, plain: bytes) -> list[str]:
    return damage_in_span(plain, span.name.span, bytes.fromhex(span.name.uuid))


def done(found: Manifest, label: str, verified: bool) -> BackupDone:
    """The line in the state file about a set."""
    return BackupDone(
        set=found.set,
        kind=found.kind.value,
        target=label,
        finished=found.finished,
        databases={
            copy.name: SavedDatabase(copy.point.generation, copy.point.lsn, copy.size) for copy in found.databases
        },
        verified=verified,
        started=found.started,
    )


def list_backups(targets: Sequence[Target]) -> list[tuple[Target, Manifest]]:
    """All sets at all targets, oldest first."""
    found = [(target, manifest) for target in targets for manifest in Catalog(target).sets()]
    return sorted(found, key=lambda pair: pair[1].started)
