"""A database seen from outside: its file held still beside writers, its log in spans, pruned only where told."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.database.live import LiveVolumes
from pillarbox.database.log.record import HEADER_SIZE as RECORD_HEADER
from pillarbox.database.log.scan import damage_in_span
from pillarbox.database.log.segment import HEADER_SIZE
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import Span
from pillarbox.testing.ledger import entries, put


def fill(database: Any, first: int, last: int, size: int = 50) -> None:
    for number in range(first, last + 1):
        database.write_sync(lambda cursor, n=number: put(cursor, f"k{n}", bytes([n % 256]) * size))


def live(site: Any) -> LiveVolumes:
    return LiveVolumes(site.place, site.surroundings)


def test_a_pinned_file_holds_still_while_writers_go_on(site: Any, tmp_path: Path) -> None:
    database = site.create()
    fill(database, 1, 50)
    with live(site).pin() as pinned:
        before = pinned.path.read_bytes()
        fill(database, 51, 400, 4000)
        database._checkpointer.note(100_000)
        fill(database, 401, 410)
        assert pinned.path.read_bytes() == before
        assert len(before) == pinned.size
        assert pinned.point.lsn == 51
        shutil.copy(pinned.path, tmp_path / "copy.db")
    database.close()
    site.remove_database()
    shutil.copy(tmp_path / "copy.db", site.place.file)
    database = site.open()
    assert len(list(entries(database))) == 410


def test_two_pins_at_once(site: Any) -> None:
    database = site.create()
    fill(database, 1, 3)
    with live(site).pin() as one, live(site).pin() as other:
        assert one.point == other.point


def test_spans_are_what_is_committed(site: Any) -> None:
    database = site.create()
    outside = live(site)
    fill(database, 1, 3)
    [span] = outside.spans(None)
    assert (span.generation, span.segment, span.start, span.first, span.last, span.closed) == (1, 1, 0, 1, 4, False)
    assert outside.position() == (1, 4, 1, span.finish)
    assert outside.spans((1, 1, span.finish)) == []
    fill(database, 4, 5)
    [more] = outside.spans((1, 1, span.finish))
    assert (more.start, more.first, more.last) == (span.finish, 5, 6)
    assert more.time >= span.time
    log = site.segments()[0].read_bytes()
    assert outside.read_log(span) + outside.read_log(more) == log[: more.finish]


def test_spans_over_segments(make_site: Callable[..., Any]) -> None:
    site = make_site(segment_size=2000)
    database = site.create()
    fill(database, 1, 60, 100)
    spans = live(site).spans(None)
    assert len(spans) == len(site.segments()) > 3
    assert [span.closed for span in spans] == [True] * (len(spans) - 1) + [False]
    assert [span.first for span in spans[1:]] == [span.last + 1 for span in spans[:-1]]
    assert [span.segment for span in spans] == [span.first for span in spans]
    for span, path in zip(spans, site.segments(), strict=True):
        assert live(site).read_log(span) == path.read_bytes()[: span.finish]


def test_the_log_alone_gives_its_spans_too(site: Any) -> None:
    database = site.create()
    fill(database, 1, 3)
    uuid = live(site).uuid
    database.close()
    site.remove_database()
    [span] = live(site).spans(None)
    assert span.last == 4
    assert live(site).uuid == uuid


def test_a_damaged_record_is_not_sent_anywhere(site: Any) -> None:
    database = site.create()
    fill(database, 1, 3)
    [span] = live(site).spans(None)
    with site.segments()[0].open("r+b") as file:
        file.seek(HEADER_SIZE + RECORD_HEADER + 5)
        file.write(b"\xff")
    with pytest.raises(Failure, match="damaged") as caught:
        live(site).read_log(span)
    assert caught.value.kind is FailureKind.CORRUPT


def test_pruning_takes_whole_segments_and_never_the_last(make_site: Callable[..., Any]) -> None:
    site = make_site(logs=2, segment_size=2000)
    database = site.create()
    fill(database, 1, 60, 100)
    spans = live(site).spans(None)
    third = spans[2]
    assert live(site).prune(1, third.last - 1) > 0
    assert [span.first for span in live(site).spans(None)] == [span.first for span in spans[2:]]
    assert len(site.segments(1)) == len(site.segments(2)) == len(spans) - 2
    live(site).prune(1, 10**9)
    assert live(site).spans(None) == [spans[-1]]
    fill(database, 61, 70)
    database.close()
    database = site.open()
    assert len(list(entries(database))) == 70


def test_usage(site: Any) -> None:
    database = site.create()
    fill(database, 1, 3)
    [usage] = live(site).usage()
    assert usage.path == site.place.log_volumes[0]
    assert 0 < usage.used < usage.size
    assert isinstance(live(site).spans(None)[0], Span)
    database.close()
    shutil.rmtree(site.place.log_volumes[0])
    with pytest.raises(Failure, match="og volume"):
        live(site).usage()


def test_every_damage_in_a_span_is_found(make_site: Callable[..., Any]) -> None:
    site = make_site(segment_size=1500)
    database = site.create()
    fill(database, 1, 12, 60)
    outside = live(site)
    uuid = bytes.fromhex(outside.uuid)
    first, *_, last = outside.spans(None)
    [more] = outside.spans((last.generation, last.segment, HEADER_SIZE))
    for span in (first, last, more):
        data = outside.read_log(span)
        assert damage_in_span(data, span, uuid) == []
        assert damage_in_span(data[:-1], span, uuid)
        assert damage_in_span(data, span._replace(last=span.last + 1), uuid)
        assert damage_in_span(data, span, bytes(16))
        for at in range(0, len(data), 7):
            broken = bytearray(data)
            broken[at] ^= 0x10
            assert damage_in_span(bytes(broken), span, uuid), at
