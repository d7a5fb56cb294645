"""The engine against a dict, with crashes, old copies, lost files and torn tails in between."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pillarbox.database.engine import Engine
from pillarbox.database.place import Place, Surroundings, Tuning
from pillarbox.database.verify import Finding, verify
from pillarbox.model.logged import WriteCursor
from pillarbox.testing.ledger import Ledger, drop, entries, put

KEYS = st.sampled_from([f"k{number}" for number in range(8)])
VALUES = st.binary(max_size=300)


class EngineMachine(RuleBasedStateMachine):
    """Invariant: after every step, the database holds exactly what was acknowledged."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="pillarbox-machine-"))
        self.site = 0
        self.version = 1
        self.expected: dict[str, bytes] = {}
        self.copy: tuple[bytes, bytes | None] | None = None
        self.engine: Engine

    @initialize()
    def create(self) -> None:
        for number in (1, 2):
            (self.place.log_volumes[number - 1]).mkdir(parents=True)
        self.engine = Engine.create(self.place, Ledger(), self.tuning)

    @property
    def place(self) -> Place:
        root = self.root / str(self.site)
        return Place("book", root / "data", (root / "log1", root / "log2"))

    @property
    def tuning(self) -> Tuning:
        return Tuning(segment_size=1500, page_size=1024)

    @rule(key=KEYS, value=VALUES)
    def put(self, key: str, value: bytes) -> None:
        self.engine.write_sync(lambda cursor: put(cursor, key, value))
        self.expected[key] = value

    @rule(key=KEYS)
    def drop(self, key: str) -> None:
        self.engine.write_sync(lambda cursor: drop(cursor, key))
        self.expected.pop(key, None)

    @rule(one=KEYS, other=KEYS)
    def swap(self, one: str, other: str) -> None:
        """Keys change places within one record, by way of a name that is never seen."""

        def exchange(cursor: WriteCursor) -> None:
            for old, new in ((one, "-"), (other, one), ("-", other)):
                cursor.execute("UPDATE entry SET key = ? WHERE key = ?", (new, old))

        if one != other:
            self.engine.write_sync(exchange)
            first, second = self.expected.pop(one, None), self.expected.pop(other, None)
            self.expected.update({key: v for key, v in ((one, second), (other, first)) if v is not None})

    @rule(key=KEYS, value=VALUES)
    def fail(self, key: str, value: bytes) -> None:
        def broken(cursor: WriteCursor) -> None:
            put(cursor, key, value)
            drop(cursor, "k1")
            raise KeyError

        try:
            self.engine.write_sync(broken)
        except KeyError:
            return
        raise AssertionError("the failure was swallowed")

    @rule()
    def take_copy(self) -> None:
        """Of the file as it lies there, and of its write-ahead file, as a careful administrator would."""
        self.copy = self._database_files()

    @rule(tail=st.binary(max_size=80), missing=st.sampled_from(["nothing", "database", "log1", "log2"]))
    def crash(self, tail: bytes, missing: str) -> None:
        """The machine stops; a file or a volume is gone; rubbish lies behind the last record."""
        self._move(tail if missing in ("nothing", "database") else b"")
        if missing == "database":
            for file in self.place.data.glob("book.db*"):
                file.unlink()
        elif missing != "nothing":
            shutil.rmtree(self.place.data.parent / missing / "book")
        self._open()

    @precondition(lambda self: self.copy is not None)
    @rule(wal_from=st.sampled_from(["nowhere", "the copy", "the newer file"]))
    def put_copy_back(self, wal_from: str) -> None:
        self._move(b"")
        assert self.copy is not None
        main, wal = self.copy
        self.place.file.write_bytes(main)
        wal_file = self.place.file.with_name("book.db-wal")
        if wal_from != "the newer file":
            wal_file.unlink(missing_ok=True)
        if wal_from == "the copy" and wal is not None:
            wal_file.write_bytes(wal)
        self._open()

    @precondition(lambda self: self.version < 3)
    @rule()
    def upgrade(self) -> None:
        self.engine.close()
        self.version += 1
        self._open()

    @rule()
    def reopen(self) -> None:
        self.engine.close()
        self._open()

    @invariant()
    def holds_what_was_acknowledged(self) -> None:
        if hasattr(self, "engine"):
            assert entries(self.engine) == self.expected

    def teardown(self) -> None:
        if hasattr(self, "engine"):
            found = verify(self.place, Ledger(self.version), Surroundings())
            assert [step for step in found if isinstance(step, Finding)] == []
            self.engine.close()
        shutil.rmtree(self.root)

    def _open(self) -> None:
        self.engine = Engine.open(self.place, Ledger(self.version), self.tuning)

    def _database_files(self) -> tuple[bytes, bytes | None]:
        wal = self.place.file.with_name("book.db-wal")
        return self.place.file.read_bytes(), wal.read_bytes() if wal.exists() else None

    def _move(self, tail: bytes) -> None:
        """Go on with a copy of all files as they lie there: for the new engine, the old one died this moment."""
        old, engine = self.place, self.engine
        self.site += 1
        shutil.copytree(old.data.parent, self.place.data.parent)
        (self.place.data / "book.db-shm").unlink(missing_ok=True)
        mark = engine._committer.position.mark
        engine.close()
        for volume in self.place.log_volumes:
            segment = volume / "book" / f"1-{mark.segment:016x}.log"
            if tail and segment.exists():
                segment.write_bytes(segment.read_bytes()[: mark.finish] + b"PbRc" + tail)


EngineMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
TestEngine = EngineMachine.TestCase
