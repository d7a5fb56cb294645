"""What all commands share: the site they work on, how they end, and how they show lists.

Exit codes: 0 done; 1 refused, with one sentence on standard error that says why and what to do; 2 wrong usage;
75 not possible now, try again later (a full disk, a database that is not available); 130 interrupted.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Column, Table
from rich.text import Text

from pillarbox.app.build import Parts, open_parts
from pillarbox.app.site import Site, become_owner
from pillarbox.model.failure import Failure

T = TypeVar("T")

EXIT_REFUSED = 1
EXIT_USAGE = 2
EXIT_TRY_LATER = 75
EXIT_INTERRUPTED = 130

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Address = Annotated[str, typer.Argument(help="An address, like alice@example.test.", show_default=False)]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from the first line of standard input.")
]


class Options(NamedTuple):
    """The options before the command."""

    directory: Path


def site_of(context: typer.Context) -> Site:
    """The site named by -C; as root, this process becomes its owner."""
    options: Options = context.obj
    become_owner(options.directory)
    return Site.load(options.directory)


def with_parts(context: typer.Context, work: Callable[[Parts], Awaitable[T]]) -> T:
    """Runs `work` on the site's parts and closes them after it."""
    site = site_of(context)

    async def run() -> T:
        with open_parts(site, "command") as parts:
            return await work(parts)

    return asyncio.run(run())


def read_password(from_stdin: bool) -> str:
    """A password from standard input, or asked for twice at the terminal. Never empty."""
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        stop("there is no terminal to ask for the password; give it with --password-stdin", EXIT_USAGE)
    if not password:
        stop("the password is empty; give at least one character", EXIT_USAGE)
    return password


def show(rows: Sequence[dict[str, Any]], as_json: bool, empty: str) -> None:
    """A list for people as a table, for programs as a JSON array."""
    if as_json:
        print(json.dumps(list(rows), ensure_ascii=False, indent=1))
    elif not rows:
        say(empty)
    else:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column, value in rows[0].items():
            table.add_column(column.replace("_", " "), justify="right" if _is_number(value) else "left")
        for row in rows:
            table.add_row(*(Text(_cell(value)) for value in row.values()))
        Console(width=None if sys.stdout.isatty() else 200).print(table)


def show_one(row: dict[str, Any], as_json: bool) -> None:
    """One thing, a line for each of its properties."""
    if as_json:
        print(json.dumps(row, ensure_ascii=False, indent=1))
    else:
        width = max(map(len, row))
        for name, value in row.items():
            print(f"{name.replace('_', ' '):{width}}  {_cell(value)}")


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)


def say(text: str) -> None:
    """A line for people on standard output."""
    print(text, flush=True)


def stop(text: str, code: int = EXIT_REFUSED) -> "typer.Exit":
    """Ends the command with one sentence. Always raises; it is declared to return so that mypy sees the end."""
    print(f"pillarbox: {text}", file=sys.stderr, flush=True)
    raise typer.Exit(code)


def exit_code(failure: Failure) -> int:
    """How a command that met a failure ends."""
    return EXIT_TRY_LATER if failure.temporary else EXIT_REFUSED


class _Rate(ProgressColumn):
    """Messages and octets per second."""

    def render(self, task: Task) -> Text:
        speed = task.speed or 0.0
        octets = task.fields.get("octets", 0) / task.elapsed if task.elapsed else 0.0
        return Text(f"{speed:,.0f}/s  {octets / 1e6:,.1f} MB/s")


def progress_bar() -> Progress:
    """A bar with count, rate and time left, on standard error; nothing where that is no terminal."""
    return _bar(MofNCompleteColumn(table_column=_whole()), _Rate(table_column=_whole()))


def octets_bar() -> Progress:
    """The same for octets."""
    return _bar(DownloadColumn(table_column=_whole()), TransferSpeedColumn(table_column=_whole()))


def _bar(*measures: ProgressColumn) -> Progress:
    """One line for each task however narrow the terminal is: what is said last is cut off first."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}", table_column=_whole()),
        BarColumn(bar_width=12, table_column=_whole()),
        *measures,
        TimeRemainingColumn(compact=True, table_column=_whole()),
        _Note(table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)),
        console=console,
        disable=not console.is_terminal,
        expand=True,
    )


def _whole() -> Column:
    return Column(no_wrap=True)


class _Note(ProgressColumn):
    """A task's field `note`, if it has one."""

    def render(self, task: Task) -> Text:
        return Text(task.fields.get("note", ""))
