"""The history of drills: read as written, by older and newer programs, and what a record says of itself."""

from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.recovery.history import DatabaseDrill, DrillRecord, History, Trigger, decode, encode
from pillarbox.recovery.jsonfile import append_line

NUMBERS = st.integers(0, 2**62)
SECONDS = st.floats(0, 1e9)
TEXTS = st.lists(st.text(), max_size=2).map(tuple)
DRILLS = st.builds(
    DatabaseDrill, st.text(), st.text(), NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS,
    SECONDS, SECONDS, SECONDS, SECONDS, SECONDS, TEXTS, TEXTS, TEXTS, st.text(),
)  # fmt: skip
RECORDS = st.builds(
    DrillRecord, st.text(), NUMBERS, st.sampled_from(Trigger), SECONDS, SECONDS, st.integers(1, 64), SECONDS,
    st.lists(DRILLS, max_size=3).map(tuple),
)  # fmt: skip

MAILBOXES = DatabaseDrill("mailboxes", "set", 0, 9, 1000, 900, 300, 7, 50.0, 10.0, 30.0, 10.0, 5.0)
QUEUE = DatabaseDrill("queue", "set", 0, 4, 500, 400, 100, 3, 10.0, 0.0, 5.0, 5.0, 1.0)


def record(when: int = 1, **more: Any) -> DrillRecord:
    plain = DrillRecord("id", when, Trigger.SCHEDULE, 100.0, 106.0, 2, 1.0, (MAILBOXES, QUEUE))
    return plain._replace(**more)


@given(RECORDS)
@settings(max_examples=50, deadline=None)
def test_a_record_is_read_as_it_was_written(one: DrillRecord) -> None:
    assert decode(encode(one)) == one


def test_unknown_fields_are_kept_out_and_missing_ones_have_defaults() -> None:
    row = {"id": "x", "when": 3, "seconds": 2, "promised_hours": 4, "mood": 1, "databases": [{"database": "a", "b": 2}]}
    assert decode(row) == DrillRecord("x", 3, Trigger.HAND, 2.0, 2.0, 1, 4.0, (DatabaseDrill("a"),))


def test_what_is_no_record_is_none() -> None:
    whole = encode(record())
    for key in ("id", "when", "seconds", "promised_hours", "databases"):
        assert decode({name: value for name, value in whole.items() if name != key}) is None
    assert decode({**whole, "databases": ["mailboxes"]}) is None
    assert decode({**whole, "trigger": "moon"}) is None
    assert decode({**whole, "when": float("inf")}) is None


def test_the_history_comes_oldest_first_and_is_bounded(tmp_path: Path) -> None:
    history = History(tmp_path / "drills.jsonl", keep=4)
    for when in range(1, 20):
        history.append(record(when))
    kept = [one.when for one in history.records()]
    assert kept[-1] == 19
    assert len(kept) <= 5


def test_a_torn_last_line_is_ignored(tmp_path: Path) -> None:
    file = tmp_path / "drills.jsonl"
    history = History(file)
    history.append(record(1))
    history.append(record(2))
    file.write_bytes(file.read_bytes()[:-20])
    assert [one.when for one in history.records()] == [1]
    append_line(file, {"not": "a drill"}, 10)
    history.append(record(3))
    assert [one.when for one in history.records()] == [1, 3]


def test_a_record_adds_up() -> None:
    one = record()
    assert (one.size, one.log_octets, one.records) == (1500, 400, 10)
    assert one.ok and one.restored and one.kept
    # 60 of 120 seconds of work were copying: two databases at once, so of the 100 seconds that passed as much.
    assert [round(part, 1) for part in one.parts()] == [50.0, 8.3, 29.2, 12.5]


def test_a_promise_is_kept_only_if_everything_came_back_in_time() -> None:
    assert not record(seconds=3601.0).kept
    assert not record(databases=(MAILBOXES, DatabaseDrill("queue", failure="no backup"))).kept
    different = record(databases=(MAILBOXES._replace(differences=("table message: 1 row is missing",)),))
    assert different.kept and different.restored and not different.ok
    assert not record(databases=()).kept
