"""The journal of an unfinished backup: read back, torn, nonsense, on a disk that takes nothing."""

from pathlib import Path

import pytest

from pillarbox.recovery.journal import Begun, Entry, Journal
from pillarbox.recovery.manifest import Piece
from pillarbox.recovery.names import Kind

BEGUN = Begun(1_795_483_800_000_000, Kind.INCREMENTAL, ".zst.age", ("age1x", "ssh-ed25519 y"))
ENTRIES = [Entry("file:///mnt", "0" * 32, Piece(f"sets/x/{number}", number, 1, 2, "a", "b")) for number in range(3)]


def test_it_is_read_back(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    assert journal.read() is None
    journal.begin(BEGUN, ENTRIES[:1])
    journal.append(ENTRIES[1:])
    assert Journal(tmp_path / "journal").read() == (BEGUN, ENTRIES)
    journal.begin(BEGUN)
    assert journal.read() == (BEGUN, [])
    journal.end()
    journal.end()
    assert journal.read() is None


def test_torn_anywhere_it_gives_what_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = Journal(path)
    journal.begin(BEGUN, ENTRIES)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        found = journal.read()
        assert found is None or (found[0] == BEGUN and found[1] == ENTRIES[: len(found[1])])


@pytest.mark.parametrize("data", [b"", b"null\n", b"[1]\n", b'[1, "half", "", []]\n', b"\xff\xfe"])
def test_nonsense_means_nothing_was_stored(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "journal").write_bytes(data)
    assert Journal(tmp_path / "journal").read() is None


def test_a_disk_that_takes_nothing_is_no_failure(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "missing" / "journal")
    journal.begin(BEGUN, ENTRIES)
    journal.append(ENTRIES)
    journal.end()
    assert journal.read() is None
