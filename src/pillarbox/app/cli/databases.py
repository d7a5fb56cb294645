"""`pillarbox database …`: the logged databases themselves."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from pillarbox.app.build import Parts, create_database, database_names, place_of, schema_of
from pillarbox.app.cli.context import AsJson, progress_bar, say, show, site_of, stop, with_parts
from pillarbox.app.merging import count_to_merge, merge_back
from pillarbox.app.recovery.wiring import generation_elsewhere
from pillarbox.app.site import DIRECTORY_DATABASE, Site
from pillarbox.app.swapping import dial_tone, dismount, mount, new_log
from pillarbox.database.dump import dump_log
from pillarbox.database.place import Surroundings
from pillarbox.database.verify import Finding, Progress, verify

app = typer.Typer(
    no_args_is_help=True, help="Logged databases: list, create, verify, dump-log, dismount, mount, dial-tone, new-log."
)

DatabaseName = Annotated[str, typer.Argument(help="A database, as `database list` shows it.", show_default=False)]


def _known(site: Site, name: str) -> str:
    names = database_names(site)
    if name not in names:
        stop(f"there is no database {name!r}; there are {', '.join(names)}")
    return name


def _octets(folder: Path, pattern: str) -> int:
    return sum(file.stat().st_size for file in folder.glob(pattern) if file.is_file())


@app.command("list", epilog="Example: pillarbox -C DIR database list --json")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the databases: position in the log, sizes, people, and whether all log volumes are in use."""

    async def work(parts: Parts) -> None:
        people = await parts.directory.people()
        rows: list[dict[str, Any]] = []
        for name, engine in parts.engines.items():
            status = engine.status()
            rows.append(
                {
                    "database": name,
                    "people": sum(person.database == name for person in people),
                    "position": status.position,
                    "generation": status.generation,
                    "schema": status.schema_version,
                    "octets": _octets(parts.site.data_volume, f"{name}.db*"),
                    "log_octets": sum(_octets(volume / name, "*.log") for volume in parts.site.log_volumes),
                    "log_volumes": [f"{volume.path} ({volume.state.value})" for volume in status.log_volumes],
                    "state": status.stopped or status.damaged or "open",
                }
            )
        for name, failure in parts.mounts.failures.items():
            rows.append(dict.fromkeys(rows[0], "") | {"database": name, "state": failure.public})
        show(rows, as_json, "no databases")

    with_parts(context, work)


@app.command("create", epilog="Example: pillarbox -C DIR database create mailboxes2")
def create(context: typer.Context, name: Annotated[str, typer.Argument(help="Its name.", show_default=False)]) -> None:
    """Make one more mailbox database; name it in [storage] databases and restart to use it."""
    if not name.replace("-", "").replace("_", "").isalnum():
        stop(f"{name!r} is not a name for a database; use letters, digits, - and _")
    create_database(site_of(context), name)
    say(f"made {name}; now add it to [storage] databases in the settings and restart the server")


def _mailboxes(site: Site, name: str) -> str:
    if _known(site, name) == DIRECTORY_DATABASE:
        stop("nothing can be served without the directory; stop the server to exchange it")
    return name


@app.command("dismount", epilog="Example: pillarbox -C DIR database dismount mailboxes --reason 'new disk'")
def dismount_(
    context: typer.Context,
    name: DatabaseName,
    reason: Annotated[str, typer.Option(help="Why, for those who ask.")] = "by command",
) -> None:
    """Close a database in every process; its people get temporary failures until it is mounted again."""
    site = site_of(context)
    dismount(site, _mailboxes(site, name), reason)
    say(f"{name} is dismounted; `pillarbox database mount {name}` opens it again")


@app.command("mount", epilog="Example: pillarbox -C DIR database mount mailboxes")
def mount_(context: typer.Context, name: DatabaseName) -> None:
    """Open a dismounted database again, once it is seen to be whole; the running server has it within a second."""
    site = site_of(context)
    mount(site, _known(site, name), say)
    say(f"{name} is mounted")


