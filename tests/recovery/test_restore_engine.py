"""The real engine, real files: deliveries while the log is archived and backups are made, then everything is lost."""

import asyncio
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from pillarbox.base.clock import FixedClock
from pillarbox.base.ids import SeededIds
from pillarbox.database.engine import Engine
from pillarbox.database.generation import begin_generation, install_recovered
from pillarbox.database.live import LiveVolumes
from pillarbox.database.mailbox.schema import MailboxSchema
from pillarbox.database.mailbox.store import MailboxStore
from pillarbox.database.place import Place, Surroundings, Tuning
from pillarbox.database.recovering import RecoveringDatabase
from pillarbox.mime.prepared import prepare
from pillarbox.model.content import Body
from pillarbox.model.ids import AccountId
from pillarbox.model.logged import Schema
from pillarbox.model.recovery import Until
from pillarbox.model.transaction import Delivery, Drop
from pillarbox.recovery.archive import Archiver
from pillarbox.recovery.backup import Order, run_backup
from pillarbox.recovery.catalog import Catalog
from pillarbox.recovery.codec import Codec
from pillarbox.recovery.names import Kind
from pillarbox.recovery.plan import Choice
from pillarbox.recovery.pruning import prunable
from pillarbox.recovery.restore import Means, RestoreResult, restore_database
from pillarbox.recovery.targets.directory import DirectoryTarget
from pillarbox.testing.ledger import Ledger, drop, entries, put
from pillarbox.testing.letters import letters

LATEST = Until()


class Machine:
    """A database with its volumes, two targets elsewhere, an archiver."""

    def __init__(self, root: Path, schema: Schema, codec: Codec, segment_size: int = 20_000) -> None:
        self.root = root
        self.schema = schema
        self.codec = codec
        self.clock = FixedClock()
        self.surroundings = Surroundings(clock=self.clock, ids=SeededIds())
        self.tuning = Tuning(segment_size=segment_size)
        self.place = Place("book", root / "data", (root / "log1", root / "log2"))
        for directory in (*self.place.log_volumes, root / "state", root / "t1", root / "t2"):
            directory.mkdir()
        self.engine = Engine.create(self.place, schema, self.tuning, self.surroundings)
        self.live = LiveVolumes(self.place, self.surroundings)
        self.targets = [DirectoryTarget(root / "t1"), DirectoryTarget(root / "t2")]
        self.archiver = Archiver(self.live, self.targets, codec, self.clock, 10.0)

    def backup(self, kind: Kind = Kind.FULL) -> None:
        self.clock.advance(1)
        order = Order([self.live], b"site", kind, self.codec, "host", "program", self.root / "state", 2)
        outcome = run_backup(order, self.targets, self.clock)
        assert outcome.complete, outcome
        self.clock.advance(1)

    def archive(self) -> None:
        lags = self.archiver.step()
        assert [(lag.records, lag.alarm) for lag in lags] == [(0, "")] * 2

    def restore(
        self, until: Until = LATEST, live: bool = False, where: str = "r", generation: int | None = None
    ) -> tuple[RestoreResult, RecoveringDatabase]:
        recovery = RecoveringDatabase(self.root / where, "book", self.schema, self.surroundings)
        result = restore_database(
            [Catalog(target) for target in self.targets],
            Choice("book", until, generation=generation),
            self.live if live else None,
            recovery,
            self.root / where / "restore.json",
            Means(self.codec, self.clock, 2),
        )
        assert result.findings == result.notes == ()
        return result, recovery

    def lose(self, *paths: Path) -> None:
        self.engine.close()
        for path in paths:
            shutil.rmtree(path)
            path.mkdir()

    def bring_back(self, recovery: RecoveringDatabase) -> None:
        install_recovered(self.place, recovery.file, self.root / "aside", self.tuning, self.surroundings)
        begin_generation(self.place, self.tuning, self.surroundings)
        self.engine = Engine.open(self.place, self.schema, self.tuning, self.surroundings)

    def close(self) -> None:
        self.archiver.close()
        self.engine.close()


def rows(file: Path) -> dict[str, bytes]:
    connection = apsw.Connection(str(file))
    try:
        return {str(key): bytes(value) for key, value in connection.execute("SELECT key, value FROM entry")}
    finally:
        connection.close()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path, Ledger(), Codec(1, ()))
    yield machine
    machine.close()


