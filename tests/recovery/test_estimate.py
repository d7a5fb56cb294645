"""What each loss would mean, by arithmetic that can be done by hand: 100 MB/s copied, 50 played, 100 checked."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.base.clock import MICROSECONDS
from pillarbox.recovery.estimate import Outcome, Way, estimate, finish_times
from pillarbox.recovery.facts import (
    ELSEWHERE,
    Behind,
    DatabaseFacts,
    Facts,
    Kind,
    Lost,
    Place,
    Saved,
    Scenario,
    scenarios,
    things_lost,
)
from pillarbox.recovery.promise import Promised
from pillarbox.recovery.rates import Rates

GB = 10**9
NOW = 1_700_000_000 * MICROSECONDS
RATES = Rates(100e6, 50e6, 10_000.0, 100e6, NOW, ())
BUCKET = Place("s3://bucket", ELSEWHERE)
DATA, LOG, MIRROR = Place("data", "sda"), Place("log", "sdb"), Place("log2", "sdc")
MACHINE = Scenario(Kind.MACHINE)
DATA_LOST, LOG_LOST = Scenario(Kind.DATA, "data"), Scenario(Kind.LOG, "log")


def database(name: str = "mailboxes", size: int = 20 * GB, log: int = 3 * GB, records: int = 100) -> DatabaseFacts:
    """200 seconds of copying, 60 of playing, 200 of checking."""
    saved = Saved(BUCKET.name, NOW - 3600 * MICROSECONDS, size, log, records, True)
    return DatabaseFacts(name, size, (saved,), (Behind(BUCKET.name, 2.0, GB // 2, 5),))


def site(*databases: DatabaseFacts, workers: int = 1, logs: tuple[Place, ...] = (LOG,)) -> Facts:
    return Facts(NOW, workers, DATA, logs, (BUCKET,), databases or (database(),))


def promised(facts: Facts, hours: float = 4.0, loss: float = 60.0) -> dict[str, Promised]:
    return {one.name: Promised(hours, loss) for one in facts.databases}


def outcome(scenario: Scenario, facts: Facts, loss: float = 60.0) -> Outcome:
    return estimate(scenario, facts, RATES, promised(facts, loss=loss))


def test_with_the_data_volume_gone_the_log_brings_everything_back() -> None:
    found = outcome(DATA_LOST, site())
    assert found.way is Way.RESTORE
    assert (found.seconds, found.loss_seconds, found.loss_records) == (460.0, 0.0, 0)
    (fate,) = found.fates
    assert (fate.copying, fate.playing, fate.checking) == (200.0, 60.0, 200.0)


def test_many_small_records_are_played_by_their_number() -> None:
    found = outcome(DATA_LOST, site(database(records=1_000_000)))
    assert found.fates[0].playing == 100.0


def test_with_the_machine_gone_what_is_not_archived_is_lost() -> None:
    found = outcome(MACHINE, site())
    assert (found.loss_seconds, found.loss_records) == (2.0, 5)
    assert found.fates[0].playing == 50.0, "what is lost need not be played"


def test_without_an_archive_all_since_the_backup_is_lost() -> None:
    found = outcome(MACHINE, site(database()._replace(archived=())))
    assert (found.loss_seconds, found.loss_records, found.fates[0].playing) == (3600.0, 100, 0.0)
    quiet = outcome(MACHINE, site(database(log=0, records=0)._replace(archived=())))
    assert quiet.loss_seconds == 0.0, "nothing has happened since"


def test_without_a_backup_there_is_no_way_back() -> None:
    found = outcome(DATA_LOST, site(database()._replace(saved=()), database("directory", 0, 0, 0)))
    assert found.way is Way.NOTHING
    assert found.seconds == found.loss_seconds == math.inf
    assert found.loss_records is None
    directory = next(fate for fate in found.fates if fate.database == "directory")
    assert directory.ready == 0.0, "the other databases do not wait for it"


def test_a_lost_log_volume_is_replaced_or_mirrored() -> None:
    alone = outcome(LOG_LOST, site())
    assert (alone.way, alone.seconds, alone.loss_seconds) == (Way.NEW_LOG, 60.0, 0.0)
    mirrored = outcome(LOG_LOST, site(logs=(LOG, MIRROR)))
    assert (mirrored.way, mirrored.seconds) == (Way.UNTOUCHED, 0.0)


def test_a_damaged_file_leaves_the_other_databases_alone() -> None:
    found = outcome(Scenario(Kind.FILE, "a"), site(database("a"), database("b")))
    assert {fate.database: fate.way for fate in found.fates} == {"a": Way.RESTORE, "b": Way.UNTOUCHED}
    assert found.seconds == 460.0


def test_databases_are_restored_several_at_a_time_the_longest_first() -> None:
    databases = (database("small", GB, 0, 0), database("big"), database("small2", GB, 0, 0))
    assert outcome(DATA_LOST, site(*databases)).seconds == 500.0
    assert outcome(DATA_LOST, site(*databases, workers=2)).seconds == 460.0


def test_the_strictest_promise_comes_first() -> None:
    facts = site(database("all"), database("board", GB, 0, 0))
    held = {"all": Promised(4, 60), "board": Promised(1, 60)}
    fates = estimate(DATA_LOST, facts, RATES, held).fates
    assert [(fate.database, fate.ready) for fate in fates] == [("board", 20.0), ("all", 480.0)]


def test_the_target_that_is_fastest_is_taken_and_one_on_the_lost_disk_is_not() -> None:
    near = Place("file:///b", "sda")
    fresh = Saved(near.name, NOW, 20 * GB, 0, 0, True)
    two = database()._replace(saved=(*database().saved, fresh))
    facts = site(two)._replace(targets=(BUCKET, near))
    assert outcome(DATA_LOST, facts).seconds == 400.0
    assert outcome(Scenario(Kind.DISK, "sda"), facts).seconds == 460.0
    assert outcome(MACHINE, facts).seconds == 450.0


def test_a_standby_takes_over_where_it_loses_no_more_than_promised() -> None:
    followed = database()._replace(standbys=(Behind("b.example", 0.0, 0, 0),))
    assert outcome(MACHINE, site(followed)).way is Way.STANDBY
    assert outcome(MACHINE, site(followed), loss=0.0).seconds == 60.0
    late = database()._replace(standbys=(Behind("b.example", 30.0, 0, 0),))
    assert outcome(DATA_LOST, site(late), loss=60.0).way is Way.STANDBY
    assert outcome(DATA_LOST, site(late), loss=0.0).way is Way.RESTORE, "the log volume has all of it"
    assert outcome(Scenario(Kind.FILE, "mailboxes"), site(followed)).way is Way.RESTORE
    half = outcome(MACHINE, site(followed, database("other")))
    assert half.way is Way.RESTORE, "it does not follow every database"


def test_where_every_way_loses_too_much_the_least_is_lost() -> None:
    late = database()._replace(standbys=(Behind("b.example", 30.0, 0, 0),))
    assert outcome(MACHINE, site(late), loss=0.0).loss_seconds == 2.0


def test_what_a_disk_takes_with_it() -> None:
    facts = Facts(NOW, 1, DATA, (Place("log", "sda"), MIRROR), (Place("file:///b", "sda"), BUCKET), (database(),))
    assert scenarios(facts) == [
        DATA_LOST, LOG_LOST, Scenario(Kind.LOG, "log2"), Scenario(Kind.DISK, "sda"), MACHINE,
    ]  # fmt: skip
    assert things_lost(Scenario(Kind.DISK, "sda"), facts) == Lost(
        frozenset({"mailboxes"}), frozenset({"log"}), frozenset({"file:///b"})
    )
    assert things_lost(Scenario(Kind.DISK, "sdc"), facts) == Lost(frozenset(), frozenset({"log2"}), frozenset())
    assert things_lost(MACHINE, facts).targets == frozenset({"file:///b"})
    assert scenarios(site()) == [DATA_LOST, LOG_LOST, MACHINE]


@given(st.lists(st.floats(0, 1000), max_size=20), st.integers(1, 8))
@settings(max_examples=100, deadline=None)
def test_work_shared_out_takes_no_less_than_its_share_and_no_more_than_all(work: list[float], workers: int) -> None:
    done = finish_times(work, workers)
    assert len(done) == len(work)
    assert max(done, default=0) <= sum(work) * (1 + 1e-9)
    assert max(done, default=0) >= max([sum(work) / workers, *work]) * (1 - 1e-9)
    if work:
        assert finish_times(work, len(work)) == pytest.approx(work)
