"""Object names: what is built is read back, strangers are None."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.model.recovery import Span
from pillarbox.recovery import names
from pillarbox.recovery.names import Kind, PieceName, SetId, SpanName

DAY = 1_795_483_800_000_000  # 2026-11-24 01:30:00 UTC
UUID = "0123456789abcdef0123456789abcdef"
SPAN = Span(3, 0x51, 512, 4096, 0x51, 0x60, DAY + 123, False)

SUFFIXES = st.sampled_from(["", ".zst", ".age", ".zst.age"])
DATABASES = st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,30}", fullmatch=True)


def test_the_names_are_those_of_the_plan() -> None:
    assert names.set_id(DAY, Kind.FULL) == "20261124T013000Z-full"
    assert names.manifest_name("20261124T013000Z-incr") == "sets/20261124T013000Z-incr/manifest.json"
    assert names.piece_name("20261124T013000Z-full", "mailboxes", 4 << 20, ".zst.age") == (
        "sets/20261124T013000Z-full/mailboxes/000000400000.zst.age"
    )
    assert names.site_name("20261124T013000Z-full", ".zst") == "sets/20261124T013000Z-full/site.tar.zst"
    assert names.span_name("mailboxes", UUID, SPAN._replace(closed=True), ".zst") == (
        f"log/mailboxes/{UUID}/3-0000000000000051/"
        "000000000200-000000001000-0000000000000051-0000000000000060-1795483800000123-closed.zst"
    )
    assert names.log_prefix("mailboxes", UUID) == f"log/mailboxes/{UUID}/"
    assert names.log_prefix("mailboxes") == "log/mailboxes/"


@given(st.integers(0, 4_000_000_000), st.sampled_from(Kind))
def test_a_set_id_is_read_back(seconds: int, kind: Kind) -> None:
    text = names.set_id(seconds * 1_000_000 + 999_999, kind)
    assert names.parse_set_id(text) == SetId(seconds * 1_000_000, kind)
    assert names.parse_manifest_name(names.manifest_name(text)) == text
    assert names.set_of(names.manifest_name(text)) == text
    assert names.manifest_name(text).startswith(names.set_prefix(text))


@given(DATABASES, st.integers(0, (1 << 48) - 1), SUFFIXES)
def test_a_piece_is_read_back(database: str, offset: int, suffix: str) -> None:
    set = names.set_id(DAY, Kind.INCREMENTAL)
    name = names.piece_name(set, database, offset, suffix)
    assert names.valid_name(name)
    assert names.parse_piece_name(name) == PieceName(set, database, offset, suffix)
    assert names.set_of(name) == set


@given(DATABASES, st.tuples(*[st.integers(0, (1 << 48) - 1)] * 4), st.integers(0, 10**17), st.booleans(), SUFFIXES)
@settings(deadline=None)
def test_a_span_is_read_back(
    database: str, numbers: tuple[int, int, int, int], time: int, closed: bool, suffix: str
) -> None:
    start, size, first, more = numbers
    span = Span(7, first, start, min(start + size + 1, (1 << 48) - 1), first, first + more, time, closed)
    if span.start < span.finish:
        assert names.parse_span_name(names.span_name(database, UUID, span, suffix)) == SpanName(
            database, UUID, span, suffix
        )


@pytest.mark.parametrize(
    "name",
    [
        "",
        "sets/20261124T013000Z-full/manifest.json\n",
        "sets/20261324T013000Z-full/manifest.json",
        "sets/20261124T013000Z-half/manifest.json",
        "sets/20261124T013000Z-full/mailboxes/00000040000.zst",
        "sets/20261124T013000Z-full/mailboxes/000000400000.gz",
        "sets/20261124T013000Z-full/../000000400000",
        f"log/mailboxes/{UUID}/3-0000000000000051/x.zst",
        names.span_name("mailboxes", UUID, SPAN, "").replace("000000000200", "000000002000"),
    ],
)
def test_strangers_are_none(name: str) -> None:
    assert names.parse_manifest_name(name) is None
    assert names.parse_piece_name(name) is None
    assert names.parse_site_name(name) is None
    assert names.parse_span_name(name) is None


@pytest.mark.parametrize("name", ["", "a//b", "/a", "a/", "../a", "a/.b", "a b", "ä", "a\n", "a" * 901])
def test_no_target_takes_such_a_name(name: str) -> None:
    assert not names.valid_name(name)


def test_building_refuses_a_database_that_would_leave_its_place() -> None:
    with pytest.raises(ValueError, match="not an object's name"):
        names.piece_name("20261124T013000Z-full", "..", 0, "")


def test_the_site_is_read_back() -> None:
    name = names.site_name("20261124T013000Z-full", ".zst.age")
    assert names.parse_site_name(name) == "20261124T013000Z-full"
    assert names.parse_piece_name(name) is None
