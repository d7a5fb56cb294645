"""A site: the directory that holds one Pillarbox server, its settings and where everything of it lies.

`DIR/pillarbox.toml` names the data volume and the log volumes (which should be other disks); `DIR/run` holds what
only matters while the server runs: its lock, its process id, and the sockets by which processes tell each other
of changes. `Site.load` raises `Failure(INVALID)` where the settings are wrong.
"""

import fcntl
import os
import pwd
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from pillarbox.app import config
from pillarbox.base.failure import FailureKind
from pillarbox.base.settings import Settings
from pillarbox.model.failure import Failure

SETTINGS_FILE = "pillarbox.toml"
DIRECTORY_DATABASE = "directory"


class Site(NamedTuple):
    """One server's directory and settings."""

    path: Path
    settings: Settings

    @classmethod
    def load(cls, path: Path) -> "Site":
        """The site in a directory."""
        path = path.resolve()
        return cls(path, config.load(path / SETTINGS_FILE))

    @property
    def data_volume(self) -> Path:
        return self.path / self.settings.storage.data_volume

    @property
    def log_volumes(self) -> tuple[Path, ...]:
        return tuple(self.path / volume for volume in self.settings.storage.log_volumes)

    @property
    def run(self) -> Path:
        return self.path / "run"

    @property
    def state(self) -> Path:
        """What must outlive every process and is no mail."""
        return self.path / "state"

    @property
    def spool(self) -> Path:
        """Where large messages wait while they arrive; on the data volume, which has the room."""
        return self.data_volume / "spool"

    @property
    def notices(self) -> Path:
        """The sockets by which processes tell each other of changes."""
        return self.run / "notices"

    @property
    def certificate(self) -> Path:
        return self.path / self.settings.tls.certificate

    @property
    def key(self) -> Path:
        return self.path / self.settings.tls.key

    @property
    def secret(self) -> Path:
        """32 random octets of this site alone, behind what must not be guessed."""
        return self.path / "secret.key"

    def make_directories(self) -> None:
        """Makes what may be missing beneath an existing site, but never a volume: a missing one is a lost disk."""
        for path in (self.run, self.notices, self.spool):
            path.mkdir(mode=0o700, parents=path == self.notices, exist_ok=True)

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Marks the site as served by this process. Raises Failure(IN_USE) where another process serves it."""
        self.run.mkdir(mode=0o700, exist_ok=True)
        with open(self.run / "server.pid", "a+", encoding="ascii") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                raise Failure(
                    FailureKind.IN_USE, f"{self.path} is served already, by process {file.read().strip() or 'unknown'}"
                ) from None
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            try:
                yield
            finally:
                file.truncate(0)


def become(user: str) -> None:
    """Gives up root for a user of this machine, for good. Raises Failure(NOT_FOUND) where there is none."""
    if os.geteuid() != 0 or not user:
        return
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        raise Failure(
            FailureKind.NOT_FOUND, f"[server] user names {user!r}, whom this machine does not know: `useradd -r {user}`"
        ) from None
    os.initgroups(user, entry.pw_gid)
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def become_owner(path: Path) -> None:
    """As root, becomes whoever owns a site, so that nothing is left behind that the server cannot open."""
    if os.geteuid() != 0:
        return
    try:
        owner = path.stat()
    except FileNotFoundError:
        return
    if owner.st_uid != 0:
        os.setgroups([])
        os.setgid(owner.st_gid)
        os.setuid(owner.st_uid)


def give(path: Path, user: str) -> None:
    """As root, makes a user the owner of a folder and all in it. Raises Failure(NOT_FOUND) where there is none."""
    if os.geteuid() != 0 or not user:
        return
    try:
        for folder, _, files in os.walk(path):
            shutil.chown(folder, user)
            for name in files:
                shutil.chown(Path(folder, name), user)
    except LookupError:
        raise Failure(
            FailureKind.NOT_FOUND, f"there is no user {user!r} on this machine; make one with `useradd -r {user}`"
        ) from None
