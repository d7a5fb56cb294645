"""Answers in mode sync: released in order when a standby has the record, by policy when none does."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pillarbox.app.site import Site
from pillarbox.app.standby.board import BoardReader, BoardWriter, State, acks_directory, decode_commit, encode_commit
from pillarbox.app.standby.guards import Announcer, WaitingGuard
from pillarbox.base.clock import FixedClock
from pillarbox.base.failure import FailureKind
from pillarbox.base.settings import Settings
from pillarbox.model.failure import Failure
from pillarbox.model.logged import Alarm, AlarmKind
from pillarbox.model.recovery import LogPoint


class House:
    """A guard of the database `mail`, and what it did."""

    def __init__(self, path: Path, stops: bool = False) -> None:
        self.site = Site(path, Settings())
        self.site.run.mkdir()
        self.board = BoardWriter(self.site, ["directory", "mail"])
        self.board.set_state(State.FOLLOWED)
        self.clock = FixedClock()
        self.alarms: list[Alarm] = []
        self.released: list[tuple[int, FailureKind | None]] = []
        self.announcer = Announcer(self.site)
        self.guard = WaitingGuard(
            "mail", self.announcer, BoardReader(self.site), 5.0, stops, self.alarms.append, self.clock
        )

    def close(self) -> None:
        self.announcer.close()
        self.board.close()

    def commit(self, lsn: int, generation: int = 1) -> None:
        def release(failure: Failure | None) -> None:
            self.released.append((lsn, failure.kind if failure else None))

        self.guard.confirm(LogPoint(generation, lsn, 1, lsn * 100), release)

    def acknowledge(self, lsn: int, generation: int = 1) -> None:
        self.board.acknowledge("mail", generation, lsn)
        self.guard.look()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with closing(House(tmp_path)) as one:
        yield one


def test_they_wait_and_come_in_order(house: House) -> None:
    for lsn in (5, 6, 7, 8):
        house.commit(lsn)
    assert house.released == []
    house.acknowledge(6)
    assert house.released == [(5, None), (6, None)]
    house.acknowledge(9)
    assert [lsn for lsn, _ in house.released] == [5, 6, 7, 8]
    house.commit(9)
    assert house.released[-1] == (9, None)


def test_another_database_or_an_older_generation_does_not_count(house: House) -> None:
    house.commit(5, generation=2)
    house.board.acknowledge("directory", 2, 50)
    house.acknowledge(50, generation=1)
    assert house.released == []
    house.acknowledge(5, generation=2)
    assert house.released == [(5, None)]


def test_nobody_waits_for_a_standby_that_is_gone(house: House) -> None:
    house.commit(5)
    house.board.set_state(State.GONE)
    house.guard.look()
    house.commit(6)
    assert house.released == [(5, None), (6, None)]
    house.board.set_state(State.FOLLOWED)
    house.commit(7)
    assert len(house.released) == 2


def test_one_that_is_silent_for_too_long_counts_as_gone_until_it_has_caught_up(house: House) -> None:
    house.commit(5)
    house.clock.advance(4.9)
    house.commit(6)
    house.guard.look()
    assert house.released == []
    house.clock.advance(0.2)
    house.guard.look()
    assert house.released == [(5, None), (6, None)]
    assert [alarm.kind for alarm in house.alarms] == [AlarmKind.STANDBY_GONE]
    house.commit(7)
    assert house.released[-1] == (7, None)
    house.acknowledge(6)
    house.commit(8)
    assert house.released[-1] == (7, None)
    house.acknowledge(8)
    assert house.released[-1] == (8, None)


def test_with_stop_they_are_refused(tmp_path: Path) -> None:
    with closing(House(tmp_path, stops=True)) as house:
        house.commit(5)
        house.clock.advance(5)
        house.guard.look()
        house.commit(6)
        assert house.released == [(5, FailureKind.UNAVAILABLE), (6, FailureKind.UNAVAILABLE)]


def test_at_the_end_nobody_is_left_waiting(house: House) -> None:
    house.commit(5)
    house.guard.close()
    assert house.released == [(5, None)]


def test_the_board_outlives_its_writer(house: House) -> None:
    house.board.acknowledge("mail", 1, 7)
    house.board.close()
    house.board = BoardWriter(house.site, ["directory", "mail"])
    assert house.board.state is State.EXPECTED
    house.commit(7)
    assert house.released == [(7, None)]
    house.board.set_state(State.GONE)
    house.board.close()
    house.board = BoardWriter(house.site, ["directory", "mail"])
    assert house.board.state is State.GONE


def test_notices_are_read_as_they_were_made() -> None:
    point = LogPoint(2, 77, 60, 4321)
    assert decode_commit(encode_commit("mail", point)) == ("mail", point)
    for rubbish in (b"", b"mail", b"mail\0short"):
        with pytest.raises(ValueError, match="notice"):
            decode_commit(rubbish)


def test_a_worker_may_begin_before_the_board_is_there(tmp_path: Path) -> None:
    site = Site(tmp_path, Settings())
    site.run.mkdir()
    reader = BoardReader(site)
    assert (reader.state, reader.acknowledged("mail")) == (State.EXPECTED, (0, 0))
    with closing(BoardWriter(site, ["mail"])) as writer:
        writer.acknowledge("mail", 1, 3)
    assert (reader.state, reader.acknowledged("mail")) == (State.GONE, (1, 3))
    assert acks_directory(site).is_dir()
