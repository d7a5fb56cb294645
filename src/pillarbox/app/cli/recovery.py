"""`pillarbox recovery …` and `drill …`: what a loss would mean now, and how the drills went."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from pillarbox.app.build import open_parts
from pillarbox.app.cli.bars import RestoreBars
from pillarbox.app.cli.context import EXIT_REFUSED, AsJson, octets_bar, say, show, show_one, site_of
from pillarbox.app.recovery.drilling import hold_drill
from pillarbox.app.recovery.prospects import Members, class_members, drill_alarms, drill_history, everywhere, prospects
from pillarbox.app.site import Site
from pillarbox.base.clock import SystemClock
from pillarbox.model.failure import Failure
from pillarbox.recovery.history import DrillRecord, Trigger, encode
from pillarbox.recovery.status import Status, rows_of, status_to_json
from pillarbox.recovery.words import duration, moment, octets

recovery = typer.Typer(no_args_is_help=True, help="What the loss of a disk would mean now: status.")
drill = typer.Typer(
    invoke_without_command=True,
    help="Rehearsed recovery: hold a drill now (without a command), history, report.",
    epilog="Example: pillarbox -C DIR drill",
)

_ADVICE = 5


@recovery.command("status", epilog="Example: pillarbox -C DIR recovery status")
def status_(context: typer.Context, as_json: AsJson = False) -> None:
    """Say for each disk and database how soon it would be back, what would be lost, and what would improve that.

    Exits 1 if a promise of the settings would be broken.
    """
    site = site_of(context)
    status = _prospects(site, drill_history(site).records())
    if as_json:
        show_one(status_to_json(status), True)
    else:
        say(f"{status.headline}\n")
        show(rows_of(status), False, "")
        _say_list("broken promises", [text for loss in (*status.disks, *status.databases) for text in loss.broken])
        _say_list("what would improve most", [improvement.text for improvement in status.advice[:_ADVICE]])
        _say_list("what this rests on", list(status.notes))
    if not status.kept:
        raise typer.Exit(EXIT_REFUSED)


@drill.callback()
def drill_(
    context: typer.Context,
    identity: Annotated[
        list[Path] | None, typer.Option("--identity", help="File with the private key of the backups.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Databases at a time; 0: one per processor core.")] = 0,
) -> None:
    """Restore every database to a scratch place, play the log forward, compare all with the live ones, take the times.

    Exits 1 if anything was found, or if it took longer than promised.
    """
    if context.invoked_subcommand is not None:
        return
    site = site_of(context)
    with octets_bar() as bar:
        bars = RestoreBars(bar)
        record = hold_drill(site, Trigger.HAND, SystemClock(), identity or [], bars.step, bars.hear, workers)
    show([_row(record)], False, "")
    for one in record.databases:
        say(
            f"{one.database}: backup {one.set}, {one.records:,} records played up to {one.lsn}, compared row by row in "
            f"{one.compare_seconds:.1f} s: {'the same' if one.ok else 'NOT the same'}"
        )
        for trouble in (*one.troubles, *one.notes):
            say(f"  {trouble}")
    if not (record.ok and record.kept):
        raise typer.Exit(EXIT_REFUSED)


@drill.command("history", epilog="Example: pillarbox -C DIR drill history --json")
def history_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the drills: when, how long each part took, how much it was, and what was found."""
    site = site_of(context)
    records = drill_history(site).records()
    rows = [encode(record) if as_json else _row(record) for record in records]
    show(rows, as_json, "no drill was held yet")
    if not as_json:
        for record in records:
            for one in record.databases:
                for trouble in one.troubles:
                    say(f"{moment(record.when)} {one.database}: {trouble}")
        _say_list("alarms", [alarm.text for alarm in drill_alarms(site, records, SystemClock().now())])


@drill.command("report", epilog="Example: pillarbox -C DIR drill report --output /srv/www/recovery.html")
def report_(
    context: typer.Context,
    output: Annotated[Path, typer.Option(help="The HTML file to write.", show_default=True)] = Path("recovery.html"),
) -> None:
    """Write a page with plots: durations against the promise and their trend, sizes, rates, prospects, findings."""
    from pillarbox.recovery.report import build_report  # draws with a large library that no other command needs

    site = site_of(context)
    records = drill_history(site).records()
    status = _prospects(site, records)
    alarms = drill_alarms(site, records, status.now)
    output.write_text(build_report(site.settings.server.hostname, records, status, alarms), encoding="utf-8")
    say(f"wrote {output}")


def _prospects(site: Site, history: list[DrillRecord]) -> Status:
    return prospects(site, _members(site), history, SystemClock().now())


def _members(site: Site) -> Members:
    if not site.settings.promise.classes:
        return {}

    async def ask() -> Members:
        with open_parts(site, "command") as parts:
            return await class_members(parts)

    try:
        return asyncio.run(ask())
    except Failure as failure:
        if not failure.temporary:
            raise
        return everywhere(site)


def _row(record: DrillRecord) -> dict[str, Any]:
    copying, fetching, playing, checking = (duration(part) for part in record.parts())
    result = "ok" if record.ok and record.kept else "too slow" if record.ok else "FAILED"
    return {
        "drill": moment(record.when),
        "held": record.trigger.value,
        "result": result,
        "back_in": duration(record.seconds) if record.restored else "never",
        "promised": duration(record.promised_hours * 3600),
        "copying": copying,
        "fetching_log": fetching,
        "playing": playing,
        "checking": checking,
        "size": octets(record.size),
        "log_played": octets(record.log_octets),
        "records": record.records,
    }


def _say_list(title: str, lines: list[str]) -> None:
    if lines:
        say(f"\n{title}:")
        for line in dict.fromkeys(lines):
            say(f"  {line}")
