"""Backups of a real database while it is written to, and of processes that are killed anywhere."""

import json
import os
import random
import sqlite3
import subprocess
import sys
import threading
import zlib
from pathlib import Path

import pytest

from pillarbox.base.clock import FixedClock, SystemClock
from pillarbox.base.ids import SeededIds
from pillarbox.database.engine import Engine
from pillarbox.database.live import LiveVolumes
from pillarbox.database.place import Place, Surroundings, Tuning
from pillarbox.recovery.backup import run_backup
from pillarbox.recovery.catalog import Catalog
from pillarbox.recovery.manifest import PIECE
from pillarbox.recovery.names import Kind
from pillarbox.recovery.targets.directory import DirectoryTarget
from pillarbox.recovery.targets.opening import open_target
from pillarbox.recovery.verification import verify_set
from pillarbox.testing.backuphouse import PACKED, order
from pillarbox.testing.filedatabase import FileDatabase
from pillarbox.testing.ledger import Ledger, put
from pillarbox.testing.s3server import ACCESS_KEY, SECRET_KEY, s3_server


def test_a_database_is_whole_and_as_at_its_point_while_letters_come_in(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    place = Place("book", tmp_path / "data", (tmp_path / "log",))
    surroundings = Surroundings(clock=SystemClock(), ids=SeededIds())
    engine = Engine.create(place, Ledger(1), Tuning(), surroundings)
    target = tmp_path / "target"
    target.mkdir()
    stop, count = threading.Event(), 0

    def deliver() -> None:
        nonlocal count
        chance = random.Random(1)
        while not stop.is_set():
            count += 1
            key, value = f"k{count:06}", chance.randbytes(20_000)
            engine.write_sync(lambda cursor, key=key, value=value: put(cursor, key, value))

    thread = threading.Thread(target=deliver)
    thread.start()
    try:
        for kind in (Kind.FULL, Kind.INCREMENTAL, Kind.INCREMENTAL):
            while count < 300:
                threading.Event().wait(0.01)
            count_before = count
            wanted = order([LiveVolumes(place, surroundings)], tmp_path / "state", kind, PACKED)
            outcome = run_backup(wanted, [DirectoryTarget(target)], SystemClock())
            assert outcome.complete, outcome
            while count < count_before + 20:
                threading.Event().wait(0.01)
    finally:
        stop.set()
        thread.join()
        engine.close()
    reader = DirectoryTarget(target)
    sets = Catalog(reader).sets()
    assert len(sets) == 3
    for manifest in sets:
        assert verify_set(reader, manifest, PACKED).findings == ()
        copy = manifest.databases[0]
        file = tmp_path / "copy.db"
        file.write_bytes(b"".join(PACKED.decode(piece.object, reader.get(piece.object)) for piece in copy.pieces))
        connection = sqlite3.connect(file)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = list(connection.execute("SELECT key, value, crc FROM entry ORDER BY key"))
        connection.close()
        # Record 1 made the schema; each one after that is one entry, and none is missing between.
        assert [key for key, _, _ in rows] == [f"k{number:06}" for number in range(1, copy.point.lsn)]
        assert all(zlib.crc32(value) == crc for _, value, crc in rows)
        assert copy.schema_name == "ledger"


KILLED = """
import json, os, signal, sys
from pathlib import Path
from pillarbox.base.clock import FixedClock
from pillarbox.recovery.backup import run_backup
from pillarbox.recovery.names import Kind
from pillarbox.recovery.targets.directory import DirectoryTarget
from pillarbox.testing.backuphouse import order
from pillarbox.testing.filedatabase import FileDatabase
from pillarbox.testing.targets import FaultyTarget
root, calls, kind, now = Path(sys.argv[1]), int(sys.argv[2]), Kind(sys.argv[3]), int(sys.argv[4])
def kill(number, what, name):
    if number >= calls:
        os.kill(os.getpid(), signal.SIGKILL)
    return False
target = FaultyTarget(DirectoryTarget(root / "target"), kill)
outcome = run_backup(order([FileDatabase(root / "db")], root / "state", kind), [target], FixedClock(now))
print(json.dumps([outcome.complete, outcome.results[0].stored, outcome.results[0].reused]))
"""


@pytest.mark.crash
def test_killed_anywhere_there_is_a_whole_set_or_none(tmp_path: Path) -> None:
    chance = random.Random(3)
    source = FileDatabase(tmp_path / "db")
    source.path.write_bytes(chance.randbytes(1 << 20) * 20 + b"end")
    (tmp_path / "target").mkdir()
    target, clock = DirectoryTarget(tmp_path / "target"), FixedClock(1_795_483_800_000_000)
    contents: dict[str, bytes] = {}
    kind, complete = Kind.FULL, 0
    for _ in range(16):
        clock.advance(chance.choice([1, 3600, 24 * 3600]))
        calls = chance.choice([0, 2, 4, 6, 8, 9, 10, 11, 10**6])
        command = [sys.executable, "-c", KILLED, str(tmp_path), str(calls), kind.value, str(clock.now())]
        run = subprocess.run(command, capture_output=True, check=False)
        if run.returncode == 0:
            assert json.loads(run.stdout)[0]
        else:
            assert run.returncode == -9, run.stderr
        sets = Catalog(target).sets()
        for manifest in sets[complete:]:
            contents[manifest.set] = source.path.read_bytes()
        if len(sets) > complete:
            complete, kind = len(sets), Kind.INCREMENTAL
        for manifest in sets:
            restored = b"".join(target.get(piece.object) for piece in manifest.databases[0].pieces)
            assert restored == contents[manifest.set]
        source.write(chance.randrange(5) * PIECE, chance.randbytes(1000))
    assert complete >= 3


@pytest.mark.process
def test_a_backup_to_a_real_s3_server(tmp_path: Path) -> None:
    source = FileDatabase(tmp_path / "db")
    source.path.write_bytes(os.urandom(1 << 20) * 17 + b"end")
    clock = FixedClock(1_795_483_800_000_000)
    (tmp_path / "s3").mkdir()
    with s3_server(tmp_path / "s3") as server:
        server.create_bucket("backups")
        target = open_target(server.url("backups", "mail"), (ACCESS_KEY, SECRET_KEY))
        for kind in (Kind.FULL, Kind.INCREMENTAL):
            assert run_backup(order([source], tmp_path / "state", kind), [target], clock).complete
            clock.advance(24 * 3600)
            source.write(PIECE, os.urandom(100))
        sets = Catalog(target).sets()
        assert [found.kind for found in sets] == [Kind.FULL, Kind.INCREMENTAL]
        for found in sets:
            assert verify_set(target, found, PACKED).findings == ()
        server.process.kill()
        server.process.wait()
        waits: list[float] = []
        outcome = run_backup(order([source], tmp_path / "state"), [target], clock, pause=waits.append)
        assert outcome.results[0].failure is not None and outcome.results[0].failure.temporary
        assert waits
