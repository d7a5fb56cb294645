"""Making a site: its directory, settings, certificate, secret, and empty databases.

Nothing that is there is overwritten: a directory that already holds a site is refused with `Failure(ALREADY_EXISTS)`.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from pillarbox.app import config
from pillarbox.app.build import open_parts
from pillarbox.app.site import SETTINGS_FILE, Site, give
from pillarbox.base.clock import SystemClock
from pillarbox.base.failure import FailureKind
from pillarbox.base.ids import SystemIds
from pillarbox.base.settings import Server, Settings
from pillarbox.model.failure import Failure
from pillarbox.net.tls import make_certificate


class NewSite(NamedTuple):
    """What is asked for when a site is made."""

    domain: str
    hostname: str
    listen: Sequence[str]
    port_offset: int
    user: str
    drain_seconds: float = Server().drain_seconds


async def create_site(path: Path, wanted: NewSite) -> Site:
    """Makes the site and its first domain. Raises Failure ALREADY_EXISTS, INVALID or NOT_ALLOWED."""
    settings_file = path / SETTINGS_FILE
    if settings_file.exists():
        raise Failure(FailureKind.ALREADY_EXISTS, f"{settings_file} is there already; choose another directory")
    server = replace(
        Server(),
        hostname=wanted.hostname or f"mail.{wanted.domain}",
        listen=list(wanted.listen) or Server().listen,
        port_offset=wanted.port_offset,
        user=wanted.user,
        drain_seconds=wanted.drain_seconds,
    )
    text = config.render(Settings(server=server))
    try:
        path.mkdir(mode=0o750, parents=True, exist_ok=True)
        site = Site(path.resolve(), Settings(server=server))
        for volume in (site.data_volume, *site.log_volumes):
            volume.mkdir(mode=0o700, exist_ok=True)
        certificate, key = make_certificate(server.hostname, [wanted.domain, "localhost", "127.0.0.1"], SystemClock())
        _write(site.certificate, certificate, 0o644)
        _write(site.key, key, 0o600)
        _write(site.secret, SystemIds().secret(32), 0o600)
        with open_parts(site, "init", create=True) as parts:
            await parts.directory.add_domain(wanted.domain, "")
        _write(settings_file, text.encode(), 0o640)  # last: what has settings is a whole site
        site = Site.load(path)
    except OSError as error:
        raise Failure(FailureKind.NOT_ALLOWED, f"{error.filename or path} cannot be made: {error.strerror}") from error
    give(site.path, wanted.user)
    return site


def _write(path: Path, data: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with open(descriptor, "wb") as file:
        file.write(data)
