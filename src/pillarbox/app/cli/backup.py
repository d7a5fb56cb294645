"""Commands for backups: make one, list them, read one back, make a key."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import TaskID

from pillarbox.app.cli.context import EXIT_REFUSED, EXIT_TRY_LATER, AsJson, octets_bar, say, show, site_of, stop
from pillarbox.app.recovery.backups import due_kind, list_backups, make_backup, make_stream, verify_backup
from pillarbox.app.recovery.moment import show_moment
from pillarbox.app.recovery.wiring import open_targets
from pillarbox.app.site import Site
from pillarbox.base.clock import SystemClock
from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import Target
from pillarbox.recovery import backup as writer
from pillarbox.recovery import verification
from pillarbox.recovery.catalog import Catalog
from pillarbox.recovery.codec import make_key
from pillarbox.recovery.manifest import Manifest
from pillarbox.recovery.names import Kind

app = typer.Typer(
    help="Backups: make one now, list them, read them back. Without a command: make one of the kind that is due today.",
    invoke_without_command=True,
    epilog="Example: pillarbox -C /srv/mail backup",
)

Identity = Annotated[
    list[Path] | None, typer.Option("--identity", help="File with a private key, to look into encrypted backups.")
]
Url = Annotated[str, typer.Option("--target", help="This target instead of those in the settings.")]


@app.callback()
def backup(
    context: typer.Context,
    full: Annotated[bool, typer.Option("--full", help="Store everything anew.")] = False,
    incremental: Annotated[bool, typer.Option("--incremental", help="Store what changed since the last one.")] = False,
    target: Url = "",
    stream: Annotated[str, typer.Option("--stream", help="A shell command that takes the backup, as tar.")] = "",
) -> None:
    """Back up all databases, settings and certificates, while mail goes on."""
    if context.invoked_subcommand is not None:
        return
    site = site_of(context)
    kind = Kind.FULL if full else Kind.INCREMENTAL if incremental else due_kind(site, SystemClock().now())
    with octets_bar() as bar:
        tasks: dict[str, TaskID] = {}

        def progress(now: writer.Progress) -> None:
            if now.database not in tasks:
                tasks[now.database] = bar.add_task(now.database, total=now.total)
            bar.update(tasks[now.database], completed=now.done, total=now.total)

        if stream:
            outcome = make_stream(site, stream, SystemClock(), progress)
        else:
            outcome = make_backup(site, kind, SystemClock(), progress, target)
    _report(outcome)


def _report(outcome: writer.Outcome) -> None:
    for result in outcome.results:
        if result.manifest is not None:
            say(
                f"backup {result.manifest.set} is at {result.label}: {outcome.octets:,} octets read, {result.stored:,} "
                f"stored, {result.reused:,} there already, {outcome.seconds:.1f} seconds"
            )
    problems = [f"{result.label}: {result.failure.public}" for result in outcome.results if result.failure]
    problems += [f"database {name}: {failure.public}" for name, failure in outcome.missing]
    if problems:
        stop(f"the backup is not complete: {'; '.join(problems)}", EXIT_REFUSED)


@app.command("list", epilog="Example: pillarbox -C /srv/mail backup list --json")
def list_(context: typer.Context, target: Url = "", as_json: AsJson = False) -> None:
    """List the backups at all targets."""
    rows: list[dict[str, Any]] = []
    away: list[str] = []
    for place in open_targets(site_of(context), target):
        try:
            rows += [_row(place, found) for _, found in list_backups([place])]
        except Failure as failure:
            away.append(f"{place.label}: {failure.public}")
    rows.sort(key=lambda row: str(row["set"]))
    if rows or as_json or not away:
        show(rows, as_json, "there is no backup yet; make one with `pillarbox backup`")
    if away:
        stop("; ".join(away), EXIT_TRY_LATER)


def _row(target: Target, found: Manifest) -> dict[str, Any]:
    return {
        "set": found.set,
        "kind": found.kind.value,
        "target": target.label,
        "taken": show_moment(found.started),
        "seconds": round((found.finished - found.started) / 1e6, 1),
        "databases": [copy.name for copy in found.databases],
        "octets": found.size,
        "stored": sum(piece.stored for piece in found.pieces() if piece.object.startswith(f"sets/{found.set}/")),
        "encrypted": bool(found.recipients),
    }


@app.command(epilog="Example: pillarbox -C /srv/mail backup verify --identity key.txt")
def verify(
    context: typer.Context,
    set_id: Annotated[str, typer.Argument(metavar="[SET]", help="A set's id; default: the newest.")] = "",
    target: Url = "",
    identity: Identity = None,
) -> None:
    """Read a backup and the log behind it back: every checksum, and that no log record is missing up to now."""
    site = site_of(context)
    wrong = False
    away: list[str] = []
    for place in open_targets(site, target):
        try:
            wrong = _verify(site, place, set_id, identity or []) or wrong
        except Failure as failure:
            away.append(f"{place.label}: {failure.public}")
    if wrong:
        stop("; ".join(["there are findings; make a new full backup with `pillarbox backup --full`", *away]))
    if away:
        stop("; ".join(away))
    say("no findings")


def _verify(site: Site, place: Target, set_id: str, identities: list[Path]) -> bool:
    """Whether anything is wrong with a set at one target. Raises NOT_FOUND where there is none."""
    catalog = Catalog(place)
    found = catalog.get(set_id) if set_id else catalog.newest()
    damaged = [failure.public for failure in catalog.damaged()]
    if found is None:
        raise Failure(FailureKind.NOT_FOUND, "; ".join(["there is no backup yet", *damaged]))
    with octets_bar() as bar:
        tasks: dict[int, TaskID] = {}

        def progress(now: verification.Progress) -> None:
            if now.total not in tasks:
                tasks[now.total] = bar.add_task(place.label, total=now.total)
            bar.update(tasks[now.total], completed=now.done)

        checked = verify_backup(site, place, found, identities, progress)
    closed = checked.objects - checked.decoded
    depth = f", {closed} of them without looking inside (see --identity)" if closed else ""
    say(f"{checked.set} at {checked.target}: {checked.objects} objects, {checked.octets:,} octets read{depth}")
    for finding in (*checked.findings, *damaged):
        say(f"  {finding}")
    return bool(checked.findings or damaged)


@app.command(epilog="Example: pillarbox backup key backup-key.txt")
def key(file: Annotated[Path, typer.Argument(help="Where to write the private key.")]) -> None:
    """Make a key pair: the private key into a file (keep it away from this server), the public one to be printed."""
    private, public = make_key()
    try:
        with open(file, "x", encoding="ascii", opener=_private) as output:
            output.write(f"# public key: {public}\n{private}\n")
    except FileExistsError:
        raise Failure(FailureKind.ALREADY_EXISTS, f"{file} is there already; it may open old backups") from None
    except OSError as error:
        raise Failure(FailureKind.NOT_ALLOWED, f"{file} cannot be written: {error.strerror}", error) from error
    say(f'put it into pillarbox.toml:\n[backup]\nrecipients = ["{public}"]')
    say(f"and {file} into a safe: without it, backups cannot be read.")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
