"""The keeper's jobs on one site, as its settings ask for them."""

from typing import TYPE_CHECKING

from pillarbox.app.site import Site
from pillarbox.base.log import Log
from pillarbox.base.metrics import Counters

if TYPE_CHECKING:
    from pillarbox.app.keeper import Job


def make_jobs(site: Site, log: Log, counters: Counters) -> "list[Job]":
    """What there is to do; with nothing set, nothing."""
    return []
