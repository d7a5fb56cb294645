"""Dates, read tolerantly and written exactly."""

import email.utils
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.mime.date import imap_internaldate, parse, rfc5322_date


def at(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> int:
    return int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"Fri, 21 Nov 1997 09:55:06 -0600", at(1997, 11, 21, 15, 55, 6)),
        (b"21 Nov 97 09:55:06 GMT", at(1997, 11, 21, 9, 55, 6)),
        (b"Thu, 13 Feb 69 23:32 -0330 (Newfoundland Time)", at(1969, 2, 14, 3, 2)),
        (b"Thu,\r\n\t13 Feb 1969 23:32:54 EST", at(1969, 2, 14, 4, 32, 54)),
        (b"1 Jan 2024 00:00:00", at(2024, 1, 1)),
        (b"1 Jan 24 00:00 +0000", at(2024, 1, 1)),
        (b"1 Jan 104 00:00 +0000", at(2004, 1, 1)),
        (b"Mon, 1-Jan-2024 00:00:00 Z", at(2024, 1, 1)),
        (b"Monday, 1 January 2024 00:00:00 +00:30", at(2023, 12, 31, 23, 30)),
        (b"Mon, 1 Jan 2024 00:00:00 -0030", at(2024, 1, 1, 0, 30)),
        (b"Mon, 1 Jan 2024 00:00:00 GMT+0100", at(2023, 12, 31, 23)),
        (b"Mon, 1 Jan 2024 00:00:60 +0000", at(2024, 1, 1, 0, 1)),
        (b"Mon, 1 Jan 2024 00:00:00.123 +0000", at(2024, 1, 1)),
        (b"Mon, 1 Jan 2024 00:00:00 +9999", at(2024, 1, 1)),
        (b"Mon (a day), 1 Jan (a month) 2024 00:00:00 +0000", at(2024, 1, 1)),
        (b"Fri Nov 21 09:55:06 1997", at(1997, 11, 21, 9, 55, 6)),
        (b"Fri Nov 21 09:55:06 PST 1997", at(1997, 11, 21, 17, 55, 6)),
        (b"Nov 21, 1997 09:55:06 -0600", at(1997, 11, 21, 15, 55, 6)),
        (b"2024-01-02T03:04:05Z", at(2024, 1, 2, 3, 4, 5)),
        (b"2024-01-02 03:04:05 +0100", at(2024, 1, 2, 2, 4, 5)),
        (b"Mon, 31 Feb 2024 00:00:00 +0000", None),
        (b"Mon, 1 Foo 2024 00:00:00 +0000", None),
        (b"Mon, 1 Jan 2024 25:00:00 +0000", None),
        (b"Mon, 1 Jan 2024 00:61:00 +0000", None),
        (b"Mon, 1 Jan 0000 00:00:00 +0000", None),
        (b"yesterday", None),
        (b"", None),
        (b"((((((", None),
    ],
)
def test_known_answers(value: bytes, expected: int | None) -> None:
    assert parse(value) == expected


def test_written_dates() -> None:
    assert rfc5322_date(at(1997, 11, 21, 15, 55, 6)) == b"Fri, 21 Nov 1997 15:55:06 +0000"
    assert imap_internaldate(at(1996, 7, 17, 9, 44, 25)) == b'"17-Jul-1996 09:44:25 +0000"'
    assert imap_internaldate(at(1996, 7, 7, 9, 44, 25)) == b'" 7-Jul-1996 09:44:25 +0000"'
    assert rfc5322_date(10**30).endswith(b"Dec 9999 23:59:59 +0000")
    assert rfc5322_date(-(10**30)).endswith(b"Jan 0001 00:00:00 +0000")


@settings(max_examples=200, deadline=None)
@given(st.integers(min_value=-60_000_000_000, max_value=250_000_000_000))
def test_what_is_written_is_read_back(seconds: int) -> None:
    assert parse(rfc5322_date(seconds * 1_000_000)) == seconds * 1_000_000


@settings(max_examples=200, deadline=None)
@given(st.integers(min_value=0, max_value=4_000_000_000))
def test_the_standard_library_agrees(seconds: int) -> None:
    value = email.utils.formatdate(seconds)
    assert parse(value.encode()) == seconds * 1_000_000


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="0123 :,JanFeb+-TZ()", max_size=40))
def test_anything_is_a_date_or_none(value: str) -> None:
    found = parse(value.encode())
    assert found is None or isinstance(rfc5322_date(found), bytes)
