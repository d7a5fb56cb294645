"""Messages on their way in: small ones in memory, large ones in a file without a name."""

from collections.abc import Iterator
from mmap import mmap
from pathlib import Path

import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.servers.spool import Spool


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path, 100)
    yield spool
    spool.discard()


def test_an_empty_message(spool: Spool) -> None:
    assert spool.finish().data == b""


def test_one_chunk_is_not_copied(spool: Spool) -> None:
    chunk = b"x" * 100
    spool.add(chunk)
    assert spool.finish().data is chunk


def test_small_chunks_stay_in_memory(spool: Spool) -> None:
    for _ in range(10):
        spool.add(b"0123456789")
    body = spool.finish()
    assert body.data == b"0123456789" * 10
    assert isinstance(body.data, bytes)
    assert not spool.in_file


def test_more_than_that_goes_into_a_file_that_leaves_no_name(spool: Spool, tmp_path: Path) -> None:
    for number in range(50):
        spool.add(b"%05d" % number)
    assert spool.in_file
    assert list(tmp_path.iterdir()) == []
    body = spool.finish()
    assert isinstance(body.data, mmap)
    assert body.size == 250 == spool.size
    assert bytes(body.data) == b"".join(b"%05d" % number for number in range(50))


def test_discarding_closes_the_file_and_may_be_done_twice(spool: Spool) -> None:
    spool.add(b"y" * 200)
    body = spool.finish()
    spool.discard()
    spool.discard()
    with pytest.raises(ValueError, match="closed"):
        body.data[0]


def test_discarding_while_somebody_still_reads(spool: Spool) -> None:
    spool.add(b"y" * 200)
    view = memoryview(spool.finish().data)
    spool.discard()
    assert bytes(view) == b"y" * 200
    view.release()


def test_a_directory_that_is_not_there_is_a_failure_not_a_crash(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "missing", 10)
    spool.add(b"x" * 10)
    with pytest.raises(Failure) as caught:
        spool.add(b"x")
    assert caught.value.kind is FailureKind.UNAVAILABLE


def test_a_full_disk_is_named() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    with full.open("wb", buffering=0) as file, pytest.raises(Failure) as caught:
        Spool._write(file, b"x")
    assert caught.value.kind is FailureKind.DISK_FULL
