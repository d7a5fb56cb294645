"""Commands that bring things back: a database, or the whole server on a bare machine. (Mail of one person: see
`restore_items.py`.) All of them go on where they were when they are interrupted and run again."""

import asyncio
import datetime
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from pillarbox.app.build import Parts, database_names, open_parts
from pillarbox.app.cli.bars import RestoreBars
from pillarbox.app.cli.context import Options, octets_bar, progress_bar, say, site_of, stop
from pillarbox.app.dismounted import clear_dismounted, dismounted
from pillarbox.app.merging import merge_back
from pillarbox.app.recovery.bare import fetch_site
from pillarbox.app.recovery.moment import parse_moment, show_moment
from pillarbox.app.recovery.restoring import Request, discard, recovering, restore_directory, restore_many
from pillarbox.app.recovery.upgrading import outdated, upgrade
from pillarbox.app.recovery.wiring import open_targets, read_identities
from pillarbox.app.site import DIRECTORY_DATABASE, Site
from pillarbox.app.swapping import discard_kept, dismount, install, kept_of
from pillarbox.base.clock import MICROSECONDS
from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import Until
from pillarbox.recovery.restore import RestoreResult

app = typer.Typer(no_args_is_help=True, help="Bring back the server, a database, or mail of one person.")

To = Annotated[str, typer.Option("--to", help='A moment: "2026-11-24 10:42:17" (local time). Default: the latest.')]
Before = Annotated[int | None, typer.Option("--before", help="Just before this log record (see `log find`).")]
Identities = Annotated[list[Path] | None, typer.Option("--identity", help="File with the private key of the backups.")]
Url = Annotated[str, typer.Option("--from", help="A target's address instead of those in the settings.")]
Workers = Annotated[int, typer.Option("--workers", help="Databases at a time; 0: one per processor core.")]


def until_of(to: str, before: int | None) -> Until:
    """What the options ask for. Raises INVALID."""
    if to and before is not None:
        raise Failure(FailureKind.INVALID, "give --to or --before, not both")
    if before is not None:
        if before < 2:
            raise Failure(FailureKind.INVALID, "there is nothing before the first log record; see `log find`")
        return Until(lsn=before - 1)
    if not to:
        return Until()
    now = datetime.datetime.now().astimezone()
    moment = parse_moment(to, now)
    if moment // MICROSECONDS > now.timestamp():
        raise Failure(
            FailureKind.INVALID, f"{show_moment(moment)} is in the future; without --to you get the latest there is"
        )
    return Until(time=moment)


@app.command("database", epilog='Example: pillarbox -C DIR restore database mailboxes --to "2026-11-24 10:42:17"')
def database(
    context: typer.Context,
    names: Annotated[list[str], typer.Argument(help="Databases.", show_default=False)],
    to: To = "",
    before: Before = None,
    beside: Annotated[
        Path | None, typer.Option("--beside", help="Bring it back into this directory and leave the live one alone.")
    ] = None,
    set_id: Annotated[str, typer.Option("--set", help="Begin with this backup instead of the newest that fits.")] = "",
    url: Url = "",
    identity: Identities = None,
    workers: Workers = 0,
) -> None:
    """Bring databases back from the backup and play the log forward; then put them in place of the live ones.

    The live one stays until the new one is checked, and is kept aside after that (`restore discard-old`). Its people
    get temporary failures while files are exchanged; without --to and --before also while it is restored.
    """
    site = site_of(context)
    until = until_of(to, before)
    requests = []
    for name in names:
        if name not in database_names(site):
            raise Failure(FailureKind.NOT_FOUND, f"there is no database {name}; see `pillarbox database list`")
        directory = (beside / name).resolve() if beside else restore_directory(site, name)
        requests.append(Request(site.path, name, directory, until, url, tuple(identity or ()), set_id))
    open_targets(site, url)
    read_identities(identity or [])
    if beside is None:
        closed = _dismount(site, names) if until == Until() else []
        try:
            results = _run(requests, workers)
        except BaseException:
            for name in closed:
                clear_dismounted(site, name)
            raise
        for request in requests:
            _put_in_place(site, request, results[request.database], until == Until())
    else:
        _run(requests, workers)
        for request in requests:
            recovering(request).settle()
            say(f"{request.database} is in {recovering(request).file}")


