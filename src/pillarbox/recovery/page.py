"""The frame of the report: its style sheet, and small pieces of HTML. Everything put in is escaped here.

The page is one file: no script, no font, no image from elsewhere. It follows the reader's light or dark mode, and on
a narrow screen tables become cards.
"""

from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

_STYLE = """
:root { color-scheme: light dark;
  --paper: #f6f7f9; --card: #ffffff; --ink: #17202b; --ink-soft: #566273; --rule: #dfe4ea;
  --copy: #2f6fc4; --fetch: #7fb2e8; --play: #12967f; --check: #b9a05b;
  --promise: #c2410c; --bad: #b91c3c; --good: #1a7f4b;
  --good-soft: #e3f4ea; --bad-soft: #fce8ec; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #11161d; --card: #1a212b; --ink: #e7ecf2; --ink-soft: #9dabbc; --rule: #2e3947;
  --copy: #6ea8f7; --fetch: #3f6fae; --play: #3cc7ad; --check: #cdb878;
  --promise: #ff9257; --bad: #ff7a93; --good: #57d08f;
  --good-soft: #16322a; --bad-soft: #3a1c27; } }
* { box-sizing: border-box; stroke-linejoin: round; stroke-linecap: butt; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 1040px; margin: 0 auto; padding: 28px 20px 60px; }
header p, .note { color: var(--ink-soft); }
h1 { font-size: 1.05rem; font-weight: 600; margin: 0; letter-spacing: .01em; }
header p { margin: 0 0 18px; font-size: .9rem; }
h2 { font-size: 1.1rem; margin: 0 0 10px; } * + h2 { margin-top: 20px; }
.headline { font-size: clamp(1.35rem, 3.4vw, 1.9rem); line-height: 1.25; font-weight: 650; margin: 0 0 20px;
  max-width: 34em; text-wrap: balance; overflow-wrap: anywhere; }
section { background: var(--card); border: 1px solid var(--rule); border-radius: 12px; padding: 18px 20px;
  margin: 0 0 16px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); gap: 12px; margin: 0 0 16px; }
.tile { background: var(--card); border: 1px solid var(--rule); border-radius: 12px; padding: 14px 16px; }
.tile b { display: block; font-size: 1.35rem; font-weight: 650; line-height: 1.25; }
.tile span { color: var(--ink-soft); font-size: .85rem; }
.tile.good b { color: var(--good); } .tile.bad b { color: var(--bad); }
.alarms { border-color: var(--bad); background: var(--bad-soft); }
.alarms ul, .plain { margin: 0; padding-left: 1.15em; }
.plain li { margin: 2px 0; overflow-wrap: anywhere; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 16px; }
.pair section { min-width: 0; }
figure { margin: 0; } figure svg { display: block; width: 100%; height: auto; }
figure .narrow { display: none; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 0 0 8px; font-size: .85rem; color: var(--ink-soft); }
.legend i { display: inline-block; width: 12px; height: 12px; border-radius: 3px; margin-right: 6px;
  vertical-align: -1px; }
.legend i.thin { height: 3px; vertical-align: 4px; }
.legend i.dotted { height: 0; border-top: 3px dotted var(--ink); border-radius: 0; vertical-align: 4px; }
.legend i.cross::before { content: "\\00d7"; color: var(--bad); font: 700 18px/12px sans-serif; }
table { width: 100%; border-collapse: collapse; font-size: .9rem; }
th { text-align: left; font-weight: 600; color: var(--ink-soft); font-size: .8rem; }
th, td { padding: 7px 14px 7px 0; border-bottom: 1px solid var(--rule); vertical-align: top; }
.long { overflow-wrap: anywhere; } td:first-child:not(.long) { white-space: nowrap; }
tr:last-child td { border-bottom: 0; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.mark { display: inline-block; border-radius: 99px; padding: 0 9px; font-size: .8rem; font-weight: 600;
  white-space: nowrap; }
.mark.good { color: var(--good); background: var(--good-soft); }
.mark.bad { color: var(--bad); background: var(--bad-soft); }
td ul { margin: 4px 0 0; padding-left: 1.1em; color: var(--bad); } td ul.notes { color: var(--ink-soft); }
footer { color: var(--ink-soft); font-size: .85rem; }
@media (max-width: 720px) {
  main { padding: 18px 12px 40px; } section { padding: 14px; }
  .pair { grid-template-columns: 1fr; gap: 0; }
  figure .wide { display: none; } figure .narrow { display: block; }
  .tiles { grid-template-columns: 1fr 1fr; gap: 8px; } .tile { padding: 10px 12px; } .tile b { font-size: 1.1rem; }
  thead { display: none; } table, tbody, tr, td { display: block; width: 100%; }
  tr { border-bottom: 1px solid var(--rule); padding: 8px 0; } tr:last-child { border-bottom: 0; }
  td { border: 0; padding: 2px 0; display: flex; justify-content: space-between; gap: 14px; text-align: right; }
  td::before { content: attr(data-name); color: var(--ink-soft); flex: none; text-align: left; }
  td:first-child { font-weight: 600; text-align: left; } td:first-child::before { content: none; }
  td.long { display: block; text-align: left; } td.long::before { display: block; }
  td:empty { display: none; } .number { white-space: normal; }
}
@media print { body { background: none; } section, .tile { break-inside: avoid; } }
"""


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


