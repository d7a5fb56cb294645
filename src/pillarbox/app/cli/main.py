"""The command `pillarbox`: its options, its groups of commands, and how it ends (see `context.py`)."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from pillarbox import __version__
from pillarbox.app.cli import (
    backup,
    databases,
    failover,
    log,
    mail,
    names,
    people,
    recovery,
    restore,
    restore_items,
    server,
    standby,
)
from pillarbox.app.cli.context import EXIT_INTERRUPTED, EXIT_REFUSED, Options, exit_code
from pillarbox.model.failure import Failure

_EXITS = (
    "Exit codes: 0 done, 1 refused (one sentence says why), 2 wrong usage, 75 not possible now, try later, "
    "130 interrupted."
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help=f"Pillarbox, a complete mail server.\n\n{_EXITS}",
    epilog="Example: pillarbox init site --domain example.test --port-offset 20000",
    pretty_exceptions_enable=False,
)
app.command("init", epilog="Example: pillarbox init /srv/mail --domain example.org --listen 0.0.0.0")(server.init)
app.command("serve", epilog="Example: pillarbox -C /srv/mail serve")(server.serve)
app.command("demo", epilog="Example: pillarbox demo --port-offset 30000")(server.demo)
app.add_typer(people.app, name="user")
app.add_typer(names.domain, name="domain")
app.add_typer(names.alias, name="alias")
app.add_typer(names.group, name="group")
app.add_typer(mail.mailbox, name="mailbox")
app.add_typer(mail.deleted, name="deleted")
app.command("import", epilog="Example: pillarbox -C DIR import alice@example.test ~/Maildir")(mail.import_)
app.command("export", epilog="Example: pillarbox -C DIR export alice@example.test /tmp/alice --format mbox")(
    mail.export
)
app.add_typer(databases.app, name="database")
app.add_typer(log.app, name="log")
app.add_typer(backup.app, name="backup")
app.add_typer(restore.app, name="restore")
restore.app.command("mail", epilog='Example: pillarbox -C DIR restore mail alice@example.test --to "2026-11-24 10:42"')(
    restore_items.mail
)
restore.app.command("changes", epilog='Example: pillarbox -C DIR restore changes alice@example.test --to "10:42"')(
    restore_items.changes_
)
app.command("repair", epilog="Example: pillarbox -C DIR repair mailboxes")(restore.repair)
app.command("upgrade", epilog="Example: pillarbox -C DIR upgrade")(restore.upgrade_)
app.add_typer(recovery.recovery, name="recovery")
app.add_typer(recovery.drill, name="drill")
app.command("standby", epilog="Example: pillarbox -C DIR standby")(standby.standby)
app.command("standby-status", epilog="Example: pillarbox -C DIR standby-status --json")(standby.status)
app.command("standby-certificate", epilog="Example: pillarbox -C DIR standby-certificate --trust /tmp/other.pem")(
    standby.certificate
)
app.command("promote", epilog='Example: pillarbox -C DIR promote --to "2026-11-24 10:42:17"')(standby.promote)
app.command("demote", epilog="Example: pillarbox -C DIR demote")(standby.demote)
app.command(
    "failover",
    epilog='Example: pillarbox -C DIR failover --other "ssh b pillarbox -C DIR" --rehearse --address probe@example.org '
    "--other-smtp b:25",
)(failover.failover)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"pillarbox {__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    directory: Annotated[
        Path, typer.Option("-C", "--directory", envvar="PILLARBOX_DIR", help="The site's directory.")
    ] = Path("."),
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options before the command."""
    context.obj = Options(directory)


def main() -> None:
    """The entry point of the command line."""
    try:
        app()
    except Failure as failure:
        print(f"pillarbox: {server.explain(failure)}", file=sys.stderr)
        sys.exit(exit_code(failure))
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_REFUSED)
