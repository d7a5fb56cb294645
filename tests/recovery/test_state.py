"""What the keeper writes down of backups and lags is read back equal, by older and newer programs too."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.recovery.jsonfile import append_line, write_whole
from pillarbox.recovery.state import (
    ARCHIVE,
    BACKUPS,
    BackupDone,
    LagState,
    SavedDatabase,
    read_backups,
    read_lags,
    record_backup,
    write_lags,
)

NUMBERS = st.integers(0, 2**62)
SAVED = st.builds(SavedDatabase, NUMBERS, NUMBERS, NUMBERS, NUMBERS)
DONE = st.builds(
    BackupDone, st.text(), st.text(), st.text(), NUMBERS, st.dictionaries(st.text(), SAVED), st.booleans(), NUMBERS
)


@given(DONE)
@settings(max_examples=50, deadline=None)
def test_a_backup_is_read_as_it_was_written(done: BackupDone) -> None:
    assert BackupDone.decode(done.encode()) == done


def test_a_later_line_of_a_set_replaces_the_earlier(tmp_path: Path) -> None:
    done = BackupDone("20261124T013000Z-full", "full", "file:///b", 5, {"mailboxes": SavedDatabase(0, 9, 4096)})
    later = done._replace(set="20261125T013000Z-incr", kind="incr", finished=8)
    for one in (done, later, done._replace(verified=True)):
        record_backup(tmp_path, one)
    assert read_backups(tmp_path) == [done._replace(verified=True), later]


def test_what_is_no_backup_is_left_out_and_unknown_fields_too(tmp_path: Path) -> None:
    good = {"set": "s", "kind": "full", "target": "t", "finished": 1, "databases": {}, "colour": "red"}
    for row in ({"set": "s"}, {**good, "finished": "soon"}, {**good, "databases": [1]}, good):
        append_line(tmp_path / BACKUPS, row, 10)
    assert read_backups(tmp_path) == [BackupDone("s", "full", "t", 1, {})]


def test_lags_are_read_as_they_were_written(tmp_path: Path) -> None:
    lags = {"mailboxes": {"file:///b": LagState(9, 0.5, 100, 2, 77), "s3://c": LagState(9, 0.0, 0, 0, 77)}}
    write_lags(tmp_path / ARCHIVE, lags)
    assert read_lags(tmp_path / ARCHIVE) == lags


def test_spoilt_lags_are_left_out(tmp_path: Path) -> None:
    good = {"lsn": 1, "seconds": 0, "octets": 0, "records": 0, "at": 5}
    write_whole(tmp_path / ARCHIVE, {"a": {"x": {"lsn": 1}, "y": good, "z": 3}, "b": 7})
    assert read_lags(tmp_path / ARCHIVE) == {"a": {"y": LagState(1, 0.0, 0, 0, 5)}}
