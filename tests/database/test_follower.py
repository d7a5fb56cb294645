"""A database on a standby: it repeats the log octet by octet, wherever either side is broken off."""

import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from pillarbox.base.clock import FixedClock
from pillarbox.base.failure import FailureKind
from pillarbox.database.engine import Engine
from pillarbox.database.follower import Follower
from pillarbox.database.generation import begin_generation
from pillarbox.database.live import LiveVolumes
from pillarbox.database.place import Place, Surroundings, Tuning
from pillarbox.database.shipping import ShippedLog
from pillarbox.model.failure import Failure
from pillarbox.model.standby import Bond, CopyHead
from pillarbox.testing.ledger import Ledger, entries, put

SMALL = Tuning(segment_size=4000)


class Pair:
    """Two servers' places for one database."""

    def __init__(self, root: Path, logs: int = 1) -> None:
        self.active, self.standby = (
            Place("book", root / side / "data", tuple(root / side / f"log{n}" for n in range(logs))) for side in "ab"
        )
        for place in (self.active, self.standby):
            for volume in place.log_volumes:
                volume.mkdir(parents=True)
        self.clock = FixedClock()
        self.world = Surroundings(clock=self.clock)

    def engine(self, place: Place, create: bool = False) -> Engine:
        return (Engine.create if create else Engine.open)(place, Ledger(1), SMALL, self.world)

    def follower(self, place: Place | None = None) -> Follower:
        return Follower(place or self.standby, Ledger(1), SMALL, self.world)

    def source(self, place: Place | None = None) -> ShippedLog:
        return ShippedLog(place or self.active, self.world)

    def copy(self, follower: Follower, place: Place | None = None, keep: bool = False) -> None:
        with LiveVolumes(place or self.active, self.world).pin() as pinned:
            head = CopyHead(pinned.size, pinned.uuid, pinned.schema_name, pinned.schema_version, pinned.point)
            follower.begin_copy(head)
            data = pinned.path.read_bytes()
            for offset in range(0, len(data), 10_000):
                follower.add_piece(offset, data[offset : offset + 10_000])
        follower.finish_copy(keep)


def fill(database: Any, first: int, last: int, size: int = 50) -> None:
    for number in range(first, last + 1):
        database.write_sync(lambda cursor, n=number: put(cursor, f"k{n}", bytes([n % 256]) * size))


def ship(source: ShippedLog, follower: Follower, most: int = 3000) -> int:
    source.look()
    count = 0
    while found := source.read(follower.end(), most):
        follower.append(found[0])
        assert follower.end() == found[1]
        count += 1
    source.close()
    return count


def segments(place: Place, volume: int = 0) -> dict[str, bytes]:
    return {
        path.name: path.read_bytes().rstrip(b"\0")
        for path in sorted((place.log_volumes[volume] / "book").glob("*.log"))
    }


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


def test_from_nothing_to_the_same_log_and_rows(pair: Pair) -> None:
    database, follower = pair.engine(pair.active, create=True), pair.follower()
    fill(database, 1, 30)
    assert follower.uuid == ""
    pair.copy(follower)
    assert follower.applied().lsn == 31
    assert follower.end().lsn < 31
    fill(database, 31, 90)
    source = pair.source()
    assert ship(source, follower) > 3
    assert follower.apply() == 60
    assert follower.applied() == source.committed()
    first = min(segments(pair.standby))
    assert segments(pair.standby) == {k: v for k, v in segments(pair.active).items() if k >= first}
    follower.close()
    database.close()
    database = pair.engine(pair.standby)
    assert len(list(entries(database))) == 90
    database.close()


def test_wherever_it_is_broken_off_it_goes_on(pair: Pair) -> None:
    database, follower = pair.engine(pair.active, create=True), pair.follower()
    chance = random.Random(7)
    fill(database, 1, 3)
    pair.copy(follower)
    number = 3
    for _ in range(40):
        match chance.randrange(4):
            case 0:
                fill(database, number + 1, number + 9, chance.choice((10, 900, 5000)))
                number += 9
            case 1:
                source = pair.source()
                source.look()
                for _ in range(chance.randrange(4)):
                    if found := source.read(follower.end(), 2000):
                        follower.append(found[0])
            case 2:
                follower.apply()
            case 3:
                follower.close()
                follower = pair.follower()
                assert follower.damage is None
    ship(pair.source(), follower)
    follower.apply()
    assert follower.applied() == pair.source().committed()
    follower.close()
    database.close()
    assert segments(pair.active).items() >= segments(pair.standby).items()


