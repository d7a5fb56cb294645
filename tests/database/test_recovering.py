"""A copy is played forward: to the end, to a record, to a moment, over generations; broken off, it goes on."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.database.comparing import compare_with_live
from pillarbox.database.generation import begin_generation, continues, install_recovered
from pillarbox.database.live import LiveVolumes
from pillarbox.database.recovering import RecoveringDatabase
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import Played, Until
from pillarbox.testing.ledger import Ledger, entries, put


def fill(database: Any, first: int, last: int, size: int = 50) -> None:
    for number in range(first, last + 1):
        database.write_sync(lambda cursor, n=number: put(cursor, f"k{n}", bytes([n % 256]) * size))


def backup(site: Any, target: Path) -> None:
    with LiveVolumes(site.place, site.surroundings).pin() as pinned:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(pinned.path, target)


def recovering(site: Any, directory: Path) -> RecoveringDatabase:
    """With all of the log that is there, and the copy that was put into `directory`."""
    recovered = RecoveringDatabase(directory, "book", Ledger(), site.surroundings)
    recovered.log.mkdir(parents=True, exist_ok=True)
    for segment in site.segments():
        shutil.copy(segment, recovered.log)
    return recovered


def unheard(_: Played) -> None:
    pass


def keys_in(path: Path) -> int:
    connection = apsw.Connection(str(path))
    ((count,),) = connection.execute("SELECT count(*) FROM entry")
    connection.close()
    return int(count)


def test_to_the_end_and_compared(make_site: Callable[..., Any], tmp_path: Path) -> None:
    site = make_site(segment_size=2000)
    database = site.create()
    fill(database, 1, 20)
    backup(site, tmp_path / "r" / "book.db")
    fill(database, 21, 90)
    recovered = recovering(site, tmp_path / "r")
    reached: list[Played] = []
    played = recovered.play(Until(), reached.append)
    assert (played.records, played.lsn) == (70, 91)
    assert reached[-1] == played
    assert list(recovered.check()) == []
    assert list(recovered.compare(site.place.file)) == []
    fill(database, 91, 91)
    fill(database, 3, 3, 10)
    [difference] = recovered.compare(site.place.file)
    assert difference.startswith("table entry: 1 rows are missing, 0 are too many, 1 differ")
    assert recovered.play(Until(), unheard).records == 0


def test_to_a_record(site: Any, tmp_path: Path) -> None:
    database = site.create()
    backup(site, tmp_path / "r" / "book.db")
    fill(database, 1, 20)
    recovered = recovering(site, tmp_path / "r")
    for wanted in (1, 2, 11, 11, 21):
        assert recovered.play(Until(lsn=wanted), unheard).lsn == wanted
        assert keys_in(recovered.file) == wanted - 1


def test_to_a_moment(site: Any, tmp_path: Path) -> None:
    database = site.create()
    backup(site, tmp_path / "r" / "book.db")
    clock = site.surroundings.clock
    times = []
    for number in range(1, 6):
        clock.advance(10)
        times.append(clock.now())
        fill(database, number, number)
    recovered = recovering(site, tmp_path / "r")
    assert recovered.play(Until(time=times[0] - 1), unheard).records == 0
    assert recovered.play(Until(time=times[2]), unheard).lsn == 4
    assert recovered.play(Until(time=times[3] + 5), unheard).lsn == 5
    assert recovered.play(Until(time=times[4] + 1_000_000_000), unheard).lsn == 6


def test_values_that_change_places_are_played_one_by_one(site: Any, tmp_path: Path) -> None:
    database = site.create()
    backup(site, tmp_path / "r" / "book.db")

    def name(row: int, text: str) -> None:
        database.write_sync(lambda cursor: cursor.execute("UPDATE numbered SET text = ? WHERE id = ?", (text, row)))

    database.write_sync(lambda cursor: cursor.execute("INSERT INTO numbered VALUES (2, 'second')"))
    for row, text in ((1, "third"), (2, "first"), (1, "second")):  # the two change their names
        name(row, text)
    recovered = recovering(site, tmp_path / "r")
    assert recovered.play(Until(), unheard).records == 4
    assert list(recovered.compare(site.place.file)) == []


def test_a_schema_version_in_between(site: Any, tmp_path: Path) -> None:
    database = site.create()
    fill(database, 1, 3)
    backup(site, tmp_path / "r" / "book.db")
    fill(database, 4, 6)
    database.close()
    database = site.open(version=3)
    fill(database, 7, 9)
    recovered = RecoveringDatabase(tmp_path / "r", "book", Ledger(3), site.surroundings)
    recovered.log.mkdir(parents=True)
    shutil.copy(site.segments()[0], recovered.log)
    recovered.play(Until(), unheard)
    assert list(recovered.compare(site.place.file)) == []


def test_over_generations(site: Any, tmp_path: Path) -> None:
    database = site.create()
    fill(database, 1, 10)
    backup(site, tmp_path / "first" / "book.db")
    backup(site, tmp_path / "back" / "book.db")
    fill(database, 11, 20)
    database.close()
    # Back to record 16, and on from there.
    back = recovering(site, tmp_path / "back")
    back.play(Until(lsn=16), unheard)
    assert install_recovered(site.place, back.file, tmp_path / "aside", site.tuning, site.surroundings) == 1
    assert (tmp_path / "aside" / "book.db").exists()
    assert begin_generation(site.place, site.tuning, site.surroundings) == 2
    assert begin_generation(site.place, site.tuning, site.surroundings) == 3, "one already entered is not begun again"
    database = site.open()
    assert len(list(entries(database))) == 15
    fill(database, 101, 105)
    assert database.position == 21
    database.close()
    database = site.open()
    # From the first backup to now: generation 1 up to record 16, then the newer one.
    recovered = recovering(site, tmp_path / "first")
    played = recovered.play(Until(), unheard)
    assert (played.generation, played.lsn, played.records) == (3, 21, 10)
    assert list(recovered.compare(site.place.file)) == []


def test_a_copy_from_a_line_that_was_left_is_refused(site: Any, tmp_path: Path) -> None:
    database = site.create()
    fill(database, 1, 10)
    backup(site, tmp_path / "early" / "book.db")
    fill(database, 11, 20)
    backup(site, tmp_path / "late" / "book.db")
    database.close()
    early = recovering(site, tmp_path / "early")
    install_recovered(site.place, early.file, tmp_path / "aside", site.tuning, site.surroundings)
    begin_generation(site.place, site.tuning, site.surroundings)
    database = site.open()
    fill(database, 101, 105)
    late = recovering(site, tmp_path / "late")
    with pytest.raises(Failure, match="did not follow") as caught:
        late.play(Until(), unheard)
    assert caught.value.kind is FailureKind.CORRUPT


def test_a_lost_file_comes_back_and_the_log_goes_on(site: Any, tmp_path: Path) -> None:
    database = site.create()
    fill(database, 1, 10)
    backup(site, site.place.data / "restore" / "book.db")
    fill(database, 11, 20)
    database.close()
    site.remove_database()
    restored = site.place.data / "restore" / "book.db"
    assert continues(site.place, restored, site.surroundings)
    install_recovered(site.place, restored, tmp_path / "aside", site.tuning, site.surroundings)
    database = site.open()
    assert len(list(entries(database))) == 20
    fill(database, 21, 22)
    assert database.status().generation == 1


def test_on_a_bare_machine(make_site: Callable[..., Any], tmp_path: Path) -> None:
    site = make_site(logs=2)
    database = site.create()
    fill(database, 1, 10)
    backup(site, tmp_path / "r" / "book.db")
    database.close()
    shutil.rmtree(site.place.data)
    for volume in site.place.log_volumes:
        shutil.rmtree(volume)
        volume.mkdir()
    site.place.data.mkdir()
    shutil.move(tmp_path / "r" / "book.db", site.place.data / "copy.db")
    assert not continues(site.place, site.place.data / "copy.db", site.surroundings)
    install_recovered(site.place, site.place.data / "copy.db", tmp_path / "aside", site.tuning, site.surroundings)
    begin_generation(site.place, site.tuning, site.surroundings)
    database = site.open()
    fill(database, 11, 12)
    database.close()
    database = site.open()
    assert len(list(entries(database))) == 12
    assert database.status().generation == 2


def test_segments_of_another_database_are_moved_aside(site: Any, tmp_path: Path) -> None:
    database = site.create()
    fill(database, 1, 10)
    backup(site, site.place.data / "copy.db")
    database.close()
    for path in site.segments():
        path.unlink()
    (site.log() / "mirror.json").unlink()
    site.remove_database()
    site.surroundings.ids.token()
    database = site.create()  # an empty one in its place
    database.close()
    install_recovered(site.place, site.place.data / "copy.db", tmp_path / "aside", site.tuning, site.surroundings)
    begin_generation(site.place, site.tuning, site.surroundings)
    assert len(list(site.log().with_name("book.other").iterdir())) == 1
    database = site.open()
    assert len(list(entries(database))) == 10


def test_without_a_copy(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="the copy comes first"):
        RecoveringDatabase(tmp_path, "book", Ledger()).play(Until(), unheard)


def test_compared_with_the_living_one_at_the_same_record(site: Any, tmp_path: Path) -> None:
    database = site.create()
    fill(database, 1, 5)
    backup(site, tmp_path / "r" / "book.db")
    fill(database, 6, 10)
    live = LiveVolumes(site.place, site.surroundings)
    recovered = RecoveringDatabase(tmp_path / "r", "book", Ledger(), site.surroundings)
    assert list(compare_with_live(recovered, live)) == []
    fill(database, 11, 15)
    assert list(compare_with_live(recovered, live)) == []
    connection = apsw.Connection(str(recovered.file))
    connection.execute("UPDATE entry SET value = x'00' WHERE key = 'k3'")
    connection.execute("DELETE FROM entry WHERE key = 'k4'")
    connection.close()
    [difference] = compare_with_live(recovered, live)
    assert difference.startswith("table entry: 1 rows are missing, 0 are too many, 1 differ")


def test_a_new_generation_is_later_than_any_in_the_archive(site: Any) -> None:
    database = site.create()
    fill(database, 1, 10)
    database.close()
    assert begin_generation(site.place, site.tuning, site.surroundings, beyond=4) == 5
    database = site.open()
    fill(database, 11, 12)
    assert database.status().generation == 5
    database.close()
    assert begin_generation(site.place, site.tuning, site.surroundings, beyond=4) == 6
