"""The catalog: complete sets only, newest last, damaged ones named; archived log in order."""

from pathlib import Path

import pytest

from pillarbox.base.clock import FixedClock
from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import Span
from pillarbox.recovery.backup import run_backup
from pillarbox.recovery.catalog import Catalog, archived_spans
from pillarbox.recovery.names import manifest_name, span_name
from pillarbox.testing.backuphouse import database, order
from pillarbox.testing.targets import FaultyTarget, MemoryTarget, on

UUID = "0123456789abcdef" * 2
DAY = 24 * 3600


@pytest.fixture
def target(tmp_path: Path) -> MemoryTarget:
    """Three sets, a day between them; the second one lacks the queue."""
    memory, clock = MemoryTarget(), FixedClock(1_795_483_800_000_000)
    mailboxes, queue = database(tmp_path / "a", 1), database(tmp_path / "b", 1, "queue", "1" * 32)
    for databases in ([mailboxes, queue], [mailboxes], [mailboxes, queue]):
        run_backup(order(databases, tmp_path / "state"), [memory], clock)
        clock.advance(DAY)
    return memory


def ids(catalog: Catalog) -> list[str]:
    return [found.set[6:8] for found in catalog.sets()]


def test_sets_come_newest_last(target: MemoryTarget) -> None:
    catalog = Catalog(target)
    assert ids(catalog) == ["24", "25", "26"]
    assert catalog.get("20261125T013000Z-full").set[6:8] == "25"
    with pytest.raises(Failure, match="there is no backup 20261127T013000Z-full at memory") as caught:
        catalog.get("20261127T013000Z-full")
    assert caught.value.kind is FailureKind.NOT_FOUND
    assert catalog.pieces_in_use() == {name for name in target.objects if not name.endswith("json")}
    assert catalog.objects() == {name: len(data) for name, data in target.objects.items()}


def test_the_newest_before_a_time(target: MemoryTarget) -> None:
    catalog = Catalog(target)
    times = [found.databases[0].time for found in catalog.sets()]

    def newest(before: int | None = None, database: str | None = None) -> str | None:
        found = catalog.newest(before, database)
        return found.set[6:8] if found else None

    assert newest() == "26"
    assert newest(times[2]) == "26" and newest(times[2] - 1) == "25"
    assert newest(times[2] - 1, "queue") == "24"
    assert newest(times[0] - 1) is None
    assert newest(None, "nothing") is None


def test_what_was_broken_off_is_no_set(target: MemoryTarget) -> None:
    target.delete(manifest_name("20261126T013000Z-full"))
    assert ids(Catalog(target)) == ["24", "25"]


def test_it_reads_once_until_refreshed(target: MemoryTarget) -> None:
    catalog = Catalog(target)
    assert len(catalog.sets()) == 3
    target.delete(manifest_name("20261126T013000Z-full"))
    assert len(catalog.sets()) == 3
    catalog.refresh()
    assert len(catalog.sets()) == 2


def test_a_damaged_manifest_is_named(target: MemoryTarget) -> None:
    target.flip(manifest_name("20261125T013000Z-full"))
    other = target.get(manifest_name("20261124T013000Z-full"))
    target.put(manifest_name("20261126T013000Z-full"), other)
    catalog = Catalog(target)
    assert ids(catalog) == ["24"]
    assert [failure.kind for failure in catalog.damaged()] == [FailureKind.CORRUPT] * 2
    assert "sets/20261125T013000Z-full/manifest.json is damaged" in catalog.damaged()[0].public
    assert "it is the manifest of 20261124T013000Z-full" in catalog.damaged()[1].public


def test_a_target_that_is_away_is_no_empty_catalog(target: MemoryTarget) -> None:
    for broken in (on("sets/", "list"), on("manifest", "get")):
        with pytest.raises(Failure) as caught:
            Catalog(FaultyTarget(target, broken)).sets()
        assert caught.value.kind is FailureKind.UNAVAILABLE


def test_a_set_removed_while_it_is_read_is_not_there(target: MemoryTarget) -> None:
    gone = FaultyTarget(target, on("20261125", "get"), FailureKind.NOT_FOUND)
    assert ids(Catalog(gone)) == ["24", "26"]


def test_archived_log_comes_in_order() -> None:
    target = MemoryTarget()
    spans = [Span(10, 5, 0, 9, 5, 5, 1, False), Span(9, 200, 9, 90, 1, 2, 1, False), Span(9, 200, 0, 9, 1, 1, 1, False)]
    for uuid in (UUID, "f" * 32):
        for span in spans:
            target.put(span_name("mailboxes", uuid, span, ".zst"), b"x" * 7)
    target.put("log/mailboxes/notes", b"")
    found = archived_spans(target, "mailboxes", UUID)
    assert [item.name.span for item in found] == spans[::-1]
    assert {item.stored for item in found} == {7}
    assert len(archived_spans(target)) == 6 and archived_spans(target, "mail") == []