def test_a_torn_end_is_cut_off_and_shipped_again(pair: Pair) -> None:
    database, follower = pair.engine(pair.active, create=True), pair.follower()
    pair.copy(follower)
    fill(database, 1, 20)
    ship(pair.source(), follower)
    end = follower.end()
    follower.close()
    path = pair.standby.log_volumes[0] / "book" / max(segments(pair.standby))
    with open(path, "r+b") as file:
        file.truncate(end.finish - 7)
    follower = pair.follower()
    assert follower.end().lsn == end.lsn - 1
    ship(pair.source(), follower)
    assert follower.end() == end
    follower.close()
    database.close()


def test_every_volume_gets_it(tmp_path: Path) -> None:
    pair = Pair(tmp_path, logs=2)
    database, follower = pair.engine(pair.active, create=True), pair.follower()
    pair.copy(follower)
    fill(database, 1, 50)
    ship(pair.source(), follower)
    assert segments(pair.standby, 0) == segments(pair.standby, 1) == segments(pair.active)
    follower.close()
    shutil.rmtree(pair.standby.log_volumes[1] / "book")
    follower = pair.follower()
    assert segments(pair.standby, 0) == segments(pair.standby, 1)
    follower.close()
    database.close()


def test_what_does_not_fit_is_refused(pair: Pair) -> None:
    database, follower = pair.engine(pair.active, create=True), pair.follower()
    pair.copy(follower)
    fill(database, 1, 5)
    source = pair.source()
    ship(source, follower)
    fill(database, 6, 9)
    source.look()
    found = source.read(follower.end(), 3000)
    assert found is not None
    good = found[0]
    before = follower.end()
    for octets in (
        good.octets[:-1],
        good.octets[:60] + b"x" + good.octets[61:],
        good.octets[50:],
        good.octets + good.octets,
    ):
        with pytest.raises(Failure) as caught:
            follower.append(good._replace(octets=octets))
        assert caught.value.kind is FailureKind.CORRUPT
    for wrong in (good._replace(start=good.start + 1), good._replace(segment=99), good._replace(start=0)):
        with pytest.raises(Failure):
            follower.append(wrong)
    assert follower.end() == before
    follower.append(good)
    follower.close()
    database.close()


def test_it_applies_only_what_is_old_enough(pair: Pair) -> None:
    database, follower = pair.engine(pair.active, create=True), pair.follower()
    pair.copy(follower)
    fill(database, 1, 5)
    moment = pair.clock.now()
    pair.clock.advance(10)
    fill(database, 6, 8)
    ship(pair.source(), follower)
    assert follower.apply(moment) == 5
    assert follower.apply(moment) == 0
    assert follower.end().lsn == 9
    follower.close()
    follower = pair.follower()
    assert (follower.applied().lsn, follower.end().lsn) == (6, 9)
    assert follower.apply(pair.clock.now()) == 3
    follower.close()
    database.close()


def test_a_new_generation_is_followed(pair: Pair) -> None:
    database, follower = pair.engine(pair.active, create=True), pair.follower()
    pair.copy(follower)
    fill(database, 1, 5)
    ship(pair.source(), follower)
    database.close()
    assert begin_generation(pair.active) == 2
    source = pair.source()
    assert source.trace(follower.end()).bond is Bond.CONTINUES
    ship(source, follower)
    assert follower.end()[:2] == (2, 6)
    assert follower.finish()[:2] == (2, 6)
    database = pair.engine(pair.active)
    fill(database, 6, 60)
    ship(pair.source(), follower)
    follower.close()
    follower = pair.follower()
    assert follower.end()[:2] == (2, 61)
    assert follower.apply() == 55
    assert follower.applied() == pair.source().committed()
    follower.close()
    database.close()


def test_taking_over_and_coming_back(pair: Pair) -> None:
    database, follower = pair.engine(pair.active, create=True), pair.follower()
    pair.copy(follower)
    fill(database, 1, 20)
    ship(pair.source(), follower)
    follower.finish()
    follower.close()
    assert begin_generation(pair.standby) == 2
    database.close()
    other = pair.engine(pair.standby)
    fill(other, 21, 25)
    back, source = pair.follower(pair.active), pair.source(pair.standby)
    assert source.trace(back.end()).bond is Bond.CONTINUES
    ship(source, back)
    back.apply()
    assert back.applied()[:2] == (2, 26)
    back.close()
    other.close()