@app.command("dial-tone", epilog="Example: pillarbox -C DIR database dial-tone mailboxes")
def dial_tone_(context: typer.Context, name: DatabaseName) -> None:
    """Put an empty database in the place of a lost one: its people send and receive at once.

    What is left of the lost one is kept aside. When it is restored, the new mail is merged into it.
    """
    site = site_of(context)
    dial_tone(site, _mailboxes(site, name), say)
    say(f"{name} works, empty; `pillarbox restore database {name}` brings the old mail and keeps the new")


@app.command("new-log", epilog="Example: pillarbox -C DIR database new-log mailboxes")
def new_log_(context: typer.Context, name: DatabaseName) -> None:
    """Begin a new log: where the log volumes are lost and the file is whole, or where the old log is to be left behind.

    Without its log, the database is as its file is: all of it, unless the machine lost power together with the log.
    """
    site = site_of(context)
    new_log(site, _known(site, name), generation_elsewhere(site, name), say)
    say(f"{name} is in use; make a backup now: `pillarbox backup --full`")


@app.command("merge-back", epilog="Example: pillarbox -C DIR database merge-back mailboxes")
def merge_back_(
    context: typer.Context,
    name: DatabaseName,
    kept: Annotated[str, typer.Option("--kept", help="This one, which a restore has put aside, instead.")] = "",
) -> None:
    """Merge the mail of a dial-tone database into the restored one; `restore` does it by itself. May be repeated.

    With --kept, after a restore to an earlier moment: mail of the replaced database that is nowhere in the present one.
    """

    async def work(parts: Parts) -> None:
        total = await count_to_merge(parts, _mailboxes(parts.site, name), kept)
        with progress_bar() as bar:
            task = bar.add_task(f"{name} merging", total=total, octets=0)

            def advance(messages: int, octets: int) -> None:
                bar.update(task, advance=messages, octets=bar.tasks[0].fields["octets"] + octets)

            merged = await merge_back(parts, name, advance, kept)
        for sentence in merged.unreadable:
            say(f"not merged: {sentence}")
        say(f"merged {merged.copied} messages into {name}, {merged.present} were there already")

    with_parts(context, work)


@app.command("verify", epilog="Example: pillarbox -C DIR database verify mailboxes")
def verify_(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="Databases; default: all.")] = None,
    as_json: AsJson = False,
) -> None:
    """Read everything back: tables, every message's checksum, every log record. Exits 1 if anything is wrong."""
    site = site_of(context)
    rows = []
    for name in names or database_names(site):
        findings = _verify_one(site, _known(site, name))
        rows.append({"database": name, "findings": findings})
        if not as_json:
            say(f"{name}: {'all is well' if not findings else f'{len(findings)} findings'}")
            for text in findings:
                say(f"  {text}")
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
    if any(row["findings"] for row in rows):
        raise typer.Exit(1)


def _verify_one(site: Site, name: str) -> list[str]:
    findings = []
    with progress_bar() as bar:
        tasks = {}
        for item in verify(place_of(site, name), schema_of(name), Surroundings()):
            match item:
                case Finding(part, text):
                    findings.append(f"{part}: {text}")
                case Progress(part, done, total):
                    if part not in tasks:
                        tasks[part] = bar.add_task(f"{name} {part}", total=total, octets=0)
                    bar.update(tasks[part], completed=done, total=total)
    return findings


@app.command("dump-log", epilog="Example: pillarbox -C DIR database dump-log mailboxes --from 100 --to 110")
def dump_log_(
    context: typer.Context,
    name: DatabaseName,
    first: Annotated[int, typer.Option("--from", help="First log sequence number.")] = 1,
    last: Annotated[int | None, typer.Option("--to", help="Last one; default: the end.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show log records readably: when, and which rows of which tables changed from what to what."""
    site = site_of(context)
    for record in dump_log(place_of(site, _known(site, name)), Surroundings(), first, last):
        if as_json:
            print(json.dumps(record, ensure_ascii=False, default=str))
        else:
            _show_record(record)


def _show_record(record: dict[str, Any]) -> None:
    print(" ".join(f"{key}={value}" for key, value in record.items() if key != "changes"))
    for change in record.get("changes", []):
        print("   " + " ".join(f"{key}={value}" for key, value in change.items() if value not in (None, {})))
