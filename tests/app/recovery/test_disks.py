"""Which disk a path is on."""

from pathlib import Path

from pillarbox.app.recovery.disks import Mount, disk_of, parse_mounts

MOUNTINFO = r"""
22 28 0:20 / /proc rw,nosuid shared:12 - proc proc rw
28 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw
40 28 0:41 / /mnt/with\040space rw,relatime shared:30 master:2 - nfs4 server:/ex\040port rw
41 28 0:42 / /tank rw - zfs tank/mail rw
torn line
""".strip()


def test_a_mount_table_is_read() -> None:
    assert parse_mounts(MOUNTINFO) == [
        Mount(Path("/proc"), "proc", "proc"),
        Mount(Path("/"), "ext4", "/dev/nvme0n1p2"),
        Mount(Path("/mnt/with space"), "nfs4", "server:/ex port"),
        Mount(Path("/tank"), "zfs", "tank/mail"),
    ]


def test_neighbours_are_on_one_disk_and_what_is_missing_on_its_own(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    assert disk_of(tmp_path / "a") == disk_of(tmp_path / "b") == disk_of(tmp_path)
    assert disk_of(tmp_path)
    assert disk_of(tmp_path / "gone") != disk_of(tmp_path / "lost")


def test_another_file_system_is_another_disk(tmp_path: Path) -> None:
    assert disk_of(Path("/proc")) != disk_of(tmp_path)
