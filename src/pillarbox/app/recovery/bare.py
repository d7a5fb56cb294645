"""Beginning on a bare machine: settings, certificates and keys out of a backup, and empty volumes for the databases."""

from collections.abc import Sequence
from pathlib import Path

from pillarbox.app.recovery.wiring import read_identities, unpack_site
from pillarbox.app.site import SETTINGS_FILE, Site
from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import Until
from pillarbox.recovery.catalog import Catalog
from pillarbox.recovery.codec import Codec
from pillarbox.recovery.targets.opening import open_target


def fetch_site(directory: Path, url: str, identities: Sequence[Path], until: Until) -> Site:
    """Put what the newest backup (before `until`) holds of the site into `directory`; files there are kept.

    Volumes that the settings name are made where they are missing. Raises NOT_FOUND where there is no backup.
    """
    target = open_target(url, None)
    found = Catalog(target).newest(until.time)
    if found is None or found.site is None:
        raise Failure(FailureKind.NOT_FOUND, f"there is no backup with settings at {target.label}")
    data = target.get(found.site.object)
    plain = Codec(0, [], read_identities(identities)).decode(found.site.object, data)
    directory.mkdir(mode=0o750, parents=True, exist_ok=True)
    unpack_site(plain, directory)
    if not (directory / SETTINGS_FILE).exists():
        raise Failure(FailureKind.CORRUPT, f"backup {found.set} holds no settings")
    site = Site.load(directory)
    for volume in (site.data_volume, *site.log_volumes):
        volume.mkdir(mode=0o700, parents=True, exist_ok=True)
    return site