@app.command(
    "server", epilog="Example: pillarbox -C /srv/mail restore server --from file:///mnt/backup --identity k.txt"
)
def server(
    context: typer.Context,
    url: Annotated[str, typer.Option("--from", help="The target's address.", show_default=False)],
    to: To = "",
    identity: Identities = None,
    workers: Workers = 0,
) -> None:
    """On a bare machine: bring back settings, certificates and all databases into the directory given with -C."""
    options: Options = context.obj
    os.umask(0o077)
    until = until_of(to, None)
    site = fetch_site(options.directory.resolve(), url, identity or [], until)
    say(f"settings, certificates and keys are in {site.path}")
    requests = [
        Request(site.path, name, restore_directory(site, name), until, url, tuple(identity or ()))
        for name in database_names(site)
    ]
    results = _run(requests, workers)
    for request in requests:
        _put_in_place(site, request, results[request.database], until == Until())
    say(f"the server is back: pillarbox -C {site.path} serve")


@app.command("discard-old", epilog="Example: pillarbox -C DIR restore discard-old mailboxes")
def discard_old(context: typer.Context, name: Annotated[str, typer.Argument(show_default=False)]) -> None:
    """Delete for good what restores of a database have put aside."""
    site = site_of(context)
    if not kept_of(site, name):
        say(f"nothing of {name} is kept aside")
    for kept in discard_kept(site, name):
        say(f"deleted {kept}")


def repair(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A database.", show_default=False)],
    identity: Identities = None,
) -> None:
    """Rebuild a damaged or lost database from the backup and the log, up to its last record; the others go on.

    Nothing answered is lost. Meanwhile, mail for its people is deferred with a temporary answer.
    """
    database(context, [name], identity=identity)


def upgrade_(context: typer.Context, identity: Identities = None) -> None:
    """Bring the databases to the tables this program needs: tried on a restored copy first. The server is stopped.

    The way back: the older program, and `restore database NAME --before LSN`; the number is printed.
    """
    site = site_of(context)
    names = outdated(site)
    if not names:
        say("all databases have the tables this program needs")
    for name in names:
        done = upgrade(site, name, say, identity or [])
        say(f"{name} has version {done.after} now; to go back: restore database {name} --before {done.lsn}")


def _dismount(site: Site, names: Sequence[str]) -> list[str]:
    """So that nothing is added to the logs while they are read; which of them were mounted before."""
    mounted = [name for name in names if name != DIRECTORY_DATABASE and dismounted(site, name) is None]
    for name in mounted:
        dismount(site, name, "it is being restored")
    return mounted


def _run(requests: Sequence[Request], workers: int) -> dict[str, RestoreResult]:
    """Restore, with a bar for each database. Ends the command if one of them failed or is damaged."""
    with octets_bar() as bar:
        results = restore_many(requests, workers or os.cpu_count() or 1, RestoreBars(bar).hear, say)
    problems = []
    good: dict[str, RestoreResult] = {}
    for name, result in results.items():
        if isinstance(result, Failure):
            problems.append(f"{name}: {result.public}")
        elif result.findings:
            problems.append(f"{name}: {len(result.findings)} findings, the first: {result.findings[0]}")
        else:
            good[name] = result
            _tell(result)
    if problems:
        stop(f"not restored, and the live databases are as they were: {'; '.join(problems)}")
    return good


def _tell(result: RestoreResult) -> None:
    say(
        f"{result.database}: backup {result.set}, {result.size:,} octets copied in {result.copy_seconds:.1f} s; "
        f"{result.records:,} log records played in {result.play_seconds:.1f} s; checked in {result.check_seconds:.1f} "
        f"s; it is as it was at record {result.lsn}, {show_moment(result.time)}"
    )


def _put_in_place(site: Site, request: Request, result: RestoreResult, to_end: bool) -> None:
    recovered = recovering(request)
    recovered.settle()
    installed = install(
        site,
        request.database,
        recovered.file,
        to_end=to_end,
        checked=True,
        beyond=result.newest_generation,
        say=say,
    )
    discard(request)
    say(f"{request.database} is in place, generation {installed.generation}")
    if installed.kept in kept_of(site, request.database):
        say(f"what was there is kept as {installed.kept} until `pillarbox restore discard-old {request.database}`")
    if installed.merge_due:
        _merge(site, request.database)
    if not to_end:
        say("make a backup now: `pillarbox backup --full`")


def _merge(site: Site, name: str) -> None:
    """The mail that came while an empty database worked."""

    async def work() -> None:
        with open_parts(site, "command") as parts:
            await _merge_with(parts)

    async def _merge_with(parts: Parts) -> None:
        with progress_bar() as bar:
            task = bar.add_task(f"{name} merging", total=None, octets=0)
            merged = await merge_back(parts, name, lambda messages, octets: bar.update(task, advance=messages))
        say(f"merged {merged.copied} messages that came meanwhile; {merged.present} were there already")

    asyncio.run(work())
