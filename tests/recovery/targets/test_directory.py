"""The directory target and disks: not mounted, swapped, full, read-only, killed in the middle."""

import errno
import os
from pathlib import Path

import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.recovery.targets.directory import DirectoryTarget
from pillarbox.testing.targetcontract import fails, names


def test_a_directory_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    root = tmp_path / "mnt"
    target = DirectoryTarget(root)
    for call in (
        lambda: target.put("a/b", b"x"),
        lambda: target.get("a/b"),
        lambda: target.list(""),
        lambda: target.delete("a/b"),
        target.flush,
    ):
        assert "is its disk mounted?" in fails(FailureKind.UNAVAILABLE, call).public
    assert not root.exists()


def test_a_disk_that_went_away_is_noticed(tmp_path: Path) -> None:
    root = tmp_path / "mnt"
    root.mkdir()
    target = DirectoryTarget(root)
    target.put("a/b", b"x")
    root.rename(tmp_path / "elsewhere")
    fails(FailureKind.UNAVAILABLE, lambda: target.put("a/c", b"x"))
    fails(FailureKind.UNAVAILABLE, target.flush)
    assert not root.exists()
    (tmp_path / "elsewhere").rename(root)
    target.flush()
    assert target.get("a/b") == b"x"


def test_another_device_is_not_written_to(tmp_path: Path) -> None:
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("needs a second file system")
    root = tmp_path / "mnt"
    (tmp_path / "disk").mkdir()
    root.symlink_to(tmp_path / "disk")
    target = DirectoryTarget(root)
    target.put("a", b"x")
    root.unlink()
    root.symlink_to(shared)
    assert "another disk" in fails(FailureKind.UNAVAILABLE, lambda: target.put("a", b"x")).public


def test_it_can_be_demanded_that_something_is_mounted() -> None:
    target = DirectoryTarget(Path("/usr"), elsewhere=True)
    if Path("/usr").stat().st_dev != Path("/").stat().st_dev:
        pytest.skip("/usr is mounted here")
    assert "nothing is mounted" in fails(FailureKind.UNAVAILABLE, lambda: target.list("")).public


def test_a_file_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "mnt").write_text("")
    target = DirectoryTarget(tmp_path / "mnt")
    assert "not a directory" in fails(FailureKind.UNAVAILABLE, lambda: target.put("a", b"x")).public


def test_leftovers_of_a_killed_writer_are_not_objects(tmp_path: Path) -> None:
    target = DirectoryTarget(tmp_path)
    target.put("sets/a", b"x")
    (tmp_path / "sets" / ".b.123-0").write_bytes(b"half")
    (tmp_path / "lost+found").mkdir()
    (tmp_path / "not an object").write_bytes(b"")
    assert names(target) == ["sets/a"]


def test_a_full_disk_is_said_so_and_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = DirectoryTarget(tmp_path)

    def full(file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fdatasync", full)
        assert "no room" in fails(FailureKind.DISK_FULL, lambda: target.put("a/b", b"x")).public
    assert [path.name for path in (tmp_path / "a").iterdir()] == []


def test_an_object_is_whole_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = DirectoryTarget(tmp_path)
    steps: list[str] = []
    sync, rename, fsync = os.fdatasync, Path.rename, os.fsync
    monkeypatch.setattr(os, "fdatasync", lambda file: (steps.append("data"), sync(file))[1])
    monkeypatch.setattr(Path, "rename", lambda path, to: (steps.append("rename"), rename(path, to))[1])
    monkeypatch.setattr(os, "fsync", lambda file: (steps.append("names"), fsync(file))[1])
    target.put("a/b", b"x")
    target.flush()
    target.flush()
    assert steps == ["data", "rename", "names", "names"]


def test_only_the_server_may_read_it(tmp_path: Path) -> None:
    DirectoryTarget(tmp_path).put("a/b", b"x")
    assert (tmp_path / "a").stat().st_mode & 0o077 == 0
    assert (tmp_path / "a" / "b").stat().st_mode & 0o077 == 0
