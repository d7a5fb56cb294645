"""What recovery works with on one site: its databases from outside, its targets, its keys, its state files.

`<site>/state` holds what must outlive a restart but is no mail: which backups were made, how drills went, how far the
archive is. Losing it loses history and no letter. Raises `Failure` INVALID where the settings are wrong.
"""

import io
import os
import tarfile
from collections.abc import Sequence
from pathlib import Path

from pillarbox.app.build import database_names, place_of
from pillarbox.app.site import Site
from pillarbox.base.failure import FailureKind
from pillarbox.database.live import LiveVolumes
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import Target
from pillarbox.recovery.catalog import Catalog, archived_spans
from pillarbox.recovery.codec import Codec
from pillarbox.recovery.targets.opening import open_target

_LARGEST_FILE = 1 << 20
_NOT_SAVED = frozenset({"run", "drill"})


def state_directory(site: Site) -> Path:
    """`<site>/state`, made if need be."""
    path = site.path / "state"
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def live_databases(site: Site) -> list[LiveVolumes]:
    """All databases of the site, the directory first."""
    return [LiveVolumes(place_of(site, name)) for name in database_names(site)]


def live_database(site: Site, name: str) -> LiveVolumes:
    """One of them. Raises NOT_FOUND."""
    if name not in database_names(site):
        known = ", ".join(database_names(site))
        raise Failure(FailureKind.NOT_FOUND, f"there is no database {name}; this site has {known}")
    return LiveVolumes(place_of(site, name))


def open_targets(site: Site, url: str = "") -> list[Target]:
    """The targets of the settings, or the one given. Raises INVALID where there is none."""
    urls = [url] if url else site.settings.backup.targets
    if not urls:
        raise Failure(
            FailureKind.INVALID,
            'no target is set: name one in pillarbox.toml, [backup] targets = ["file:///mnt/backup"]',
        )
    return [open_target(each, _credentials(site)) for each in urls]


def generation_elsewhere(site: Site, name: str) -> int:
    """The newest generation of a database that any target has; 0 where there is none. Raises what a target raises."""
    newest = 0
    for target in open_targets(site) if site.settings.backup.targets else ():
        archived = [each.name.span.generation for each in archived_spans(target, name)]
        if not archived:  # the log is not archived there, so the backups must be asked
            copies = [found.database(name) for found in Catalog(target).sets()]
            archived = [copy.point.generation for copy in copies if copy is not None]
        newest = max([newest, *archived])
    return newest


def make_codec(site: Site, identity_files: Sequence[Path] = ()) -> Codec:
    """How backups are wrapped; to read encrypted ones, private key files are needed."""
    return Codec(site.settings.backup.compression, site.settings.backup.recipients, read_identities(identity_files))


def read_identities(files: Sequence[Path]) -> list[str]:
    """The texts of private key files. Raises NOT_FOUND."""
    texts = []
    for file in files:
        try:
            texts.append(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise Failure(FailureKind.NOT_FOUND, f"the private key {file} cannot be read: {error}") from error
    return texts


def _credentials(site: Site) -> tuple[str, str] | None:
    name = site.settings.backup.s3_credentials
    if not name:
        return None
    path = site.path / name
    try:
        access, secret = path.read_text(encoding="utf-8").split()
    except (OSError, ValueError, UnicodeDecodeError) as error:
        raise Failure(
            FailureKind.INVALID, f"{path} should hold two lines, the access key and the secret key: {error}"
        ) from error
    return access, secret


def pack_site(site: Site) -> bytes:
    """A tar of the settings, certificates, keys and state: all that a site has beside its databases."""
    buffer = io.BytesIO()
    volumes = {site.data_volume, *site.log_volumes}
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for folder, folders, files in os.walk(site.path):
            here = Path(folder)
            folders[:] = sorted(
                name for name in folders if here / name not in volumes and not _is_volatile(site, here / name)
            )
            for name in sorted(files):
                path = here / name
                if path.is_file() and not path.is_symlink() and path.stat().st_size <= _LARGEST_FILE:
                    tar.add(path, path.relative_to(site.path).as_posix())
    return buffer.getvalue()


def unpack_site(data: bytes, directory: Path) -> None:
    """Puts the files that `pack_site` packed into `directory`; what is there already is kept."""
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        for member in tar.getmembers():
            path = directory / member.name
            content = tar.extractfile(member) if member.isreg() else None
            if content is None or path.exists():
                continue
            if ".." in path.parts or not path.is_relative_to(directory):
                raise Failure(FailureKind.CORRUPT, f"the backup holds a file outside the site: {member.name!r}")
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.touch(mode=member.mode & 0o700)
            path.write_bytes(content.read())


def _is_volatile(site: Site, folder: Path) -> bool:
    return folder.parent == site.path and (folder.name in _NOT_SAVED or folder.name == site.settings.drill.scratch)
