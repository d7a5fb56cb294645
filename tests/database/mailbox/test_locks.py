"""A maildrop is held by one session at a time, across processes, and let go when its process dies."""

import os
from pathlib import Path

import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.database.mailbox import locks
from pillarbox.model.failure import Failure
from pillarbox.model.ids import AccountId

ACCOUNT = AccountId(7)


def _held(directory: Path) -> bool:
    try:
        locks.acquire(directory, ACCOUNT)()
    except Failure as failure:
        assert failure.kind is FailureKind.IN_USE
        return True
    return False


def test_the_lock_leaves_no_file_behind(tmp_path: Path) -> None:
    release = locks.acquire(tmp_path / "locks", ACCOUNT)
    assert _held(tmp_path / "locks")
    release()
    release()
    assert not _held(tmp_path / "locks")
    assert os.listdir(tmp_path / "locks") == []


def test_another_process_is_kept_out_until_the_holder_dies(tmp_path: Path) -> None:
    ready, tell = os.pipe()
    wait, die = os.pipe()
    child = os.fork()
    if child == 0:
        locks.acquire(tmp_path, ACCOUNT)
        os.write(tell, b"x")
        os.close(die)
        os.read(wait, 1)
        os._exit(1)
    os.read(ready, 1)
    assert _held(tmp_path)
    os.close(die)
    os.waitpid(child, 0)
    for handle in (ready, tell, wait):
        os.close(handle)
    assert not _held(tmp_path)


def test_a_file_that_was_removed_meanwhile_is_no_lock(tmp_path: Path) -> None:
    release = locks.acquire(tmp_path, ACCOUNT)
    (tmp_path / "7.lock").unlink()
    again = locks.acquire(tmp_path, ACCOUNT)
    assert _held(tmp_path)
    again()
    release()


def test_a_directory_that_cannot_be_made_is_a_temporary_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Failure) as caught:
        locks.acquire(tmp_path / "file" / "locks", ACCOUNT)
    assert caught.value.kind is FailureKind.UNAVAILABLE