class Column(NamedTuple):
    """A column: `number` to the right, `long` for sentences."""

    name: str
    number: bool = False
    long: bool = False


def text(value: str) -> Html:
    """Any text, made safe; HTML stays as it is."""
    return value if isinstance(value, Html) else Html(escape(value))


def join(parts: Iterable[str]) -> Html:
    return Html("".join(text(part) for part in parts))


def page(title: str, body: Iterable[Html]) -> str:
    """The whole file."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="robots" content="noindex">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(body)
        + "\n</main>\n</body>\n</html>\n"
    )


def section(title: str, *parts: str, kind: str = "") -> Html:
    heading = f"<h2>{escape(title)}</h2>\n" if title else ""
    attribute = f' class="{kind}"' if kind else ""
    return Html(f"<section{attribute}>\n{heading}{join(parts)}\n</section>")


def tile(value: str, meaning: str, mood: str = "") -> Html:
    """A number with what it means; `mood` is "good", "bad" or empty."""
    return Html(f'<div class="{f"tile {mood}".strip()}"><b>{text(value)}</b><span>{text(meaning)}</span></div>')


def mark(word: str, good: bool) -> Html:
    return Html(f'<span class="mark {"good" if good else "bad"}">{escape(word)}</span>')


def bullets(lines: Iterable[str], kind: str = "plain") -> Html:
    """A list; nothing where there are no lines."""
    items = "".join(f"<li>{text(line)}</li>" for line in lines)
    return Html(f'<ul class="{kind}">{items}</ul>' if items else "")


def table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> Html:
    kinds = [" ".join(filter(None, ("number" * one.number, "long" * one.long))) for one in columns]
    attributes = [f' class="{kind}"' if kind else "" for kind in kinds]
    head = "".join(f"<th{a}>{escape(one.name)}</th>" for one, a in zip(columns, attributes, strict=True))
    body = "\n".join(
        "<tr>"
        + "".join(
            f'<td{a} data-name="{escape(one.name)}">{text(cell)}</td>'
            for one, a, cell in zip(columns, attributes, row, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return Html(f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>")


def legend(entries: Iterable[tuple[str, str, str]]) -> Html:
    """What the colours mean: (CSS variable, shape, meaning); shapes are "", "thin", "dotted" and "cross"."""
    items = []
    for variable, shape, meaning in entries:
        colour = f' style="background: var(--{variable})"' if variable else ""
        kind = f' class="{shape}"' if shape else ""
        items.append(f"<span><i{kind}{colour}></i>{escape(meaning)}</span>")
    return Html(f'<div class="legend">{"".join(items)}</div>')


def figure(wide: str, narrow: str = "") -> Html:
    """A plot; with `narrow`, another one for narrow screens."""
    if not narrow:
        return Html(f"<figure>{wide}</figure>")
    return Html(f'<figure><div class="wide">{wide}</div><div class="narrow">{narrow}</div></figure>')
