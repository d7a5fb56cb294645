"""The report on recovery: one HTML file that says how the drills went, where they are heading, and what a loss would
mean now.

Durations held against the promised hours with their trend and the day it crosses the promise, sizes, rates, the
prospects of each disk, and every drill with what it found. The same input gives the same octets; there is nothing in
the file that needs a network. Raises nothing of its own.
"""

from collections.abc import Sequence

from pillarbox.recovery import page
from pillarbox.recovery.alarms import DrillAlarm
from pillarbox.recovery.history import DrillRecord
from pillarbox.recovery.page import Column, Html
from pillarbox.recovery.plots import NARROW, WIDE, duration_plot, rate_plot, size_plot
from pillarbox.recovery.rates import measure
from pillarbox.recovery.status import Status, rows_of
from pillarbox.recovery.trend import DAY, Trend, crossing, fit
from pillarbox.recovery.words import date, duration, moment, octets, rate

_PLOTTED_WIDE, _PLOTTED_NARROW = 60, 16
_LISTED = 100

_PROSPECTS = (
    Column("If lost", long=True),
    Column("Then"),
    Column("Minutes", number=True),
    Column("Mail lost", number=True),
    Column("Promise", long=True),
    Column("What would help most", long=True),
)
_DRILLS = (
    Column("Drill"),
    Column("Held"),
    Column("Result", long=True),
    Column("Back in", number=True),
    Column("Size", number=True),
    Column("Log played", number=True),
    Column("Records", number=True),
)


def build_report(host: str, history: Sequence[DrillRecord], status: Status, alarms: Sequence[DrillAlarm] = ()) -> str:
    """The page. `history` is oldest first; `alarms` are what is alarming about drills now."""
    body = [
        Html(f"<header><h1>Recovery of {page.text(host)}</h1><p>as of {moment(status.now)}</p></header>"),
        Html(f'<p class="headline">{page.text(status.headline)}</p>'),
    ]
    if alarms:
        body.append(page.section("Alarms", page.bullets(alarm.text for alarm in alarms), kind="alarms"))
    trend = fit([(record.when, record.seconds) for record in history if record.restored])
    body.append(_tiles(history, status, trend))
    body += _plots(history, trend)
    body.append(_prospects(status))
    if history:
        body.append(page.section("Drills", page.table(_DRILLS, map(_drill_row, reversed(history[-_LISTED:])))))
    body.append(
        Html("<footer>A drill restores every database to a scratch place and compares it with the live one.</footer>")
    )
    return page.page(f"Recovery of {host}", body)


def trend_words(trend: Trend | None, promised_seconds: float, now: int) -> tuple[str, str, str]:
    """Where the drills are heading: the day (or that it is never, already, not yet), what that means, its mood."""
    if trend is None:
        return "not yet known", "the day the trend crosses the promise: it takes three drills", ""
    day = crossing(trend, promised_seconds, now)
    week = 7 * trend.per_day
    heading = f"{'+' if week >= 0 else '−'}{duration(abs(week)) if abs(week) >= 1 else '0 seconds'} a week"
    if day is None:
        return "never at this trend", f"the promise is broken: {heading}", "good"
    if day <= now:
        return "over the promise", f"already, by the trend of the last drills: {heading}", "bad"
    mood = "bad" if day - now < 90 * DAY else ""
    return date(day), f"the day the trend crosses the promise: {heading}", mood


def _tiles(history: Sequence[DrillRecord], status: Status, trend: Trend | None) -> Html:
    if not history:
        return Html("")
    last = history[-1]
    promised = last.promised_hours * 3600
    if not last.restored:
        first = page.tile("failed", f"the drill of {date(last.when)}", "bad")
    else:
        meaning = f"in the drill of {date(last.when)}; promised: {duration(promised)}"
        first = page.tile(f"back in {duration(last.seconds)}", meaning, "good" if last.kept and last.ok else "bad")
    rates = measure(history)
    tiles = [
        first,
        page.tile(*trend_words(trend, promised, status.now)),
        page.tile(octets(last.size), f"restored, and {octets(last.log_octets)} of log played"),
        page.tile(f"{rate(rates.copy)} copied", f"{rate(rates.play)} of log played, {rate(rates.check)} checked"),
    ]
    return Html(f'<div class="tiles">{page.join(tiles)}</div>')


def _plots(history: Sequence[DrillRecord], trend: Trend | None) -> list[Html]:
    measured = [record for record in history if record.seconds > 0]
    if not measured:
        return [page.section("Drills", "None was held yet; `pillarbox drill` holds one.")]
    wide, narrow = measured[-_PLOTTED_WIDE:], measured[-_PLOTTED_NARROW:]
    parts = [("copy", "", "copying the backup"), ("play", "", "playing the log"), ("check", "", "checking")]
    fetching = [("fetch", "", "fetching the log")]
    lines = [("promise", "thin", "promised")]
    lines += [("", "dotted", "trend")] if trend else []
    lines += [("", "cross", "failed")] if any(not record.ok for record in wide) else []
    durations = page.section(
        "How long it took",
        page.legend(parts[:1] + fetching + parts[1:] + lines),
        page.figure(
            duration_plot(wide, trend, "duration", WIDE), duration_plot(narrow, trend, "duration-narrow", NARROW)
        ),
    )
    sizes = page.section(
        "How much it was",
        page.legend([("copy", "thin", "databases"), ("play", "thin", "log played")]),
        page.figure(size_plot(wide, "size")),
    )
    rates = page.section(
        "How fast it went",
        page.legend([(variable, "thin", meaning) for variable, _, meaning in parts]),
        page.figure(rate_plot(wide, "rate")),
    )
    return [durations, Html(f'<div class="pair">{sizes}{rates}</div>')]


def _prospects(status: Status) -> Html:
    rows = [
        (
            row["if_lost"],
            row["then"],
            row["minutes"],
            row["lost"],
            page.join([page.mark("kept" if loss.kept else "broken", loss.kept), page.bullets(loss.broken, "")]),
            row["best_improvement"],
        )
        for row, loss in zip(rows_of(status), (*status.disks, *status.databases), strict=True)
    ]
    advice = page.bullets(improvement.text for improvement in status.advice)
    return page.section(
        "What a loss would mean now",
        page.table(_PROSPECTS, rows),
        *([Html("<h2>What would improve it</h2>"), advice] if status.advice else []),
        Html(f'<p class="note">{". ".join(page.text(_capital(note)) for note in status.notes)}.</p>'),
    )


def _drill_row(record: DrillRecord) -> tuple[str, ...]:
    troubles = [f"{drill.database}: {trouble}" for drill in record.databases for trouble in drill.troubles]
    notes = [f"{drill.database}: {note}" for drill in record.databases for note in drill.notes]
    if not record.restored or troubles:
        result = page.mark("failed", False)
    else:
        result = page.mark("all well" if record.kept else "too slow", record.kept)
    return (
        moment(record.when),
        "scheduled" if record.trigger.value == "schedule" else "by hand",
        page.join([result, page.bullets(troubles, ""), page.bullets(notes, "notes")]),
        duration(record.seconds) if record.restored else "–",
        octets(record.size),
        octets(record.log_octets),
        f"{record.records:,}",
    )


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
