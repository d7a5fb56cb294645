"""Backups: whole, incremental, broken off and gone on with, at several targets of which some fail."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyrage
import pytest

from pillarbox.base.clock import FixedClock
from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import Pinned
from pillarbox.recovery.backup import JOURNAL, LOCK, Progress, run_backup
from pillarbox.recovery.catalog import Catalog
from pillarbox.recovery.codec import Codec
from pillarbox.recovery.exclusive import exclusively
from pillarbox.recovery.manifest import PIECE
from pillarbox.recovery.names import Kind, manifest_name
from pillarbox.testing.backuphouse import PACKED, SITE, database, no_wait, only_set, order, restored
from pillarbox.testing.filedatabase import FileDatabase
from pillarbox.testing.targets import FaultyTarget, MemoryTarget, after, between, on

DAY = 24 * 3600.0


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(1_795_483_800_000_000)


def test_a_full_backup_gives_back_every_octet(tmp_path: Path, clock: FixedClock) -> None:
    first, second = database(tmp_path / "a"), database(tmp_path / "b", 1, "queue", "1" * 32)
    empty = FileDatabase(tmp_path / "c", "directory", "2" * 32)
    target = MemoryTarget()
    seen: list[Progress] = []
    outcome = run_backup(order([first, second, empty], tmp_path / "state"), [target], clock, seen.append, no_wait)
    assert outcome.complete and outcome.octets == 3 * PIECE + 2000
    manifest = only_set(target)
    assert outcome.results[0].manifest == manifest
    assert (manifest.set, manifest.kind, manifest.base) == ("20261124T013000Z-full", Kind.FULL, "")
    assert restored(target, manifest) == first.path.read_bytes()
    assert restored(target, manifest, "queue") == second.path.read_bytes()
    assert restored(target, manifest, "directory") == b""
    assert manifest.site is not None and target.get(manifest.site.object) == SITE
    assert seen[0] == Progress("mailboxes", 0, 3 * PIECE + 1000, 0)
    assert [progress.done for progress in seen if progress.database == "mailboxes"] == [
        0, PIECE, 2 * PIECE, 3 * PIECE, 3 * PIECE + 1000,
    ]  # fmt: skip
    assert seen[-1] == Progress("directory", 0, 0, 3 * PIECE + 2000)
    assert not first.pinned and first.pins == 1
    assert not (tmp_path / "state" / JOURNAL).exists()
    assert target.durable == target.objects


def test_the_manifest_comes_when_all_else_is_durable(tmp_path: Path, clock: FixedClock) -> None:
    target = FaultyTarget(MemoryTarget())
    run_backup(order([database(tmp_path / "a")], tmp_path / "state"), [target], clock)
    calls = [what if what != "put" else name.rpartition("/")[2] for what, name in target.log]
    assert calls[-3:] == ["flush", "manifest.json", "flush"]
    assert calls.count("manifest.json") == 1


def test_it_is_compressed_and_encrypted(tmp_path: Path, clock: FixedClock) -> None:
    key = pyrage.x25519.Identity.generate()
    codec = Codec(3, [str(key.to_public())])
    source = database(tmp_path / "a")
    target = MemoryTarget()
    outcome = run_backup(order([source], tmp_path / "state", codec=codec), [target], clock)
    manifest = only_set(target)
    assert manifest.recipients == codec.recipients
    assert all(piece.object.endswith(".zst.age") for piece in manifest.pieces())
    assert outcome.results[0].stored < outcome.octets / 2
    assert restored(target, manifest, codec=Codec(0, [], [str(key)])) == source.path.read_bytes()
    assert not any(SITE in data for data in target.objects.values())


def test_an_incremental_backup_stores_what_changed(tmp_path: Path, clock: FixedClock) -> None:
    source = database(tmp_path / "a")
    target = MemoryTarget()
    run_backup(order([source], tmp_path / "state"), [target], clock)
    before = dict(target.objects)
    source.write(PIECE + 5, b"changed")
    source.write(3 * PIECE + 1000, os.urandom(PIECE))
    clock.advance(DAY)
    outcome = run_backup(order([source], tmp_path / "state", Kind.INCREMENTAL), [target], clock)
    manifest = Catalog(target).sets()[-1]
    assert (manifest.kind, manifest.base) == (Kind.INCREMENTAL, "20261124T013000Z-full")
    assert restored(target, manifest) == source.path.read_bytes()
    new = sorted(name.removeprefix("sets/20261125T013000Z-incr/") for name in set(target.objects) - set(before))
    assert new == [
        "mailboxes/000000400000",
        "mailboxes/000000c00000",
        "mailboxes/000001000000",
        "manifest.json",
        "site.tar",
    ]
    assert outcome.results[0].reused == 2 * PIECE and outcome.results[0].stored == 2 * PIECE + 1000
    assert all(target.objects[name] == data for name, data in before.items())


def test_without_a_base_an_incremental_backup_is_a_full_one(tmp_path: Path, clock: FixedClock) -> None:
    source = database(tmp_path / "a")
    old, new = MemoryTarget("old"), MemoryTarget("new")
    run_backup(order([source], tmp_path / "state"), [old], clock)
    clock.advance(DAY)
    outcome = run_backup(order([source], tmp_path / "state", Kind.INCREMENTAL), [old, new], clock)
    assert [result.manifest.set for result in outcome.results if result.manifest] == [
        "20261125T013000Z-incr",
        "20261125T013000Z-full",
    ]
    assert restored(new, only_set(new)) == source.path.read_bytes()


def test_a_base_for_other_keys_is_no_base(tmp_path: Path, clock: FixedClock) -> None:
    source = database(tmp_path / "a")
    target = MemoryTarget()
    run_backup(order([source], tmp_path / "state"), [target], clock)
    clock.advance(DAY)
    codec = Codec(0, [str(pyrage.x25519.Identity.generate().to_public())])
    outcome = run_backup(order([source], tmp_path / "state", Kind.INCREMENTAL, codec), [target], clock)
    assert outcome.results[0].manifest is not None and outcome.results[0].manifest.kind is Kind.FULL


def test_another_database_of_the_same_name_shares_nothing(tmp_path: Path, clock: FixedClock) -> None:
    source = database(tmp_path / "a")
    target = MemoryTarget()
    run_backup(order([source], tmp_path / "state"), [target], clock)
    clock.advance(DAY)
    anew = FileDatabase(source.path, uuid="f" * 32)
    outcome = run_backup(order([anew], tmp_path / "state", Kind.INCREMENTAL), [target], clock)
    assert outcome.results[0].reused == 0


def test_a_piece_lost_at_the_target_is_stored_again(tmp_path: Path, clock: FixedClock) -> None:
    source = database(tmp_path / "a")
    target = MemoryTarget()
    run_backup(order([source], tmp_path / "state"), [target], clock)
    pieces = only_set(target).databases[0].pieces
    target.delete(pieces[0].object)
    target.put(pieces[1].object, b"cut off")
    clock.advance(DAY)
    outcome = run_backup(order([source], tmp_path / "state", Kind.INCREMENTAL), [target], clock)
    assert outcome.results[0].stored == 2 * PIECE
    assert restored(target, Catalog(target).sets()[-1]) == source.path.read_bytes()


def test_a_connection_that_comes_back_is_waited_for(tmp_path: Path, clock: FixedClock) -> None:
    source = database(tmp_path / "a")
    target = FaultyTarget(MemoryTarget(), between(3, 7), done_anyway=True)
    waits: list[float] = []
    outcome = run_backup(order([source], tmp_path / "state"), [target], clock, pause=waits.append)
    assert outcome.complete and len(waits) == 4
    assert restored(target, only_set(target)) == source.path.read_bytes()


@pytest.mark.parametrize("calls", [0, 1, 2, 4, 6, 7, 8])
def test_a_failing_target_does_not_spoil_the_other(tmp_path: Path, clock: FixedClock, calls: int) -> None:
    source = database(tmp_path / "a")
    bad, good = FaultyTarget(MemoryTarget("bad"), after(calls)), MemoryTarget("good")
    outcome = run_backup(order([source], tmp_path / "state"), [bad, good], clock, pause=no_wait)
    assert not outcome.complete
    failed, worked = outcome.results
    assert (failed.label, failed.manifest) == ("bad", None)
    assert failed.failure is not None and failed.failure.kind is FailureKind.UNAVAILABLE
    assert worked.failure is None and worked.manifest is not None
    assert restored(good, only_set(good)) == source.path.read_bytes()
    assert Catalog(bad.inner).sets() == []
    assert not source.pinned


def test_a_full_target_is_not_tried_again(tmp_path: Path, clock: FixedClock) -> None:
    target = FaultyTarget(MemoryTarget(), on("mailboxes/"), FailureKind.DISK_FULL)
    waits: list[float] = []
    outcome = run_backup(order([database(tmp_path / "a")], tmp_path / "state"), [target], clock, pause=waits.append)
    assert waits == []
    assert outcome.results[0].failure is not None and outcome.results[0].failure.kind is FailureKind.DISK_FULL


def test_what_was_stored_before_a_failure_is_not_stored_again(tmp_path: Path, clock: FixedClock) -> None:
    first, second = database(tmp_path / "a"), database(tmp_path / "b", 3, "queue", "1" * 32)
    target = FaultyTarget(MemoryTarget(), on("queue/"))
    state = tmp_path / "state"
    run_backup(order([first, second], state), [target], clock, pause=no_wait)
    assert Catalog(target).sets() == []
    clock.advance(3600)
    target.broken = after(1_000_000)
    target.log.clear()
    first.write(0, b"changed meanwhile")
    outcome = run_backup(order([first, second], state), [target], clock)
    assert outcome.complete
    manifest = only_set(target)
    assert manifest.set == "20261124T013000Z-full"
    assert outcome.results[0].reused == 2 * PIECE + 1000
    assert [name for what, name in target.log if what == "put" and "mailboxes/" in name] == [
        "sets/20261124T013000Z-full/mailboxes/000000000000"
    ]
    assert restored(target, manifest) == first.path.read_bytes()
    assert restored(target, manifest, "queue") == second.path.read_bytes()
    assert not (state / JOURNAL).exists()


def test_a_target_that_failed_goes_on_while_the_others_begin_anew(tmp_path: Path, clock: FixedClock) -> None:
    first, second = database(tmp_path / "a"), database(tmp_path / "b", 3, "queue", "1" * 32)
    bad, good = FaultyTarget(MemoryTarget("bad"), on("queue/")), MemoryTarget("good")
    state = tmp_path / "state"
    run_backup(order([first, second], state), [bad, good], clock, pause=no_wait)
    complete = dict(good.objects)
    clock.advance(3600)
    bad.broken = after(1_000_000)
    outcome = run_backup(order([first, second], state), [bad, good], clock)
    assert outcome.complete
    assert outcome.results[0].reused == 3 * PIECE + 1000 and outcome.results[1].reused == 0
    assert all(good.objects[name] == data for name, data in complete.items())
    assert len(Catalog(good).sets()) == 2
    assert restored(bad, only_set(bad), "queue") == second.path.read_bytes()
    assert restored(bad, only_set(bad)) == first.path.read_bytes()


@pytest.mark.parametrize("change", ["old", "kind", "codec", "gone", "torn"])
def test_a_journal_is_a_help_and_no_truth(tmp_path: Path, clock: FixedClock, change: str) -> None:
    first, second = database(tmp_path / "a"), database(tmp_path / "b", 3, "queue", "1" * 32)
    target = FaultyTarget(MemoryTarget(), on("queue/"))
    state = tmp_path / "state"
    run_backup(order([first, second], state), [target], clock, pause=no_wait)
    target.broken = after(1_000_000)
    journal = state / JOURNAL
    kind, codec = Kind.FULL, Codec(0, [])
    clock.advance(13 * 3600 if change == "old" else 1)
    if change == "kind":
        kind = Kind.INCREMENTAL
    elif change == "codec":
        codec = PACKED
    elif change == "gone":
        assert isinstance(target.inner, MemoryTarget)
        target.inner.objects.clear()
    elif change == "torn":
        lines = journal.read_bytes().splitlines(keepends=True)
        journal.write_bytes(b"".join(lines[:2]) + lines[2][:10])
    outcome = run_backup(order([first, second], state, kind, codec), [target], clock)
    assert outcome.results[0].reused == (PIECE if change == "torn" else 0)
    assert restored(target, only_set(target), codec=codec) == first.path.read_bytes()


def test_a_journal_names_only_what_is_durable(tmp_path: Path, clock: FixedClock) -> None:
    first, second = database(tmp_path / "a"), database(tmp_path / "b", 3, "queue", "1" * 32)
    target = FaultyTarget(MemoryTarget(), on("queue/"))
    state = tmp_path / "state"
    run_backup(order([first, second], state), [target], clock, pause=no_wait)
    inner = target.inner
    assert isinstance(inner, MemoryTarget)
    named = [json.loads(line)[2][0] for line in (state / JOURNAL).read_text().splitlines()[1:]]
    assert len(named) == 4 and set(named) <= set(inner.durable)


def test_sets_of_the_same_second_have_names_of_their_own(tmp_path: Path, clock: FixedClock) -> None:
    source = database(tmp_path / "a", 2)
    target = MemoryTarget()
    for _ in range(3):
        assert run_backup(order([source], tmp_path / "state"), [target], clock).complete
    assert [found.set[9:16] for found in Catalog(target).sets()] == ["013000Z", "013001Z", "013002Z"]


def test_one_at_a_time(tmp_path: Path, clock: FixedClock) -> None:
    wanted = order([database(tmp_path / "a", 1)], tmp_path / "state")
    with exclusively(tmp_path / "state" / LOCK, "another backup"):
        with pytest.raises(Failure, match="another backup is running") as caught:
            run_backup(wanted, [MemoryTarget()], clock)
        assert caught.value.kind is FailureKind.IN_USE
    assert run_backup(wanted, [MemoryTarget()], clock).complete


class Unreadable(FileDatabase):
    """A database whose disk is damaged: it cannot be pinned, or the file ends too early."""

    def __init__(self, path: Path, fails: bool) -> None:
        super().__init__(path, "broken", "9" * 32)
        self.fails = fails

    @contextmanager
    def pin(self) -> Iterator[Pinned]:
        if self.fails:
            raise Failure(FailureKind.UNAVAILABLE, "it did not hold still")
        with super().pin() as pinned:
            yield pinned._replace(size=9 * PIECE)


@pytest.mark.parametrize("fails", [True, False])
def test_an_unreadable_database_is_named_and_the_others_are_saved(
    tmp_path: Path, clock: FixedClock, fails: bool
) -> None:
    good = database(tmp_path / "a")
    bad = Unreadable(tmp_path / "b", fails)
    target = MemoryTarget()
    outcome = run_backup(order([bad, good], tmp_path / "state"), [target], clock)
    assert not outcome.complete
    assert [name for name, _ in outcome.missing] == ["broken"]
    manifest = only_set(target)
    assert manifest.missing == ("broken",)
    assert restored(target, manifest) == good.path.read_bytes()


def test_nothing_readable_is_no_set(tmp_path: Path, clock: FixedClock) -> None:
    target = MemoryTarget()
    outcome = run_backup(order([Unreadable(tmp_path / "b", True)], tmp_path / "state"), [target], clock)
    assert outcome.results[0].failure is not None
    assert not any(name.endswith("manifest.json") for name in target.objects)


def test_memory_is_bounded_by_the_threads(tmp_path: Path, clock: FixedClock) -> None:
    class Counting(MemoryTarget):
        now = most = 0

        def put(self, name: str, data: bytes) -> None:
            with self._lock:
                self.now += 1
                self.most = max(self.most, self.now)
            threading.Event().wait(0.005)
            with self._lock:
                self.now -= 1

    target = Counting()
    wanted = order([database(tmp_path / "a", 24)], tmp_path / "state")._replace(threads=3)
    run_backup(wanted, [target], clock)
    assert target.most <= 3


def test_an_interrupted_backup_lets_go_of_the_database(tmp_path: Path, clock: FixedClock) -> None:
    source = database(tmp_path / "a", 8)
    target = MemoryTarget()

    def interrupt(progress: Progress) -> None:
        if progress.done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_backup(order([source], tmp_path / "state"), [target], clock, interrupt)
    assert not source.pinned
    assert manifest_name("20261124T013000Z-full") not in target.objects
    outcome = run_backup(order([source], tmp_path / "state"), [target], clock)
    assert outcome.complete and only_set(target).set == "20261124T013000Z-full"