def test_every_moment_comes_back(ledger: Machine) -> None:
    """Random writes, backups, pruning, an in-place restore in the middle: 24 random moments are what they were."""
    chance = random.Random(1)
    states: dict[int, tuple[int, dict[str, bytes]]] = {}
    ledger.backup()

    def work(steps: int) -> None:
        for _ in range(steps):
            ledger.clock.advance(1)
            key, value = f"k{chance.randrange(40)}", chance.randbytes(chance.randrange(900))
            if chance.random() < 0.2:
                ledger.engine.write_sync(lambda cursor, key=key: drop(cursor, key))  # type: ignore[misc]
            else:
                ledger.engine.write_sync(lambda cursor, key=key, value=value: put(cursor, key, value))  # type: ignore[misc]
            states[ledger.engine.position] = (ledger.clock.now(), entries(ledger.engine))
            if chance.random() < 0.3:
                ledger.archive()
            if chance.random() < 0.03:
                ledger.backup(chance.choice([Kind.FULL, Kind.INCREMENTAL]))
                ledger.archive()
                prune()

    def prune() -> None:
        verified = {}
        for target in ledger.targets:
            copy = Catalog(target).sets()[-1].databases[0]
            verified[target.label] = (copy.point.generation, copy.point.lsn)
        safe = prunable(ledger.archiver.coverage(), verified)
        assert safe.upto is not None
        ledger.live.prune(*safe.upto)

    work(150)
    ledger.archive()
    middle = ledger.engine.position - 30
    _, recovery = ledger.restore(Until(lsn=middle), where="data/restore")
    ledger.engine.close()
    ledger.bring_back(recovery)
    for lsn in [lsn for lsn in states if lsn > middle]:
        del states[lsn]
    assert entries(ledger.engine) == states[middle][1]
    work(100)
    ledger.archive()
    # A record that changes nothing is not written, so a state may stand for no record of its own.
    for number in range(12):
        lsn = chance.choice(sorted(states))
        time, state = states[lsn]
        for until in (Until(lsn=lsn), Until(time=time)):
            result, recovery = ledger.restore(until, chance.random() < 0.5, f"r{number}{until.lsn}")
            different = {key for key, _ in rows(recovery.file).items() ^ state.items()}
            assert (result.lsn, different) == (lsn, set())
            shutil.rmtree(ledger.root / f"r{number}{until.lsn}")


def test_a_lost_data_volume_costs_nothing(ledger: Machine) -> None:
    for number in range(40):
        ledger.engine.write_sync(lambda cursor, n=number: put(cursor, f"k{n}", bytes(700)))
    ledger.backup()
    for number in range(40):
        ledger.engine.write_sync(lambda cursor, n=number: put(cursor, f"l{n}", bytes(700)))
    before = entries(ledger.engine)
    ledger.lose(ledger.place.data)
    result, recovery = ledger.restore(live=True, where="data/restore")
    assert rows(recovery.file) == before
    assert result.records == 40
    ledger.bring_back(recovery)
    assert entries(ledger.engine) == before


def test_a_lost_machine_loses_what_was_not_archived(ledger: Machine) -> None:
    ledger.backup()
    for number in range(60):
        ledger.engine.write_sync(lambda cursor, n=number: put(cursor, f"k{n}", bytes(700)))
    ledger.archive()
    archived = entries(ledger.engine)
    ledger.engine.write_sync(lambda cursor: put(cursor, "late", b"x"))
    ledger.lose(ledger.place.data, *ledger.place.log_volumes)
    _, recovery = ledger.restore(where="data/restore")
    ledger.bring_back(recovery)
    assert entries(ledger.engine) == archived
    ledger.engine.write_sync(lambda cursor: put(cursor, "after", b"x"))
    ledger.archive()
    now = entries(ledger.engine)
    result, recovery = ledger.restore(where="again")
    assert (result.generation, rows(recovery.file)) == (2, now)


@pytest.mark.parametrize("codec", [Codec(0, ()), Codec(3, ())], ids=["plain", "compressed"])
def test_a_flipped_bit_in_a_log_object_is_found_before_it_is_played(tmp_path: Path, codec: Codec) -> None:
    ledger = Machine(tmp_path, Ledger(), codec)
    ledger.backup()
    for number in range(60):
        ledger.engine.write_sync(lambda cursor, n=number: put(cursor, f"k{n}", bytes(700)))
    ledger.archive()
    for path in sorted((tmp_path / "t1" / "log").rglob("*-closed*")):
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 4
        path.write_bytes(data)
    recovery = RecoveringDatabase(tmp_path / "r", "book", ledger.schema)
    warned: list[str] = []
    result = restore_database(
        [Catalog(target) for target in ledger.targets],
        Choice("book"),
        None,
        recovery,
        tmp_path / "state.json",
        Means(codec, ledger.clock, 2, warn=warned.append),
    )
    assert rows(recovery.file) == entries(ledger.engine)
    assert warned and tuple(warned) == result.notes
    assert all("t1" in note for note in warned)
    ledger.close()


def test_mailboxes(tmp_path: Path) -> None:
    """Mail is delivered while it is archived and backed up; the restored database has every row of the living one."""
    machine = Machine(tmp_path, MailboxSchema(), Codec(3, ()), 300_000)
    texts = list(letters(30, 1))

    async def work() -> None:
        store = MailboxStore(machine.engine, machine.clock, tmp_path / "state")
        accounts = [AccountId(number) for number in range(1, 4)]
        for account in accounts:
            await store.open_account(account, 0, 0)
        for number in range(200):
            machine.clock.advance(1)
            text = b"X-Number: %d\r\n" % number + texts[number % len(texts)]
            drops = tuple(Drop(account, "INBOX", b"", 0, 0) for account in accounts[: number % 3 + 1])
            assert await store.deliver(Delivery(Body(text), prepare(text), drops, machine.clock.now()))
            if number % 10 == 3:
                machine.archive()
            if number % 70 == 20:
                await asyncio.to_thread(machine.backup, Kind.INCREMENTAL)
        store.close()

    asyncio.run(work())
    machine.archive()
    result, recovery = machine.restore()
    assert list(recovery.compare(machine.place.file)) == []
    assert result.records > 20
    machine.close()