def test_records_that_nobody_got_are_kept_aside(pair: Pair) -> None:
    database, follower = pair.engine(pair.active, create=True), pair.follower()
    pair.copy(follower)
    fill(database, 1, 20)
    ship(pair.source(), follower)
    fill(database, 21, 23)
    database.close()
    lost = segments(pair.active)
    follower.finish()
    follower.close()
    begin_generation(pair.standby)
    other = pair.engine(pair.standby)
    fill(other, 100, 105)
    back, source = pair.follower(pair.active), pair.source(pair.standby)
    assert source.trace(back.end()) == (Bond.REPLACED, 2, 21)
    pair.copy(back, pair.standby, keep=True)
    ship(source, back)
    back.apply()
    assert back.applied() == source.committed()
    [aside] = pair.active.log_volumes[0].glob("book.diverged-*")
    assert {path.name: path.read_bytes().rstrip(b"\0") for path in sorted(aside.glob("*.log"))} == lost
    back.close()
    other.close()


def test_a_damaged_database_wants_a_fresh_copy(pair: Pair) -> None:
    database, follower = pair.engine(pair.active, create=True), pair.follower()
    pair.copy(follower)
    follower.close()
    pair.standby.file.write_bytes(b"rubbish" * 5000)
    follower = pair.follower()
    assert follower.uuid == ""
    assert follower.damage
    pair.copy(follower)
    ship(pair.source(), follower)
    follower.apply()
    assert follower.applied() == pair.source().committed()
    follower.close()
    database.close()


def test_a_database_that_went_its_own_way_is_given_up(pair: Pair) -> None:
    database, follower = pair.engine(pair.active, create=True), pair.follower()
    pair.copy(follower)
    follower._connection.execute("INSERT INTO entry VALUES ('k1', x'00', 0)")  # type: ignore[union-attr]
    fill(database, 1, 2)
    ship(pair.source(), follower)
    with pytest.raises(Failure) as caught:
        follower.apply()
    assert caught.value.kind is FailureKind.CORRUPT
    assert follower.uuid == ""
    follower.close()
    database.close()


def test_segments_that_are_in_the_database_are_pruned(pair: Pair) -> None:
    database, follower = pair.engine(pair.active, create=True), pair.follower()
    pair.copy(follower)
    fill(database, 1, 200)
    ship(pair.source(), follower)
    assert follower.prune(2**62) == 0
    follower.apply()
    assert follower.prune(0) == 0
    assert follower.prune(2**62) > 3
    follower.close()
    follower = pair.follower()
    assert follower.applied() == pair.source().committed()
    follower.close()
    database.close()


def test_what_was_pruned_at_the_source_needs_a_copy(pair: Pair) -> None:
    database, follower = pair.engine(pair.active, create=True), pair.follower()
    pair.copy(follower)
    fill(database, 1, 200)
    source = pair.source()
    LiveVolumes(pair.active, pair.world).prune(1, 150)
    assert source.trace(follower.end()).bond is Bond.PRUNED
    with pytest.raises(Failure) as caught:
        source.read(follower.end(), 3000)
    assert caught.value.kind is FailureKind.NOT_FOUND
    follower.close()
    database.close()


def test_only_what_is_committed_is_shipped(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    database, follower = pair.engine(pair.active, create=True), pair.follower()
    pair.copy(follower)
    source = pair.source()
    ship(source, follower)
    fill(database, 1, 3)
    assert source.read(follower.end(), 3000) is None
    source.note(source._live.position()._replace(lsn=3))
    ship(source, follower)
    assert follower.end().lsn == 4
    follower.close()
    database.close()


def test_it_finds_its_way_with_a_record_longer_than_a_shipment(pair: Pair) -> None:
    database, follower = pair.engine(pair.active, create=True), pair.follower()
    pair.copy(follower)
    fill(database, 1, 3, 100_000)
    ship(pair.source(), follower, 700)
    assert follower.apply() == 3
    follower.close()
    database.close()


def test_how_far_behind(pair: Pair) -> None:
    database, follower = pair.engine(pair.active, create=True), pair.follower()
    pair.copy(follower)
    source = pair.source()
    ship(source, follower)
    assert source.behind(follower.end()) == 0
    fill(database, 1, 100)
    source.look()
    total = sum(len(octets) for octets in segments(pair.active).values())
    assert 0 < source.behind(follower.end()) <= total
    follower.close()
    database.close()
