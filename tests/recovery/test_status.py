"""The prospects of a site: what each loss would mean, whether promises hold, and what would help, tried out."""

import json

from pillarbox.base.clock import MICROSECONDS
from pillarbox.recovery.facts import ELSEWHERE, Behind, DatabaseFacts, Facts, Kind, Place, Saved, Scenario
from pillarbox.recovery.improve import improvements
from pillarbox.recovery.promise import Promised
from pillarbox.recovery.rates import ASSUMED, Rates
from pillarbox.recovery.status import Status, recovery_status, rows_of, status_to_json

GB = 10**9
NOW = 1_700_000_000 * MICROSECONDS
DAY = 86400 * MICROSECONDS
RATES = Rates(20e6, 20e6, 1e9, 20e6, NOW - DAY, ())
BUCKET = Place("s3://bucket", ELSEWHERE)
MACHINE = Scenario(Kind.MACHINE)
DATA = Scenario(Kind.DATA, "data")


def database(name: str = "mailboxes", size: int = 30 * GB, log: int = 15 * GB, lag: float = 0.5) -> DatabaseFacts:
    """25 minutes to copy, 12.5 to play, 25 to check."""
    saved = Saved(BUCKET.name, NOW - DAY, size, log, 4000, True)
    return DatabaseFacts(name, size, (saved,), (Behind(BUCKET.name, lag, 0, 1 if lag else 0),))


def site(*databases: DatabaseFacts, workers: int = 2, shared: bool = False) -> Facts:
    log = Place("log", "sda" if shared else "sdb")
    return Facts(NOW, workers, Place("data", "sda"), (log,), (BUCKET,), databases or (database(),))


def status(facts: Facts, hours: float = 4.0, loss: float = 1.0, rates: Rates = RATES) -> Status:
    return recovery_status(facts, rates, {one.name: Promised(hours, loss) for one in facts.databases})


def advice(scenario: Scenario, facts: Facts, hours: float = 4.0, loss: float = 1.0) -> list[str]:
    promised = {one.name: Promised(hours, loss) for one in facts.databases}
    return [improvement.text for improvement in improvements(scenario, facts, RATES, promised)]


def test_the_headline_says_how_long_and_how_much() -> None:
    assert status(site()).headline == "If the data volume data died now: back in 62 minutes, 0 messages lost."


def test_a_shared_disk_is_what_dies() -> None:
    facts = site(database(lag=12.0), shared=True)
    assert status(facts).headline == (
        "If the disk sda (data, log) died now: back in 62 minutes, mail of the last 12 seconds lost (up to 1 message)."
    )
    assert "on one disk, and lost together: data, log" in status(facts).notes


def test_without_a_backup_the_headline_does_not_comfort() -> None:
    alone = site(DatabaseFacts("mailboxes", GB))._replace(targets=())
    assert "there is no backup to restore from, all mail would be lost" in status(alone).headline
    assert not status(alone).kept
    assert status(alone).advice[0].text == (
        "backups and log each second to a target outside this machine: all mail → 0, never → 1.7 min"
    )


def test_each_disk_and_each_database_has_a_line() -> None:
    rows = rows_of(status(site(database("a"), database("b", GB, 0))))
    assert [row["if_lost"] for row in rows] == [
        "data volume data", "log volume log", "whole machine", "database a", "database b",
    ]  # fmt: skip
    assert rows[0]["minutes"] == "62"
    assert rows[2]["lost"] == "1 s"
    assert {row["promise"] for row in rows} == {"kept"}


def test_a_broken_promise_is_told_with_whom_it_was_given() -> None:
    facts = site(database(lag=90.0))
    held = {"mailboxes": Promised(1.0, 0.0, "board@example.org", "law@example.org")}
    found = recovery_status(facts, RATES, held)
    machine = next(loss for loss in found.disks if loss.outcome.scenario == MACHINE)
    assert machine.broken == (
        "mailboxes: back in 62 minutes, 60 minutes are promised to board@example.org",
        "mailboxes: 90 s of mail lost, 0 s are promised to law@example.org",
    )
    assert not machine.kept and not found.kept


