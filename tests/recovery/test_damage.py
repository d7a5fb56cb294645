"""Bits that flip: in the database file, in a log volume, in a backup, in archived log. What they change is found and
named, or made up for from elsewhere, and said; never is anything silently other than it was."""

import random
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.database.comparing import compare_with_live
from pillarbox.database.log.scan import damage_in_span
from pillarbox.model.failure import Failure
from pillarbox.model.logged import AlarmKind
from pillarbox.model.recovery import Until
from pillarbox.recovery.catalog import ArchivedSpan, Catalog, archived_spans
from pillarbox.recovery.restore import SetDamaged
from pillarbox.recovery.verification import verify_log, verify_set
from pillarbox.testing.mailhouse import MailHouse, no_wait
from pillarbox.testing.targets import MemoryTarget

FLIPS = 40


@pytest.fixture
def targets() -> list[MemoryTarget]:
    return [MemoryTarget("one"), MemoryTarget("two")]


@pytest.fixture
def house(tmp_path: Path, targets: list[MemoryTarget]) -> Iterator[MailHouse]:
    """Two backups, and log behind each."""
    made = MailHouse(tmp_path, targets, 4)
    made.work(80)
    assert made.backup().complete
    made.work(80)
    made.archive()
    assert made.backup().complete
    made.work(60)
    made.archive()
    yield made
    made.close()


def flip(path: Path, offset: int, bit: int = 0) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 1 << bit
    path.write_bytes(data)


def rows(file: Path) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables, or what SQLite says instead."""
    connection = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: sorted(connection.execute(f"SELECT * FROM {table}"), key=repr) for table in tables}
    except (apsw.Error, UnicodeDecodeError) as error:
        return {str(error): []}
    finally:
        connection.close(force=True)


def test_in_the_database_file(house: MailHouse) -> None:
    """By `verify`, which changes nothing, or by comparing with a restored copy, as each drill does."""
    house.stop()
    house.restore(live=house.live)
    file = house.place.file
    whole, good = file.read_bytes(), rows(file)
    chance = random.Random(8)
    changed = 0
    for number in range(FLIPS):
        flip(file, chance.randrange(len(whole)), chance.randrange(8))
        if rows(file) != good:
            changed += 1
            assert house.findings() or differs(house), number
        file.write_bytes(whole)
        for end in ("-wal", "-shm"):
            file.with_name(file.name + end).unlink(missing_ok=True)
    assert changed > FLIPS / 4
    assert house.findings() == [] and not differs(house)
    house.start()
    house.check()


@pytest.mark.parametrize("text", [b"Work/Old", b"$Forwarded"])
def test_in_a_text_of_the_database_file(house: MailHouse, text: bytes) -> None:
    """It is a text no more: verify says so, and whoever reads it gets a failure that says so, and an alarm."""
    house.stop()
    whole = house.place.file.read_bytes()
    house.place.file.write_bytes(whole.replace(text, bytes([text[0] | 0x80]) + text[1:]))
    assert house.findings()
    house.start()
    with pytest.raises(Failure) as caught:
        house.check()
    assert caught.value.kind is FailureKind.CORRUPT
    assert house.engine.status().damaged and AlarmKind.DAMAGED in [alarm.kind for alarm in house.alarms]


def differs(house: MailHouse) -> bool:
    try:
        return bool(list(compare_with_live(house.recovery(), house.live)))
    except Failure as failure:
        return failure.kind is FailureKind.CORRUPT


def test_in_a_log_volume(house: MailHouse) -> None:
    """The other volume's truth wins; verify names the file, and a fresh copy heals it."""
    chance = random.Random(9)
    for number in range(12):
        house.work(5)
        house.stop()
        root = house.place.log_volumes[number % 2]
        span = chance.choice(house.live.spans(None))
        path = root / "mail" / f"{span.generation}-{span.segment:016x}.log"
        flip(path, chance.randrange(span.finish), chance.randrange(8))
        findings = house.findings()
        assert findings and all(str(root) in finding.part for finding in findings), findings
        assert any(path.name in finding.text for finding in findings), findings
        house.start()
        house.check()
        house.work(5)
        house.stop()
        for segment in (root / "mail").iterdir():
            segment.unlink()
        house.start()
        house.check()
        assert house.findings() == []


