"""Whatever is left of the files: nothing acknowledged is lost, and what cannot be repaired is named."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.database.log.reader import log_start
from pillarbox.database.verify import Finding, verify
from pillarbox.model.failure import Failure
from pillarbox.model.logged import AlarmKind
from pillarbox.testing.ledger import Ledger, drop, entries, put


def fill(database: Any, first: int, last: int, size: int = 50) -> None:
    """One record for each number."""
    for number in range(first, last + 1):
        database.write_sync(lambda cursor, n=number: put(cursor, f"k{n}", bytes([n % 256]) * size))


def keys(database: Any) -> list[int]:
    return sorted(int(key[1:]) for key in entries(database))


def marks(site: Any, database: Any) -> list[Any]:
    """The place of every record."""
    mirror = database._committer.mirror
    reader = mirror.volumes[0].reader(mirror.identity)
    return [reader.end for _ in reader.records(log_start())]


def test_a_database_opens_again(site: Any) -> None:
    database = site.create()
    fill(database, 1, 5)
    database.close()
    database = site.open()
    assert keys(database) == [1, 2, 3, 4, 5]
    assert database.position == 6
    fill(database, 6, 6)
    assert database.position == 7
    assert site.alarms == []


def test_a_deleted_database_file_is_rebuilt_from_the_log(make_site: Callable[..., Any]) -> None:
    site = make_site(segment_size=2000)
    database = site.create()
    fill(database, 1, 100)
    database.write_sync(lambda cursor: drop(cursor, "k50"))
    database.close()
    assert len(site.segments()) > 5
    site.remove_database()
    database = site.open()
    assert keys(database) == [n for n in range(1, 101) if n != 50]
    fill(database, 101, 101)
    assert set(site.kinds()) == {AlarmKind.PLAYED_FORWARD}
    with database.read() as cursor:
        assert list(cursor.execute("SELECT * FROM numbered")) == [(1, "first")]


@pytest.mark.parametrize("keep_wal", [False, True])
def test_an_old_copy_of_the_database_file_is_played_forward(site: Any, keep_wal: bool) -> None:
    database = site.create()
    fill(database, 1, 10, size=3000)
    database.close()
    old = site.root / "old.db"
    shutil.copy(site.place.file, old)
    database = site.open()
    fill(database, 11, 60, size=3000)
    database.close()
    database = site.open()
    fill(database, 61, 62)
    # As after a crash: the write-ahead file stays, full of commits that the old copy knows nothing of.
    wal = site.place.file.with_name("book.db-wal")
    left = wal.read_bytes()
    assert len(left) > 4096
    database.close()
    shutil.copy(old, site.place.file)
    if keep_wal:
        wal.write_bytes(left)
    database = site.open()
    assert keys(database) == list(range(1, 63))
    assert [found for found in verify(site.place, Ledger(), site.surroundings) if isinstance(found, Finding)] == []


def test_a_write_ahead_file_that_belongs_here_is_kept(site: Any) -> None:
    database = site.create()
    fill(database, 1, 10)
    image = [(file, file.read_bytes()) for file in site.place.data.glob("book.db*") if not file.name.endswith("shm")]
    database.close()
    for file, content in image:
        file.write_bytes(content)
    assert keys(site.open()) == list(range(1, 11))
    assert site.alarms == []


def test_the_write_ahead_file_may_be_missing(site: Any) -> None:
    database = site.create()
    fill(database, 1, 10)
    main = site.place.file.read_bytes()
    database.close()
    site.remove_database()
    site.place.file.write_bytes(main)
    assert keys(site.open()) == list(range(1, 11))


@pytest.mark.parametrize("database_file", ["none", "old"])
def test_a_log_cut_at_every_byte_of_its_last_three_records_gives_a_prefix(
    make_site: Callable[..., Any], database_file: str
) -> None:
    site = make_site()
    database = site.create()
    fill(database, 1, 3)
    database.close()
    old = site.place.file.read_bytes()
    database = site.open()
    fill(database, 4, 7, size=20)
    places = marks(site, database)
    database.close()
    segment = site.segments()[0]
    whole = segment.read_bytes()
    start, finish = places[-3].start, places[-1].finish
    for size in range(start, finish + 1):
        site.remove_database()
        if database_file == "old":
            site.place.file.write_bytes(old)
        segment.write_bytes(whole[:size])
        expected = [n for n in range(1, 8) if places[n].finish <= size]
        database = site.open()
        assert keys(database) == expected, size
        if size in (start, start + 1, finish - 1, finish):
            fill(database, 100, 100)
            database.close()
            site.remove_database()
            database = site.open()
            assert keys(database) == [*expected, 100]
        database.close()


def test_a_flipped_bit_in_the_last_record_that_the_database_does_not_contain_ends_the_log(site: Any) -> None:
    database = site.create()
    fill(database, 1, 3)
    place = marks(site, database)[-1]
    database.close()
    site.remove_database()
    flip(site.segments()[0], place.start + 50)
    assert keys(site.open()) == [1, 2]
    assert AlarmKind.LOG_CUT in site.kinds()


def flip(path: Path, offset: int, bit: int = 1) -> None:
    content = bytearray(path.read_bytes())
    content[offset] ^= bit
    path.write_bytes(content)


def test_flipped_bits_in_the_middle_are_an_error_that_names_file_and_offset(make_site: Callable[..., Any]) -> None:
    site = make_site(segment_size=1500)
    database = site.create()
    fill(database, 1, 20)
    places = marks(site, database)
    database.close()
    segments = {int(path.stem.split("-")[1], 16): path for path in site.segments()}
    chance = random.Random(5)
    for _ in range(60):
        place = chance.choice(places[:-1])
        path = segments[place.segment]
        whole = path.read_bytes()
        flip(path, chance.randrange(place.start, place.finish), 1 << chance.randrange(8))
        site.remove_database()
        with pytest.raises(Failure) as caught:
            site.open()
        assert caught.value.kind is FailureKind.CORRUPT
        assert f"{path} at offset {place.start}" in caught.value.public
        path.write_bytes(whole)
    site.remove_database()
    assert keys(site.open()) == list(range(1, 21))


def test_a_damaged_segment_header_is_named(make_site: Callable[..., Any]) -> None:
    site = make_site(segment_size=1500)
    database = site.create()
    fill(database, 1, 20)
    database.close()
    for path in site.segments():
        whole = path.read_bytes()
        flip(path, 30)
        site.remove_database()
        with pytest.raises(Failure) as caught:
            site.open()
        assert caught.value.kind is FailureKind.CORRUPT
        assert f"{path} at offset 0" in caught.value.public
        path.write_bytes(whole)


def test_a_missing_segment_is_a_gap_by_name(make_site: Callable[..., Any]) -> None:
    site = make_site(segment_size=1500)
    database = site.create()
    fill(database, 1, 20)
    database.close()
    site.remove_database()
    second = site.segments()[1]
    second.unlink()
    with pytest.raises(Failure) as caught:
        site.open()
    assert caught.value.kind is FailureKind.CORRUPT
    wanted = int(second.stem.split("-")[1], 16)
    assert f"record {wanted} of generation 1 is needed" in caught.value.public


def test_segments_put_away_that_the_database_contains_are_not_needed(make_site: Callable[..., Any]) -> None:
    site = make_site(segment_size=1500)
    database = site.create()
    fill(database, 1, 20)
    database.close()
    for path in site.segments()[:-1]:
        path.unlink()
    database = site.open()
    fill(database, 21, 21)
    assert keys(database) == list(range(1, 22))


def test_a_log_older_than_the_database_is_refused(site: Any) -> None:
    database = site.create()
    fill(database, 1, 3)
    places = marks(site, database)
    database.close()
    segment = site.segments()[0]
    segment.write_bytes(segment.read_bytes()[: places[-1].start])
    with pytest.raises(Failure) as caught:
        site.open()
    assert caught.value.kind is FailureKind.CORRUPT
    assert "The database contains log record 4" in caught.value.public


def test_a_log_of_another_history_is_refused(site: Any) -> None:
    database = site.create()
    fill(database, 1, 2)
    segment = site.segments()[0]
    fork = segment.read_bytes()
    database.close()
    old = site.place.file.read_bytes()
    database = site.open()
    fill(database, 3, 4)
    database.close()
    site.remove_database()
    site.place.file.write_bytes(old)
    segment.write_bytes(fork)
    database = site.open()  # history forks here: other content in records 4 and 5
    fill(database, 30, 31)
    database.close()
    other = site.place.file.read_bytes()
    site.remove_database()
    site.place.file.write_bytes(old)
    segment.write_bytes(fork)
    database = site.open()
    fill(database, 3, 5)
    database.close()
    site.remove_database()
    site.place.file.write_bytes(other)
    with pytest.raises(Failure) as caught:
        site.open()
    assert caught.value.kind is FailureKind.CORRUPT


def test_a_log_of_another_database_is_refused(make_site: Callable[..., Any], tmp_path: Path) -> None:
    site = make_site()
    database = site.create()
    fill(database, 1, 2)
    database.close()
    shutil.rmtree(site.place.data)
    shutil.copytree(site.log(), tmp_path / "kept")
    shutil.rmtree(site.log())
    database = site.create()
    fill(database, 1, 2)
    database.close()
    shutil.copy(tmp_path / "kept" / site.segments()[0].name, site.segments()[0])
    with pytest.raises(Failure) as caught:
        site.open()
    assert caught.value.kind is FailureKind.CORRUPT


def test_another_generation_is_refused_by_name(site: Any) -> None:
    site.create().close()
    (site.log() / "2-0000000000000002.log").write_bytes(b"")
    with pytest.raises(Failure) as caught:
        site.open()
    assert caught.value.kind is FailureKind.WRONG_VERSION
    assert "base generation 2" in caught.value.public


def test_zeros_and_rubbish_behind_the_last_record_are_cut_off(site: Any) -> None:
    database = site.create()
    fill(database, 1, 3)
    finish = marks(site, database)[-1].finish
    database.close()
    segment = site.segments()[0]
    whole = segment.read_bytes()[:finish]
    for rubbish in (b"", bytes(3), bytes(100_000), b"PbRc", b"PbRc" + bytes(200), bytes(500) + b"x", b"\xff" * 60):
        segment.write_bytes(whole + rubbish)
        database = site.open()
        assert segment.read_bytes() == whole
        assert keys(database) == [1, 2, 3]
        database.close()


def test_a_letter_that_carries_log_records_is_no_record(site: Any) -> None:
    """A torn record whose payload contains another log's records is still a torn record."""
    database = site.create()
    fill(database, 1, 5)
    place = marks(site, database)[1]
    stolen = site.segments()[0].read_bytes()[place.start : place.finish]
    forged = stolen[:20] + (99).to_bytes(8, "little") + stolen[28:]
    database.write_sync(lambda cursor: put(cursor, "k6", forged * 3))
    last = marks(site, database)[-1]
    database.close()
    site.remove_database()
    flip(site.segments()[0], last.start + 4)
    assert keys(site.open()) == [1, 2, 3, 4, 5]


