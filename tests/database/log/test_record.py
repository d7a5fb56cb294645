"""Records as bytes."""

import random
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.database.disk import SystemDisk
from pillarbox.database.log.record import (
    HEADER_SIZE,
    Damage,
    Mark,
    Record,
    RecordKind,
    draft,
    find_later_record,
    read_record,
    seed,
)

SEED = seed(b"0123456789abcdef")
AFTER = Mark(6, 1, 512, 700, 12345)


def write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def raw(payload: bytes) -> bytes:
    made = draft(RecordKind.CHANGES, AFTER, 99, 3, payload, SEED)
    return made.header + made.payload


@given(payload=st.binary(max_size=500), before=st.integers(0, 40))
@settings(max_examples=50, deadline=None)
def test_what_is_written_is_read(tmp_path_factory: object, payload: bytes, before: int) -> None:
    path = Path(str(tmp_path_factory.mktemp("record"))) / "log"  # type: ignore[attr-defined]
    write(path, b"x" * before + raw(payload) + b"trailing")
    file = SystemDisk().open(path)
    record = read_record(file, before, SEED)
    file.close()
    assert isinstance(record, Record)
    assert (record.lsn, record.time, record.kind, record.schema_version) == (7, 99, 1, 3)
    assert (record.payload, record.previous) == (payload, 12345)
    assert (record.start, record.finish) == (before, before + HEADER_SIZE + len(payload))


def test_nothing_and_zeros_are_no_record(tmp_path: Path) -> None:
    for content in (b"", b"\0", bytes(HEADER_SIZE), bytes(5000)):
        write(tmp_path / "log", content)
        file = SystemDisk().open(tmp_path / "log")
        assert read_record(file, 0, SEED) is None
        file.close()


def test_every_cut_and_every_flipped_bit_is_damage(tmp_path: Path) -> None:
    whole = raw(b"payload")
    path = tmp_path / "log"
    damaged = [whole[:size] for size in range(1, len(whole))]
    for bit in range(len(whole) * 8):
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        damaged.append(bytes(changed))
    for content in damaged:
        write(path, content)
        file = SystemDisk().open(path)
        found = read_record(file, 0, SEED)
        file.close()
        assert isinstance(found, Damage), content
        assert found.reason


def test_records_of_another_database_are_damage(tmp_path: Path) -> None:
    write(tmp_path / "log", raw(b"payload"))
    file = SystemDisk().open(tmp_path / "log")
    assert isinstance(read_record(file, 0, seed(b"another database")), Damage)
    file.close()


def test_a_later_record_is_found_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "log"
    whole = raw(b"payload")
    for before in (1, 100, (4 << 20) - 10, (4 << 20) - 3, (4 << 20) + 1):
        write(path, b"PbRc".join([b"?" * before, whole]))
        file = SystemDisk().open(path)
        found = find_later_record(file, 0, 7, SEED)
        assert found is not None
        assert found.start == before + 4
        assert find_later_record(file, 0, 8, SEED) is None
        file.close()


def test_any_bytes_are_a_record_damage_or_nothing(tmp_path: Path) -> None:
    """Invariant: reading never raises and never takes rubbish for a record."""
    chance = random.Random(1)
    path = tmp_path / "log"
    for _ in range(500):
        write(path, chance.choice([b"", b"PbRc", raw(b"")[:30]]) + chance.randbytes(chance.randrange(100)))
        file = SystemDisk().open(path)
        assert not isinstance(read_record(file, 0, SEED), Record)
        find_later_record(file, 0, 0, SEED)
        file.close()
