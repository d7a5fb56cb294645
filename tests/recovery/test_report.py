"""The report is one whole, well-formed page that needs nothing from elsewhere and says the same for the same input."""

import re
from html.parser import HTMLParser

import pytest

from pillarbox.base.clock import MICROSECONDS
from pillarbox.recovery.alarms import alarms_of
from pillarbox.recovery.facts import ELSEWHERE, Behind, DatabaseFacts, Facts, Place, Saved
from pillarbox.recovery.history import DatabaseDrill, DrillRecord, Trigger
from pillarbox.recovery.promise import Promised
from pillarbox.recovery.rates import measure
from pillarbox.recovery.report import build_report, trend_words
from pillarbox.recovery.status import recovery_status
from pillarbox.recovery.trend import DAY, Trend

NOW = 1_700_000_000 * MICROSECONDS
VOID = {"meta", "br", "path", "use", "rect"}


class Checker(HTMLParser):
    """Sees that tags are closed in order, and gathers text, ids and addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]
        assert tag not in ("script", "link", "img", "iframe")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def drills(count: int, hours: float = 0.2) -> list[DrillRecord]:
    found = []
    for week in range(count):
        size = 20 * 10**9 + week * 10**9
        one = DatabaseDrill("mailboxes", "set", 0, week, size, size, 10**9, 5000, size / 1e8, 5.0, 20.0, size / 2e8)
        when = NOW - (count - week) * 7 * DAY
        found.append(DrillRecord(f"d{week}", when, Trigger.SCHEDULE, one.seconds, one.seconds, 1, hours, (one,)))
    return found


def report(records: list[DrillRecord], host: str = "mail.example.org") -> str:
    bucket = "s3://bucket"
    saved = Saved(bucket, NOW - DAY, 40 * 10**9, 10**9, 5000, True)
    database = DatabaseFacts("mailboxes", 40 * 10**9, (saved,), (Behind(bucket, 0.5, 100, 1),))
    facts = Facts(NOW, 2, Place("data", "sda"), (Place("log", "sdb"),), (Place(bucket, ELSEWHERE),), (database,))
    status = recovery_status(facts, measure(records), {"mailboxes": Promised(0.1, 0.0, "board@a.b", "board@a.b")})
    return build_report(host, records, status, list(alarms_of(records[-1])) if records else [])


def check(html: str) -> str:
    """The text of a page that is well-formed and stands alone."""
    checker = Checker()
    checker.feed(html)
    checker.close()
    assert checker.open == []
    assert len(checker.ids) == len(set(checker.ids))
    assert all(address.startswith("#") and address[1:] in checker.ids for address in checker.addresses)
    assert not re.search(r"url\((?!#)|@import|@font-face|https?://(?!www\.w3\.org/)", html)
    assert "#0000f" not in html, "every colour is one of the page's"
    return " ".join("".join(checker.text).split())


@pytest.mark.parametrize("count", [1, 2, 3, 20, 90])
def test_the_page_is_whole_and_stands_alone(count: int) -> None:
    text = check(report(drills(count)))
    assert "Recovery of mail.example.org" in text
    assert "If the data volume data died now: back in" in text
    assert "promised to board@a.b" in text
    assert "How long it took" in text


def test_without_drills_the_prospects_are_told_anyway() -> None:
    text = check(report([]))
    assert "None was held yet" in text
    assert "What a loss would mean now" in text


def test_the_same_history_gives_the_same_page() -> None:
    assert report(drills(5)) == report(drills(5))


def test_what_drills_found_is_told_and_escaped() -> None:
    records = drills(4)
    bad = records[-1].databases[0]._replace(findings=("page <7> is damaged & gone",), notes=("read from <log>",))
    html = report([*records[:-1], records[-1]._replace(databases=(bad,))], host="<b>mail</b>")
    text = check(html)
    assert "Alarms" in text
    assert "mailboxes: page <7> is damaged & gone" in text
    assert "mailboxes: read from <log>" in text
    assert "<b>mail" not in html


def test_a_drill_that_did_not_come_back_is_told_apart() -> None:
    gone = DrillRecord("x", NOW, Trigger.HAND, 0.0, 0.0, 1, 4.0, (DatabaseDrill("mailboxes", failure="no backup"),))
    text = check(report([*drills(3), gone]))
    assert "mailboxes: no backup" in text
    assert check(report([gone]))


def test_a_promise_far_away_does_not_flatten_the_bars() -> None:
    assert "↑ promised: 4 hours" in report(drills(5, hours=4.0))
    assert "↑ promised" not in report(drills(5))


def test_where_the_trend_leads() -> None:
    rising, flat = Trend(NOW, 600.0, 10.0), Trend(NOW, 600.0, -0.01)
    value, meaning, mood = trend_words(rising, 1600.0, NOW)
    assert (value, mood) == ("2024-02-22", "")
    assert meaning == "the day the trend crosses the promise: +70 seconds a week"
    assert trend_words(rising, 700.0, NOW)[2] == "bad", "in ten days"
    assert trend_words(rising, 500.0, NOW)[0] == "over the promise"
    assert trend_words(flat, 700.0, NOW)[0] == "never at this trend"
    assert trend_words(None, 700.0, NOW)[0] == "not yet known"
