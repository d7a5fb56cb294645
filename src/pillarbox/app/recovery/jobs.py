"""The keeper's jobs on one site, as its settings ask for them."""

from typing import TYPE_CHECKING

from pillarbox.app.recovery.archiving import ArchiveJob
from pillarbox.app.recovery.drilling import DrillJob
from pillarbox.app.recovery.nightly import BackupJob, PruneJob
from pillarbox.app.site import Site
from pillarbox.app.standby.shipping import ShippingService
from pillarbox.base.clock import SystemClock
from pillarbox.base.log import Log
from pillarbox.base.metrics import Counters

if TYPE_CHECKING:
    from pillarbox.app.keeper import Job


def make_jobs(site: Site, log: Log, counters: Counters) -> "list[Job]":
    """What there is to do."""
    clock, settings = SystemClock(), site.settings
    jobs: list[Job] = []
    archive = None
    if settings.backup.targets and settings.backup.archive_seconds:
        archive = ArchiveJob(site, log, counters, clock)
        jobs.append(archive)
    if settings.backup.targets and settings.backup.time:
        jobs.append(BackupJob(site, log, counters, clock))
    jobs.append(PruneJob(site, log, counters, clock, archive))
    jobs.append(DrillJob(site, log, counters, clock))
    if settings.standby.listen:
        jobs.append(ShippingService(site, log, counters))
    return jobs
