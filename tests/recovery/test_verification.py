"""Verification: every kind of damage to a backup and to archived log is found and named."""

from pathlib import Path

import pyrage
import pytest

from pillarbox.base.clock import FixedClock
from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import Span
from pillarbox.recovery.backup import run_backup
from pillarbox.recovery.catalog import ArchivedSpan, archived_spans
from pillarbox.recovery.codec import Codec
from pillarbox.recovery.manifest import PIECE, Manifest
from pillarbox.recovery.names import Kind, span_name
from pillarbox.recovery.verification import Finding, Progress, verify_log, verify_set
from pillarbox.testing.backuphouse import PLAIN, database, no_wait, only_set, order
from pillarbox.testing.targets import FaultyTarget, MemoryTarget, after, between

KEY = pyrage.x25519.Identity.generate()
LOCKED = Codec(1, [str(KEY.to_public())])
OPEN = Codec(1, [], [str(KEY)])
UUID = "0123456789abcdef" * 2


def backup(path: Path, codec: Codec = PLAIN) -> tuple[MemoryTarget, Manifest]:
    target = MemoryTarget()
    run_backup(order([database(path / "a")], path / "state", codec=codec), [target], FixedClock())
    return target, only_set(target)


@pytest.mark.parametrize("codec", [PLAIN, Codec(1, []), LOCKED])
def test_a_good_backup_has_no_findings(tmp_path: Path, codec: Codec) -> None:
    target, manifest = backup(tmp_path, codec)
    seen: list[Progress] = []
    verified = verify_set(target, manifest, codec, seen.append)
    stored = sum(piece.stored for piece in manifest.pieces())
    assert verified.findings == ()
    assert (verified.objects, verified.octets) == (5, stored)
    assert verified.decoded == (0 if codec is LOCKED else 5)
    assert seen[-1] == Progress(stored, stored) and len(seen) == 5


def test_with_the_key_the_contents_are_looked_at_too(tmp_path: Path) -> None:
    target, manifest = backup(tmp_path, LOCKED)
    assert verify_set(target, manifest, OPEN).decoded == 5


def test_every_damage_is_named(tmp_path: Path) -> None:
    target, manifest = backup(tmp_path, LOCKED)
    flipped, short, missing, _ = manifest.databases[0].pieces
    target.flip(flipped.object)
    target.put(short.object, target.get(short.object)[:-1])
    target.delete(missing.object)
    assert set(verify_set(target, manifest, LOCKED).findings) == {
        Finding(flipped.object, "damaged: its checksum does not fit"),
        Finding(short.object, f"{short.stored - 1} octets long instead of {short.stored}"),
        Finding(missing.object, "missing"),
    }


def test_octets_of_another_piece_are_found_out_with_the_key(tmp_path: Path) -> None:
    target, manifest = backup(tmp_path, LOCKED)
    first, second, *rest = manifest.databases[0].pieces
    swapped = first._replace(object=second.object, stored=second.stored, stored_sha256=second.stored_sha256)
    forged = manifest._replace(databases=(manifest.databases[0]._replace(pieces=(swapped, second, *rest)),))
    assert verify_set(target, forged, LOCKED).findings == ()
    assert verify_set(target, forged, OPEN).findings == (
        Finding(second.object, "holds other octets than the database had"),
    )


def test_another_key_is_a_finding(tmp_path: Path) -> None:
    target, manifest = backup(tmp_path, LOCKED)
    stranger = Codec(1, [], [str(pyrage.x25519.Identity.generate())])
    findings = verify_set(target, manifest, stranger).findings
    assert len(findings) == 5 and all("another key" in finding.what for finding in findings)


def test_an_incremental_set_is_verified_with_what_it_refers_to(tmp_path: Path) -> None:
    target = MemoryTarget()
    source, clock = database(tmp_path / "a"), FixedClock()
    run_backup(order([source], tmp_path / "state"), [target], clock)
    base = only_set(target)
    clock.advance(24 * 3600)
    source.write(PIECE, b"changed")
    outcome = run_backup(order([source], tmp_path / "state", Kind.INCREMENTAL), [target], clock)
    manifest = outcome.results[0].manifest
    assert manifest is not None
    target.flip(base.databases[0].pieces[0].object)
    target.flip(base.databases[0].pieces[1].object)
    assert [finding.object for finding in verify_set(target, manifest, PLAIN).findings] == [
        base.databases[0].pieces[0].object
    ]


def test_a_target_that_is_away_says_nothing_about_the_backup(tmp_path: Path) -> None:
    target, manifest = backup(tmp_path)
    with pytest.raises(Failure) as caught:
        verify_set(FaultyTarget(target, after(2)), manifest, PLAIN, pause=no_wait)
    assert caught.value.kind is FailureKind.UNAVAILABLE
    assert verify_set(FaultyTarget(target, between(1, 4)), manifest, PLAIN, pause=no_wait).findings == ()


def archive(target: MemoryTarget, codec: Codec) -> list[ArchivedSpan]:
    for start in range(0, 4000, 1000):
        span = Span(1, 1, start, start + 1000, start // 100 + 1, start // 100 + 10, start, False)
        target.put(span_name("mailboxes", UUID, span, codec.suffix), codec.encode(bytes([65 + start // 1000]) * 1000))
    target.put("log/mailboxes/notes.txt", b"")
    return archived_spans(target, "mailboxes")


def test_log_is_read_back_and_its_records_looked_at() -> None:
    target = MemoryTarget()
    spans = archive(target, LOCKED)
    assert [span.name.span.start for span in spans] == [0, 1000, 2000, 3000]

    def records(span: ArchivedSpan, plain: bytes) -> list[str]:
        return ["record 21 is damaged"] if plain.startswith(b"C") else []

    assert verify_log(target, spans, OPEN, records).findings == (Finding(spans[2].object, "record 21 is damaged"),)
    assert verify_log(target, spans, LOCKED, records).findings == ()
    target.flip(spans[0].object)
    target.put(spans[1].object, LOCKED.encode(b"short"))
    target.delete(spans[3].object)
    findings = dict(verify_log(target, spans, OPEN).findings)
    assert "is damaged" in findings[spans[0].object]
    assert findings[spans[1].object] == "holds 5 octets instead of 1000"
    assert findings[spans[3].object] == "missing"


def test_small_spans_that_a_closed_segment_replaced_meanwhile_are_not_missing() -> None:
    target = MemoryTarget()
    spans = archive(target, OPEN)
    whole = Span(1, 1, 0, 3000, 1, 30, 2000, True)
    target.put(span_name("mailboxes", UUID, whole, OPEN.suffix), OPEN.encode(b"x" * 3000))
    for span in spans:
        target.delete(span.object)
    assert verify_log(target, spans, OPEN).findings == (Finding(spans[3].object, "missing"),)


def test_without_the_key_an_empty_object_is_found_all_the_same() -> None:
    target = MemoryTarget()
    spans = archive(target, LOCKED)
    target.put(spans[1].object, b"")
    assert verify_log(target, spans, LOCKED).findings == (Finding(spans[1].object, "empty"),)
