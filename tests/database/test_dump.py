"""The log, readably."""

from collections.abc import Callable
from typing import Any

import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.database.dump import dump_log
from pillarbox.model.failure import Failure
from pillarbox.testing.ledger import drop, put


@pytest.fixture
def site(make_site: Callable[..., Any]) -> Any:
    site = make_site(segment_size=1500)
    database = site.create()
    database.write_sync(lambda cursor: put(cursor, "a", b"\x01" * 40))
    database.write_sync(lambda cursor: cursor.execute("UPDATE entry SET value = x'02' WHERE key = 'a'"))
    database.write_sync(lambda cursor: drop(cursor, "a"))
    for number in range(30):
        database.write_sync(lambda cursor, n=number: put(cursor, f"k{n}", b"v"))
    return site


@pytest.mark.parametrize("database_file", [True, False])
def test_each_change_is_shown_with_names(site: Any, database_file: bool) -> None:
    if not database_file:
        site.close()
        site.remove_database()
    records = list(dump_log(site.place, site.surroundings))
    assert [record["lsn"] for record in records] == list(range(1, 35))
    first, insert, update, delete = records[:4]
    assert first["kind"] == "schema"
    assert "CREATE TABLE entry" in first["schema"]
    assert insert["time"] == "2023-11-14T22:13:20+00:00"
    assert insert["segment"] == "1-0000000000000001.log"
    (change,) = insert["changes"]
    assert (change["table"], change["op"], change["key"]) == ("entry", "INSERT", {"key": "a"})
    assert change["new"]["value"] == "<40 octets 01010101010101010101010101010101…>"
    (change,) = update["changes"]
    assert (change["op"], change["key"]) == ("UPDATE", {"key": "a"})
    assert (change["old"].keys(), change["new"]) == ({"value"}, {"value": "<1 octets 02>"})
    (change,) = delete["changes"]
    assert (change["op"], change["old"]["value"], change["new"]) == ("DELETE", "<1 octets 02>", {})


def test_a_part_of_the_log(site: Any) -> None:
    assert len(site.segments()) > 2
    assert [record["lsn"] for record in dump_log(site.place, site.surroundings, 20, 22)] == [20, 21, 22]
    assert list(dump_log(site.place, site.surroundings, 100)) == []


def test_damage_is_named_after_what_lies_before_it(site: Any) -> None:
    path = site.segments()[1]
    path.write_bytes(path.read_bytes()[:560] + b"?" + path.read_bytes()[561:])
    shown = []
    with pytest.raises(Failure) as caught:
        for record in dump_log(site.place, site.surroundings):
            shown.append(record)  # noqa: PERF402
    assert caught.value.kind is FailureKind.CORRUPT
    assert shown


def test_no_log_is_not_found(site: Any) -> None:
    site.close()
    for path in site.segments():
        path.unlink()
    with pytest.raises(Failure) as caught:
        list(dump_log(site.place, site.surroundings))
    assert caught.value.kind is FailureKind.NOT_FOUND