@pytest.mark.parametrize("place", ["middle", "last record", "header"])
@pytest.mark.parametrize("damaged", [0, 1])
def test_in_a_log_volume_when_the_data_volume_is_lost(house: MailHouse, damaged: int, place: str) -> None:
    """The log that is not archived yet is read from the volume that has it whole."""
    house.work(30)
    house.stop()
    last = house.engine.position
    span = house.live.spans(None)[-1]
    path = house.place.log_volumes[damaged] / "mail" / f"{span.generation}-{span.segment:016x}.log"
    flip(path, {"middle": span.finish // 2, "last record": span.finish - 3, "header": 40}[place])
    house.place.file.unlink()
    result, state = house.restore(live=house.live)
    assert result.lsn == last and not house.model.wrong_at_record(last, state)
    house.put_in_place()
    house.start()
    house.check()


def test_in_a_backup_at_one_target(house: MailHouse, targets: list[MemoryTarget]) -> None:
    newest = Catalog(targets[0]).sets()[-1]
    piece = newest.databases[0].pieces[0]
    targets[0].flip(piece.object)
    verified = verify_set(targets[0], newest, house.codec, pause=no_wait)
    assert [finding.object for finding in verified.findings] == [piece.object]
    assert verify_set(targets[1], newest, house.codec, pause=no_wait).findings == ()
    result, state = house.restore()
    assert result.set == newest.set and not house.model.wrong_at_record(result.lsn, state)
    assert any(piece.object in note for note in result.notes)


@pytest.mark.parametrize("what", ["piece", "manifest"])
def test_in_a_backup_at_every_target(house: MailHouse, targets: list[MemoryTarget], what: str) -> None:
    """The backup before, and more log."""
    older, newest = Catalog(targets[0]).sets()[-2:]
    name = newest.databases[0].pieces[0].object if what == "piece" else f"sets/{newest.set}/manifest.json"
    for target in targets:
        target.flip(name)
    result, state = house.restore()
    assert result.set == older.set and result.lsn == house.engine.position
    assert not house.model.wrong_at_record(result.lsn, state)
    assert any(newest.set in note for note in result.notes), result.notes
    targets[0].flip(older.databases[0].pieces[0].object)
    targets[1].flip(older.databases[0].pieces[0].object)
    with pytest.raises(SetDamaged, match="damaged"):
        house.restore()


def spans_behind_the_newest_backup(house: MailHouse, target: MemoryTarget) -> list[ArchivedSpan]:
    point = Catalog(target).sets()[-1].databases[0].point
    return [span for span in archived_spans(target, "mail") if span.name.span.last > point.lsn]


def test_in_archived_log_at_one_target(house: MailHouse, targets: list[MemoryTarget]) -> None:
    for span in spans_behind_the_newest_backup(house, targets[0]):
        targets[0].flip(span.object)
        verified = verify_log(targets[0], [span], house.codec, in_records, pause=no_wait)
        assert [finding.object for finding in verified.findings] == [span.object]
    result, state = house.restore()
    assert result.lsn == house.engine.position and not house.model.wrong_at_record(result.lsn, state)
    assert result.notes


def in_records(span: ArchivedSpan, plain: bytes) -> list[str]:
    return damage_in_span(plain, span.name.span, bytes.fromhex(span.name.uuid))


def test_in_archived_log_at_every_target(house: MailHouse, targets: list[MemoryTarget]) -> None:
    """Said by name; what comes before can be had, and all of it as long as the log volumes have it."""
    span = spans_behind_the_newest_backup(house, targets[0])[-1]
    for target in targets:
        for there in archived_spans(target, "mail"):
            if there.name.span.finish > span.name.span.start and there.name.span.segment == span.name.span.segment:
                target.flip(there.object)
    with pytest.raises(Failure) as caught:
        house.restore()
    assert caught.value.kind is FailureKind.CORRUPT and span.object in caught.value.public
    before = span.name.span.segment - 1
    result, state = house.restore(Until(lsn=before))
    assert not house.model.wrong_at_record(before, state)
    result, state = house.restore(live=house.live)
    assert result.lsn == house.engine.position and not house.model.wrong_at_record(result.lsn, state)
