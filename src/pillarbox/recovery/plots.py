"""The plots of the report, as SVG to stand inside an HTML page: drawn by matplotlib without a display.

Colours are those of the page: each is drawn as a marker colour and becomes a CSS variable, so that a plot follows the
reader's light or dark mode. Text stays text, in the page's font; no font is embedded and none is loaded. The same
history gives the same octets. matplotlib is imported when the first plot is drawn, since that takes a second.
"""

import io
import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from pillarbox.recovery.history import DatabaseDrill, DrillRecord
from pillarbox.recovery.rates import database_rates
from pillarbox.recovery.trend import LAST, Trend
from pillarbox.recovery.words import date, duration

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INK, _FAINT, _COPY, _FETCH, _PLAY, _CHECK, _PROMISE, _BAD, _TREND = (f"#0000f{digit}" for digit in range(9))
_VARIABLES = {
    _INK: "ink-soft",
    _FAINT: "rule",
    _COPY: "copy",
    _FETCH: "fetch",
    _PLAY: "play",
    _CHECK: "check",
    _PROMISE: "promise",
    _BAD: "bad",
    _TREND: "ink",
}
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.edgecolor": _FAINT,
    "axes.labelcolor": _INK,
    "axes.axisbelow": True,
    "text.color": _INK,
    "xtick.color": _FAINT,
    "ytick.color": _FAINT,
    "xtick.labelcolor": _INK,
    "ytick.labelcolor": _INK,
    "ytick.major.size": 0,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": _FAINT,
    "grid.linewidth": 0.8,
}
WIDE, NARROW = (9.4, 3.3), (4.6, 3.0)
"""Inches, for a screen and for a phone or half a screen."""

_FAR = 3.0  # a promise farther above the highest bar than this is told, not drawn to scale
_UNITS = ((2 * 3600.0, 3600.0, "hours"), (120.0, 60.0, "minutes"), (0.0, 1.0, "seconds"))
_BYTES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (0.0, "B"))


def duration_plot(records: Sequence[DrillRecord], trend: Trend | None, name: str, size: tuple[float, float]) -> str:
    """How long each drill took, its parts stacked; the promise, the trend, and failed drills."""
    longest = max(record.seconds for record in records)
    _, unit, word = next(choice for choice in _UNITS if longest >= choice[0])
    places = range(len(records))

    def draw(axes: "Axes") -> None:
        below = [0.0] * len(records)
        for part, colour in enumerate((_COPY, _FETCH, _PLAY, _CHECK)):
            heights = [record.parts()[part] / unit for record in records]
            axes.bar(places, heights, 0.72, bottom=below, color=colour, linewidth=0)
            below = [low + height for low, height in zip(below, heights, strict=True)]
        _promise(axes, records, longest, unit)
        if trend is not None:
            line = [max(trend.at(record.when), 0.0) / unit for record in records[-LAST:]]
            axes.plot(places[-LAST:], line, color=_TREND, linewidth=1.6, linestyle=(0, (2, 2)))
        troubled = [place for place in places if not records[place].ok]
        step = axes.get_ylim()[1] * 0.03
        axes.scatter(troubled, [below[place] + step for place in troubled], marker="x", color=_BAD, zorder=5, s=34)
        axes.set_ylabel(word)
        axes.set_ylim(bottom=0)

    return _svg(draw, [record.when for record in records], name, size, "How long each drill took, by part")


def _promise(axes: "Axes", records: Sequence[DrillRecord], longest: float, unit: float) -> None:
    promised = [record.promised_hours * 3600 for record in records]
    if min(promised) <= longest * _FAR:
        # A step for each drill: the promise may have been another one then.
        edges = [place - 0.5 for place in range(len(records) + 1)]
        values = [seconds / unit for seconds in promised]
        axes.stairs(values, edges, baseline=None, color=_PROMISE, linewidth=2)
        axes.set_ylim(top=max(*values, longest / unit) * 1.1)
    else:
        axes.set_ylim(top=longest / unit * 1.25)
        text = f"↑ promised: {duration(promised[-1])}"
        axes.text(0.995, 0.985, text, transform=axes.transAxes, ha="right", va="top", color=_PROMISE)


