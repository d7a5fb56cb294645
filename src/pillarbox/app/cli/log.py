"""`pillarbox log …`: what the transaction logs tell."""

from datetime import datetime
from typing import Annotated

import typer

from pillarbox.app.build import Parts, place_of
from pillarbox.app.cli.context import AsJson, progress_bar, show, site_of, stop, with_parts
from pillarbox.app.recovery.moment import parse_moment, show_moment
from pillarbox.app.site import Site
from pillarbox.database.logscan import Scan
from pillarbox.database.mailbox.history import DELETIONS, Event, Wanted, What, find
from pillarbox.database.place import Surroundings

app = typer.Typer(no_args_is_help=True, help="Transaction logs: find what happened to somebody's mail.")

_EXAMPLE = (
    "Example: pillarbox -C DIR log find mailboxes --account alice@example.test --deleted --from '2026-11-24 10:00'. "
    "Then: pillarbox -C DIR restore mail alice@example.test --before LSN."
)


@app.command("find", epilog=_EXAMPLE)
def find_(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A mailbox database.", show_default=False)],
    since: Annotated[str, typer.Option("--from", help='From this time on, "2026-11-24 10:42".')] = "",
    until: Annotated[str, typer.Option("--to", help="Up to this time.")] = "",
    account: Annotated[str, typer.Option(help="Only mail of the person with this address.")] = "",
    mailbox: Annotated[str, typer.Option(help="Only this mailbox.")] = "",
    message_id: Annotated[str, typer.Option("--message-id", help="Only the message with this Message-ID.")] = "",
    deleted: Annotated[bool, typer.Option("--deleted", help="Only what took mail away: deletions and moves.")] = False,
    what: Annotated[list[What] | None, typer.Option(help="Only this kind of event; may be repeated.")] = None,
    as_json: AsJson = False,
) -> None:
    """Find who deleted what, and when: each event with its log sequence number (LSN).

    It says in whose account something happened; which session did it is not in the log.
    """
    site = site_of(context)
    if name not in site.settings.storage.databases:
        stop(f"there is no mailbox database {name!r}; there are {', '.join(site.settings.storage.databases)}")
    kinds = frozenset(what or ()) | (DELETIONS if deleted else frozenset())
    present = datetime.now().astimezone()
    addresses = _addresses(context, account)
    wanted = Wanted(
        since=parse_moment(since, present) // 1_000_000 * 1_000_000 if since else None,
        until=parse_moment(until, present) if until else None,
        what=kinds or None,
        account=next(iter(addresses)) if account else None,
        mailbox=mailbox or None,
        message_id=message_id or None,
    )
    show([_row(event, addresses) for event in _find(site, name, wanted)], as_json, "nothing found")


def _addresses(context: typer.Context, only: str) -> dict[int, str]:
    """The address of each account; or of the one person asked for."""

    async def work(parts: Parts) -> dict[int, str]:
        people = [await parts.person(only)] if only else await parts.directory.people()
        return {person.account: person.address for person in people}

    return with_parts(context, work)


def _find(site: Site, name: str, wanted: Wanted) -> list[Event]:
    with progress_bar() as bar:
        task = bar.add_task(f"{name} log", total=None, octets=0)

        def progress(scan: Scan) -> None:
            bar.update(task, completed=scan.segment, total=scan.segments)

        events = find(place_of(site, name), Surroundings(), wanted, progress)
        bar.update(task, completed=bar.tasks[0].total or 0)
    return events


def _row(event: Event, addresses: dict[int, str]) -> dict[str, object]:
    return {
        "time": show_moment(event.time),
        "lsn": event.lsn,
        "what": event.what.value,
        "account": addresses.get(event.account, f"account {event.account}" if event.account else ""),
        "mailbox": event.mailbox,
        "uid": event.uid or "",
        "subject": event.subject,
        "message_id": event.message_id,
        "detail": event.detail,
    }