def test_splitting_halves_the_time_where_there_are_workers() -> None:
    assert "split mailboxes in two: 62 → 31 min" in advice(DATA, site())
    assert not any("split" in text for text in advice(DATA, site(workers=1)))
    assert "split mailboxes in two: 62 → 31 min" in advice(Scenario(Kind.FILE, "mailboxes"), site(workers=1))
    fixed = site(database()._replace(divisible=False))
    assert not any("split" in text for text in advice(DATA, fixed))


def test_a_fresh_backup_leaves_less_log_to_play() -> None:
    assert "a backup now: less log to play: 62 → 50 min" in advice(DATA, site())
    assert not any("backup" in text for text in advice(DATA, site(database(log=0))))


def test_a_mirrored_log_saves_what_is_not_yet_archived() -> None:
    texts = advice(Scenario(Kind.DISK, "sda"), site(database(lag=3600.0), shared=True))
    assert "mirror the log on another disk: up to 3,600 s of mail → 0" in texts
    assert not any("mirror" in text for text in advice(DATA, site()))


def test_archiving_each_second_and_a_standby_save_mail() -> None:
    texts = advice(MACHINE, site(database(lag=3600.0)))
    assert texts[0] == "a standby in mode sync: up to 3,600 s of mail → 0, 62 → 1 min"
    assert "the log to every target each second: up to 3,600 s of mail → 1 s" in texts


def test_what_mends_a_promise_comes_first() -> None:
    # 62 minutes: a backup makes 50, a split 31; only the split keeps 45 minutes, and loss is no matter here.
    texts = advice(DATA, site(), hours=0.75)
    assert [text.split(":")[0] for text in texts] == [
        "a standby in mode sync",
        "split mailboxes in two",
        "a backup now",
    ]


def test_a_synchronous_standby_leaves_little_to_improve() -> None:
    followed = database()._replace(standbys=(Behind("b.example", 0.0, 0, 0),))
    assert advice(MACHINE, site(followed)) == []
    late = database(lag=3600.0)._replace(standbys=(Behind("b.example", 30.0, 0, 0),))
    assert "mode sync with the standby: up to 30 s of mail → 0" in advice(MACHINE, site(late))


def test_advice_names_each_change_once_where_it_does_most() -> None:
    found = status(site(database(lag=3600.0), shared=True))
    changes = [improvement.change for improvement in found.advice]
    assert len(changes) == len(set(changes))
    mirror = next(one for one in found.advice if "mirror" in one.change)
    assert mirror.scenario == Scenario(Kind.DISK, "sda")


def test_the_notes_say_what_the_numbers_rest_on() -> None:
    assert status(site()).notes == ("measured by the drill of 2023-11-13 22:13Z, 24 hours ago",)
    assert status(site(), rates=ASSUMED).notes == (
        "no drill has measured this site yet: the minutes are assumed, hold a drill",
    )
    old = RATES._replace(measured_at=NOW - 40 * DAY, assumed=("playing",))
    assert status(site(), rates=old).notes[1:] == (
        "assumed, since no drill had enough of it to measure: playing",
        "the measurement is old: hold a drill",
    )
    unread = database()._replace(saved=(database().saved[0]._replace(verified=False),))
    assert "no backup at s3://bucket has been read back yet" in status(site(unread)).notes[-1]


def test_programs_get_null_for_never() -> None:
    alone = site(DatabaseFacts("mailboxes", GB))._replace(targets=())
    row = json.loads(json.dumps(status_to_json(status(alone)), allow_nan=False))
    assert row["disks"][0]["seconds"] is None
    assert row["disks"][0]["databases"][0]["loss_seconds"] is None
    assert row["kept"] is False
    assert row["measurement_age_seconds"] == 86400