def test_a_missing_log_volume_is_refused_with_one_sentence(site: Any) -> None:
    site.create().close()
    site.log().parent.rename(site.root / "unmounted")
    with pytest.raises(Failure) as caught:
        site.open()
    assert caught.value.kind is FailureKind.UNAVAILABLE
    assert str(site.root / "log1") in caught.value.public
    site.remove_database()
    with pytest.raises(Failure) as caught:
        site.open()
    assert caught.value.kind is FailureKind.UNAVAILABLE


def test_an_empty_log_volume_is_refused(site: Any) -> None:
    site.create().close()
    shutil.rmtree(site.log())
    with pytest.raises(Failure) as caught:
        site.open()
    assert caught.value.kind is FailureKind.UNAVAILABLE


def test_no_database_is_not_found_and_leaves_nothing(site: Any) -> None:
    with pytest.raises(Failure) as caught:
        site.open()
    assert caught.value.kind is FailureKind.UNAVAILABLE  # not even a data volume
    site.place.data.mkdir()
    with pytest.raises(Failure) as caught:
        site.open()
    assert caught.value.kind is FailureKind.NOT_FOUND
    assert not site.place.file.exists()


def test_creating_twice_is_refused(site: Any) -> None:
    site.create().close()
    with pytest.raises(Failure) as caught:
        site.create()
    assert caught.value.kind is FailureKind.ALREADY_EXISTS
    site.remove_database()
    with pytest.raises(Failure) as caught:
        site.create()
    assert caught.value.kind is FailureKind.ALREADY_EXISTS
    assert keys(site.open()) == []


def test_a_database_of_another_kind_is_refused(site: Any) -> None:
    site.create().close()

    class Other(Ledger):
        name = "mailbox"

    from pillarbox.database.engine import Engine

    with pytest.raises(Failure) as caught:
        Engine.open(site.place, Other(), site.tuning, site.surroundings)
    assert "is a ledger database, not a mailbox database" in caught.value.public


def test_something_else_in_place_of_the_database_is_refused(site: Any) -> None:
    site.create().close()
    site.place.file.write_bytes(b"what is this" * 1000)
    with pytest.raises(Failure) as caught:
        site.open()
    assert caught.value.kind is FailureKind.CORRUPT
