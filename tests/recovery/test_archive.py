"""The log at its targets: small spans while a segment grows, one object when it is closed; targets that fail catch up."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pillarbox.base.clock import FixedClock
from pillarbox.model.recovery import Target
from pillarbox.recovery.archive import Archiver, Lag
from pillarbox.recovery.archived import ArchivedLog, Hole, reach
from pillarbox.recovery.codec import Codec
from pillarbox.recovery.names import parse_span_name
from pillarbox.testing.memorylog import MemoryDatabase
from pillarbox.testing.targets import FaultyTarget, MemoryTarget, on

PLAIN = Codec(0, ())


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def book(tmp_path: Path, clock: FixedClock) -> MemoryDatabase:
    return MemoryDatabase(tmp_path, clock)


@pytest.fixture
def archive(book: MemoryDatabase, clock: FixedClock) -> Iterator[Callable[..., Archiver]]:
    made: list[Archiver] = []

    def make(*targets: Target, codec: Codec = PLAIN, patience: float = 10.0) -> Archiver:
        made.append(Archiver(book, targets, codec, clock, patience))
        return made[-1]

    yield make
    for archiver in made:
        archiver.close()


def fill(book: MemoryDatabase, count: int) -> None:
    for _ in range(count):
        book.put(f"k{book.lsn}", "v" * 20)


def assembled(target: Target, book: MemoryDatabase, codec: Codec = PLAIN) -> dict[tuple[int, int], bytes]:
    """The segments as the objects at a target make them up, as far as they are there without a hole."""
    log = ArchivedLog.read(target, book.name, book.uuid)
    found = {}
    for segment in log.segments():
        data = bytearray(log.reach(segment).finish)
        for name, span in log.spans(segment).items():
            plain = codec.decode(name, target.get(name))
            assert len(plain) == span.finish - span.start
            if span.start < len(data):
                data[span.start : span.finish] = plain
        found[segment] = bytes(data)
    return found


def live(book: MemoryDatabase) -> dict[tuple[int, int], bytes]:
    return {segment: bytes(data) for segment, data in book.segments.items()}


def objects(target: MemoryTarget) -> list[str]:
    """start-finish of every object, and `*` for whole closed segments."""
    found = (parse_span_name(name) for name in sorted(target.objects))
    return [f"{f.span.segment}:{f.span.start}-{f.span.finish}{'*' * f.span.closed}" for f in found if f is not None]


def test_each_step_sends_what_is_new(book: MemoryDatabase, archive: Callable[..., Archiver]) -> None:
    target = MemoryTarget()
    archiver = archive(target)
    [lag] = archiver.step()
    assert lag == Lag("memory", 1, 0, 0, 0, 0.0, "")
    assert objects(target) == ["1:0-64"], "a segment that was begun is there before its first record"
    book.put("a", "1")
    archiver.step()
    archiver.step()
    book.put("b", "2")
    book.put("c", "3")
    [lag] = archiver.step()
    assert objects(target) == ["1:0-64", "1:64-99", "1:99-169"]
    assert (lag.generation, lag.lsn, lag.records) == (1, 3, 0)
    assert assembled(target, book) == live(book)
    assert target.objects == target.durable, "all of it was flushed"


def test_a_closed_segment_becomes_one_object(book: MemoryDatabase, archive: Callable[..., Archiver]) -> None:
    faulty = FaultyTarget(MemoryTarget())
    archiver = archive(faulty)
    while len(book.segments) == 1:
        fill(book, 1)
        archiver.step()
    target = faulty.inner
    assert isinstance(target, MemoryTarget)
    assert objects(target)[0].startswith("1:0-") and objects(target)[0].endswith("*")
    assert len([name for name in objects(target) if name.startswith("1:")]) == 1
    assert assembled(target, book) == live(book)
    puts = [index for index, (what, name) in enumerate(faulty.log) if what == "put" and "closed" in name]
    deletes = [index for index, (what, _) in enumerate(faulty.log) if what == "delete"]
    assert any(what == "flush" for what, _ in faulty.log[puts[0] : deletes[0]]), "durable before anything is deleted"


def test_compressed_and_encrypted(book: MemoryDatabase, archive: Callable[..., Archiver]) -> None:
    import pyrage

    identity = pyrage.x25519.Identity.generate()
    codec = Codec(3, [str(identity.to_public())], [str(identity)])
    target = MemoryTarget()
    archiver = archive(target, codec=codec)
    for _ in range(30):
        fill(book, 1)
        archiver.step()
    assert all(name.endswith(".zst.age") for name in target.objects)
    assert assembled(target, book, codec) == live(book)


def test_it_goes_on_where_it_ended(book: MemoryDatabase, archive: Callable[..., Archiver]) -> None:
    target = MemoryTarget()
    while len(book.segments) < 3:
        fill(book, 1)
    archive(target).step()
    before = dict(target.objects)
    faulty = FaultyTarget(target)
    fill(book, 1)
    archive(faulty).step()
    assert [what for what, _ in faulty.log] == ["list", "flush", "put", "flush"]
    assert before.items() <= target.objects.items()
    assert assembled(target, book) == live(book)


def test_many_small_spans_are_merged(tmp_path: Path, clock: FixedClock) -> None:
    book = MemoryDatabase(tmp_path, clock, segment_size=1 << 30)
    target = MemoryTarget()
    with closing(Archiver(book, [target], PLAIN, clock, 10.0)) as archiver:
        for _ in range(1500):
            fill(book, 1)
            archiver.step()
            assert len(target.objects) < 100
    assert assembled(target, book) == live(book)
    read = sum(span.finish - span.start for span in book.asked)
    assert read < 6 * len(book.segments[1, 1])


def test_a_span_is_read_once_for_all_targets(book: MemoryDatabase, archive: Callable[..., Archiver]) -> None:
    targets = [MemoryTarget(f"t{number}") for number in range(3)]
    archiver = archive(*targets)
    fill(book, 3)
    archiver.step()
    assert len(book.asked) == 1
    assert all(assembled(target, book) == live(book) for target in targets)


def test_a_target_that_fails_does_not_hold_up_the_others(
    book: MemoryDatabase, archive: Callable[..., Archiver], clock: FixedClock
) -> None:
    well = MemoryTarget("well")
    ill = FaultyTarget(MemoryTarget("ill"))
    archiver = archive(ill, well)
    fill(book, 2)
    archiver.step()
    ill.broken = lambda number, what, name: True
    for _ in range(30):
        clock.advance(1)
        fill(book, 1)
        lag, other = archiver.step()
        assert other.records == 0 and other.seconds == 0
    assert lag.records == 30
    assert lag.octets > 0
    assert 29 <= lag.seconds <= 31
    assert lag.alarm == "ill: the connection was cut"
    assert len([1 for what, _ in ill.log if what == "list"]) < 8, "it is asked less and less often"
    ill.broken = lambda number, what, name: False
    for _ in range(60):
        clock.advance(1)
        lag, other = archiver.step()
    assert lag == Lag("ill", 1, 32, 0, 0, 0.0, "")
    assert assembled(ill.inner, book) == assembled(well, book) == live(book)


def test_a_target_that_hangs_does_not_hold_up_the_others(
    book: MemoryDatabase, archive: Callable[..., Archiver], clock: FixedClock
) -> None:
    gate = threading.Event()

    class Hanging(MemoryTarget):
        def put(self, name: str, data: bytes) -> None:
            gate.wait()
            super().put(name, data)

    hanging, well = Hanging("hanging"), MemoryTarget("well")
    archiver = archive(well, hanging, patience=0.05)
    for _ in range(5):
        fill(book, 1)
        other, lag = archiver.step()
        assert other.records == 0
    assert lag.records == 5
    assert lag.alarm == "hanging does not answer"
    gate.set()
    archiver._patience = 10.0
    for _ in range(3):
        clock.advance(1)
        lag = archiver.step()[1]
    assert lag.records == 0 and lag.alarm == ""


def test_a_target_that_cannot_be_listed_at_first(
    book: MemoryDatabase, archive: Callable[..., Archiver], clock: FixedClock
) -> None:
    late = FaultyTarget(MemoryTarget("late"), lambda number, what, name: number < 3)
    archiver = archive(late, MemoryTarget("early"))
    for _ in range(40):
        fill(book, 1)
        clock.advance(1)
        archiver.step()
    assert assembled(late.inner, book) == live(book)


def test_what_is_superfluous_is_deleted_later(
    book: MemoryDatabase, archive: Callable[..., Archiver], clock: FixedClock
) -> None:
    target = FaultyTarget(MemoryTarget(), on("", "delete"))
    archiver = archive(target)
    for _ in range(20):
        fill(book, 1)
        archiver.step()
    target.broken = lambda number, what, name: False
    clock.advance(100)
    archiver.step()
    clock.advance(100)
    archiver.step()
    log = ArchivedLog.read(target, book.name, book.uuid)
    assert log.superfluous() == []
    assert assembled(target, book) == live(book)


def test_log_that_is_gone_is_named_and_archiving_goes_on(
    book: MemoryDatabase, archive: Callable[..., Archiver], clock: FixedClock
) -> None:
    target = FaultyTarget(MemoryTarget("t"))
    archiver = archive(target)
    fill(book, 4)
    archiver.step()
    target.broken = lambda number, what, name: True
    fill(book, 40)
    clock.advance(1)
    archiver.step()
    lost = sorted(book.segments)[1:4]
    for segment in lost:
        del book.segments[segment]
    target.broken = lambda number, what, name: False
    for _ in range(5):
        clock.advance(100)
        [lag] = archiver.step()
    last = sorted(book.segments)[1][1] - 1
    assert lag.alarm.startswith(f"t lacks records {lost[0][1]} to {last} of book, and the log volumes")
    assert lag.records == 0
    chain = archiver.coverage()[0].chain
    assert chain is not None and (chain.first, chain.last) == ((1, last + 1), (1, 44))
    archiver.note_backup((1, 44))
    assert archiver.step()[0].alarm == ""


def test_a_damaged_segment_is_named_and_the_others_go(
    book: MemoryDatabase, archive: Callable[..., Archiver], clock: FixedClock
) -> None:
    target = MemoryTarget("t")
    fill(book, 30)
    bad = sorted(book.segments)[1]
    book.damaged.add(bad)
    archiver = archive(target)
    [lag] = archiver.step()
    assert "is damaged" in lag.alarm
    assert set(assembled(target, book)) == set(book.segments) - {bad}
    assert lag.records > 0
    book.damaged.clear()
    clock.advance(100)
    [lag] = archiver.step()
    assert (lag.alarm, lag.records) == ("", 0)
    assert assembled(target, book) == live(book)


def test_a_lost_database_is_an_alarm_and_nothing_else(book: MemoryDatabase, archive: Callable[..., Archiver]) -> None:
    target = MemoryTarget("t")
    archiver = archive(target)
    fill(book, 3)
    archiver.step()
    book.unreachable = True
    [lag] = archiver.step()
    assert lag.alarm == "The log of book cannot be archived: book is lost"
    book.unreachable = False
    assert archiver.step()[0].alarm == ""
    assert archiver.state() == archiver.step()


def test_another_history_is_not_mixed_in(book: MemoryDatabase, archive: Callable[..., Archiver]) -> None:
    target = MemoryTarget("t")
    archiver = archive(target)
    fill(book, 6)
    archiver.step()
    archived = dict(target.objects)
    book.segments.clear()
    book.history.clear()
    book._begin_segment(1)
    fill(book, 2)
    archiver.step()
    assert "must begin a new generation" in archive(target).step()[0].alarm
    assert target.objects == archived
    book.go_back(2)
    fill(book, 2)
    archiver.step()
    assert archived.items() <= target.objects.items()
    assert assembled(target, book)[2, 3] == book.segments[2, 3]


def test_a_database_made_anew_begins_its_own_log(book: MemoryDatabase, archive: Callable[..., Archiver]) -> None:
    target = MemoryTarget("t")
    archiver = archive(target)
    fill(book, 6)
    archiver.step()
    book._uuid = bytes(16)
    book.segments.clear()
    book.history.clear()
    book._begin_segment(1)
    fill(book, 2)
    [lag] = archiver.step()
    assert (lag.lsn, lag.alarm) == (2, "")
    assert assembled(target, book) == live(book)


@pytest.mark.parametrize("seed", range(12))
def test_nothing_is_called_archived_that_cannot_be_read(seed: int, tmp_path: Path) -> None:
    """Whatever fails when, whoever is restarted: what coverage says is there is there, durably, octet for octet."""
    chance, clock = random.Random(seed), FixedClock()
    book = MemoryDatabase(tmp_path, clock)
    past: dict[tuple[int, int], bytes] = {}
    faults = [random.Random(seed + 100), random.Random(seed + 200)]  # each target has a thread of its own
    targets = [
        FaultyTarget(
            MemoryTarget(f"t{seed}"), lambda *_, dice=dice: dice.random() < 0.15, done_anyway=dice.random() < 0.5
        )
        for dice in faults
    ]
    archiver = Archiver(book, targets, PLAIN, clock, 10.0)
    for _ in range(150):
        action = chance.random()
        if action < 0.6:
            fill(book, chance.randrange(1, 6))
        elif action < 0.65:
            archiver.close()
            archiver = Archiver(book, targets, PLAIN, clock, 10.0)
        elif action < 0.7:
            inner = chance.choice(targets).inner
            assert isinstance(inner, MemoryTarget)
            inner.power_cut()
            archiver.close()
            archiver = Archiver(book, targets, PLAIN, clock, 10.0)
        elif action < 0.73 and book.lsn > 5:
            book.go_back(book.lsn - chance.randrange(0, 4))
        clock.advance(chance.choice([1, 1, 1, 30]))
        archiver.step()
        past.update(live(book))
        for target, covered in zip(targets, archiver.coverage(), strict=True):
            inner = target.inner
            assert isinstance(inner, MemoryTarget)
            if covered.chain is None:
                continue
            durable = MemoryTarget()
            durable.objects = inner.durable
            found = assembled(durable, book)
            for segment, data in found.items():
                assert past[segment].startswith(data)
            log = ArchivedLog.read(durable, book.name, book.uuid)
            chain = log.chain()
            assert chain is not None and chain.first <= covered.chain.first and chain.last >= covered.chain.last
    for target in targets:
        target.broken = lambda *_: False
    for _ in range(4):
        clock.advance(100)
        lags = archiver.step()
    assert all((lag.records, lag.alarm) == (0, "") for lag in lags)
    assert all(assembled(target, book).items() >= live(book).items() for target in targets)
    archiver.close()


def test_names_tell_how_far_a_segment_reaches() -> None:
    from pillarbox.model.recovery import Span

    def span(start: int, finish: int, first: int, last: int, closed: bool = False) -> Span:
        return Span(1, 1, start, finish, first, last, last * 10, closed)

    assert reach((1, 1), []) == (0, 0, 0, False)
    spans = [span(0, 100, 1, 1), span(100, 200, 2, 2), span(100, 300, 2, 3), span(400, 500, 5, 5)]
    assert reach((1, 1), spans) == (300, 3, 30, False)
    assert reach((1, 1), [*spans, span(0, 600, 1, 6, True)]) == (600, 6, 60, True)


def test_holes_between_segments() -> None:
    from pillarbox.model.recovery import Span

    log = ArchivedLog()
    for number, (generation, first, last) in enumerate([(1, 1, 5), (1, 9, 12), (2, 10, 20), (2, 25, 30)]):
        log.add(f"log/x/{number}", Span(generation, first, 0, 99, first, last, first, True))
    assert log.holes() == [Hole(1, 6, 8), Hole(2, 21, 24)]
    chain = log.chain()
    assert chain is not None and chain == ((2, 25), (2, 30))
    assert log.floor() == (1, 1, 99)
    assert log.aged(9) == (1, 12)
    assert log.aged(0) is None


def test_another_server_that_goes_on_with_the_database_at_the_target_is_seen(
    book: MemoryDatabase, archive: Callable[..., Archiver], tmp_path: Path, clock: FixedClock
) -> None:
    target = MemoryTarget("t")
    fill(book, 6)
    copied = MemoryDatabase(tmp_path / "copy", clock)
    copied._uuid = book._uuid
    fill(copied, 6)
    copied.go_back(6)  # as on a spare machine: its log goes on as generation 2
    copied.segments = {segment: data for segment, data in copied.segments.items() if segment[0] == 2}
    fill(copied, 1)
    with closing(Archiver(copied, [target], PLAIN, clock, 10.0)) as other:
        other.step()
    archiver = archive(target)
    archiver.step()
    fill(book, 2)
    [lag] = archiver.step()
    assert "another server has gone on" in lag.alarm
    found = assembled(target, book)
    assert {segment: found[segment] for segment in live(book)} == live(book)