def size_plot(records: Sequence[DrillRecord], name: str) -> str:
    """What was restored in each drill: the databases' size, and the log played onto them."""
    largest = max([1, *(record.size for record in records), *(record.log_octets for record in records)])
    factor, unit = next(choice for choice in _BYTES if largest >= choice[0])
    factor = factor or 1.0

    def draw(axes: "Axes") -> None:
        places = range(len(records))
        sizes = [record.size / factor for record in records]
        axes.fill_between(places, sizes, color=_COPY, alpha=0.16, linewidth=0)
        _line(axes, sizes, _COPY)
        _line(axes, [record.log_octets / factor for record in records], _PLAY)
        axes.set_ylim(bottom=0)
        axes.set_ylabel(unit)

    return _svg(draw, [record.when for record in records], name, NARROW, "Size of what was restored in each drill")


def rate_plot(records: Sequence[DrillRecord], name: str) -> str:
    """Octets per second of copying, playing and checking in each drill, all databases together."""

    def draw(axes: "Axes") -> None:
        rates = [database_rates(_together(record)) for record in records]
        for part, colour in enumerate((_COPY, _PLAY, _CHECK)):
            _line(axes, [rate[part] / 1e6 or None for rate in rates], colour)
        axes.set_ylim(bottom=0)
        axes.set_ylabel("MB/s")

    return _svg(draw, [record.when for record in records], name, NARROW, "Rates of copying, playing and checking")


def _together(record: DrillRecord) -> DatabaseDrill:
    drills = record.databases
    return DatabaseDrill(
        database="",
        size=record.size,
        log_octets=record.log_octets,
        records=record.records,
        copy_seconds=sum(drill.copy_seconds for drill in drills),
        play_seconds=sum(drill.play_seconds for drill in drills),
        check_seconds=sum(drill.check_seconds for drill in drills),
    )


def _line(axes: "Axes", values: Iterable[float | None], colour: str) -> None:
    numbers = [float("nan") if value is None else value for value in values]
    axes.plot(range(len(numbers)), numbers, color=colour, linewidth=2, marker="o", markersize=3.5)


def _svg(draw: "Callable[[Axes], None]", times: Sequence[int], name: str, size: tuple[float, float], label: str) -> str:
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": name}):
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        draw(axes)
        _date_axis(axes, times, size)
        buffer = io.StringIO()
        figure.savefig(
            buffer, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
        )
    return _inline(buffer.getvalue(), name, label)


def _date_axis(axes: "Axes", times: Sequence[int], size: tuple[float, float]) -> None:
    """A drill, a place: the days are written below some of them."""
    most = 3 if size is NARROW else 7
    step = max(1, -(-len(times) // most))
    places = list(range((len(times) - 1) % step, len(times), step))
    axes.set_xticks(places, [date(times[place]) for place in places])
    axes.set_xlim(-0.6, max(len(times) - 0.4, 1.6))


def _inline(svg: str, name: str, label: str) -> str:
    """An SVG file made fit to stand in a page: as wide as there is room, ids of its own, the page's colours."""
    svg = svg[svg.index("<svg") :]
    opening, rest = svg.split(">", 1)
    opening = re.sub(r'\s(?:width|height|version|xmlns:xlink)="[^"]*"', "", opening)
    rest = rest.replace("xlink:href", "href")
    rest = re.sub(r'\bid="([^"]*)"', rf'id="{name}-\1"', rest)
    rest = re.sub(r'(href="|url\()#', rf"\1#{name}-", rest)
    rest = re.sub(r" font-family: [^;\"]*;?", "", rest)
    rest = re.sub(r"<defs>\s*<style[^>]*>[^<]*</style>\s*</defs>", "", rest)
    for marker, variable in _VARIABLES.items():
        rest = rest.replace(marker, f"var(--{variable})")
    return f'{opening} role="img" aria-label="{label}">{rest}'
