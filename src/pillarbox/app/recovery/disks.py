"""Which disk a path is on, so that it is known what dies together (Linux; elsewhere, file systems count as disks).

The answer is a name for people: "sda", "nvme0n1", "zfs pool tank", or `ELSEWHERE` for a network file system. Partitions
of a disk are that disk; a volume made of one disk is that disk, one made of several (RAID) counts as a disk of its
own. A path that is not there is on a disk of its own: a missing volume is a lost disk already.
"""

import os
import re
from pathlib import Path
from typing import NamedTuple

from pillarbox.recovery.facts import ELSEWHERE

_MOUNTS = Path("/proc/self/mountinfo")
_BLOCK_DEVICES = Path("/sys/dev/block")
_NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "ceph", "fuse.ceph", "fuse.sshfs", "fuse.glusterfs", "fuse.s3fs", "fuse.rclone"}
    | {"9p", "afs", "lustre", "beegfs", "ocfs2", "gfs2"}
)
_ESCAPE = re.compile(r"\\([0-7]{3})")


class Mount(NamedTuple):
    """A line of mountinfo: where, of what kind, from what."""

    point: Path
    kind: str
    source: str


def disk_of(path: Path) -> str:
    """The disk that holds an existing path."""
    try:
        device = path.stat().st_dev
    except OSError:
        return f"missing {path}"
    mount = _mount_of(path.resolve())
    if mount is None:
        return _block_disk(device)
    if mount.kind in _NETWORK:
        return ELSEWHERE
    if mount.kind == "zfs":
        return f"zfs pool {mount.source.partition('/')[0]}"
    try:
        return _block_disk(os.stat(mount.source).st_rdev if mount.source.startswith("/dev/") else device)
    except OSError:
        return _block_disk(device)


def parse_mounts(text: str) -> list[Mount]:
    """The mounts in a mountinfo file, in their order; of two at one point, the later one is seen."""
    mounts = []
    for line in text.splitlines():
        before, dash, after = line.partition(" - ")
        fields, more = before.split(" "), after.split(" ")
        if dash and len(fields) > 4 and len(more) > 1:
            mounts.append(Mount(Path(_unescaped(fields[4])), more[0], _unescaped(more[1])))
    return mounts


def _mount_of(path: Path) -> Mount | None:
    try:
        mounts = parse_mounts(_MOUNTS.read_text(encoding="utf-8", errors="surrogateescape"))
    except OSError:
        return None
    over = [mount for mount in mounts if path.is_relative_to(mount.point)]
    # The deepest mount point; of several at the same one, the last.
    return max(enumerate(over), key=lambda pair: (len(pair[1].point.parts), pair[0]))[1] if over else None


def _block_disk(device: int) -> str:
    number = f"{os.major(device)}:{os.minor(device)}"
    entry = _BLOCK_DEVICES / number
    if not entry.exists():
        return f"device {number}"
    return _whole_disk(entry.resolve())


def _whole_disk(entry: Path) -> str:
    if (entry / "partition").exists():
        return entry.parent.name
    try:
        below = list((entry / "slaves").iterdir())
    except OSError:
        below = []
    return _whole_disk(below[0].resolve()) if len(below) == 1 else entry.name


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), text)
