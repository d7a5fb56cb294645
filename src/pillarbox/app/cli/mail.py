"""`pillarbox mailbox …`, `deleted …`, `import` and `export`: the mail of one person."""

import os
from pathlib import Path
from typing import Annotated

import typer

from pillarbox.app.build import Parts
from pillarbox.app.cli.context import Address, AsJson, progress_bar, say, show, with_parts
from pillarbox.app.cli.units import local_time
from pillarbox.app.transfer.detect import source_at
from pillarbox.app.transfer.exporter import Exporter, Format
from pillarbox.app.transfer.importer import Importer, Journal
from pillarbox.model.ids import EmailId

mailbox = typer.Typer(no_args_is_help=True, help="Mailboxes of a person: list.")
deleted = typer.Typer(no_args_is_help=True, help="Deleted messages that can be brought back: list, restore.")

MailboxFormat = Annotated[Format | None, typer.Option("--format", help="Found out when left away.")]


@mailbox.command("list", epilog="Example: pillarbox -C DIR mailbox list alice@example.test")
def mailbox_list(context: typer.Context, address: Address, as_json: AsJson = False) -> None:
    """List a person's mailboxes with what is in them."""

    async def work(parts: Parts) -> None:
        person = await parts.person(address)
        rows = [
            {
                "mailbox": box.path,
                "role": box.role.value if box.role else "",
                "messages": box.exists,
                "unseen": box.unseen,
                "octets": box.size,
                "subscribed": box.subscribed,
            }
            for box in await parts.store(person.database).mailboxes(person.account)
        ]
        show(rows, as_json, "no mailboxes: this person has neither logged in nor got mail")

    with_parts(context, work)


@deleted.command("list", epilog="Example: pillarbox -C DIR deleted list alice@example.test")
def deleted_list(context: typer.Context, address: Address, as_json: AsJson = False) -> None:
    """List messages that were deleted and can be brought back."""

    async def work(parts: Parts) -> None:
        person = await parts.person(address)
        rows = [
            {
                "id": item.email,
                "deleted": local_time(item.deleted_at),
                "mailbox": item.mailbox,
                "received": local_time(item.received_at),
                "from": item.sender,
                "subject": item.subject,
                "octets": item.size,
            }
            for item in await parts.store(person.database).deleted_items(person.account)
        ]
        show(rows, as_json, "nothing to bring back")

    with_parts(context, work)


@deleted.command("restore", epilog="Example: pillarbox -C DIR deleted restore alice@example.test 17 18 --into INBOX")
def deleted_restore(
    context: typer.Context,
    address: Address,
    ids: Annotated[list[int], typer.Argument(help="Ids as `deleted list` shows them.", show_default=False)],
    into: Annotated[str, typer.Option(help="Mailbox to put them into; made if it is missing.")] = "INBOX",
) -> None:
    """Bring deleted messages back."""

    async def work(parts: Parts) -> None:
        person = await parts.person(address)
        store = parts.store(person.database)
        count = await store.restore_items(person.account, [EmailId(number) for number in ids], into)
        say(f"{count} of {len(ids)} messages are back in {into}")

    with_parts(context, work)


def import_(
    context: typer.Context,
    address: Address,
    path: Annotated[Path, typer.Argument(help="An mbox or .eml file, a Maildir, or a folder of such files.")],
    kind: MailboxFormat = None,
    into: Annotated[str, typer.Option(help="Mailbox for all of it; default: as the files are named.")] = "",
    processes: Annotated[int, typer.Option(min=1, help="Processes that read and parse.")] = os.cpu_count() or 1,
) -> None:
    """Import mail from files, with flags and dates. Repeating it doubles nothing; interrupted, it goes on."""

    async def work(parts: Parts) -> None:
        person = await parts.person(address)
        source = source_at(path.resolve(), kind, into)
        store = parts.store(person.database)
        await store.open_account(person.account, person.octet_limit, person.message_limit)
        journal = Journal(parts.site.run, person.account, f"{path.resolve()}\0{into}")
        with progress_bar() as bar:
            counting = bar.add_task("counting", total=None)
            total = sum(1 for _ in source.places())
            bar.remove_task(counting)
            task = bar.add_task("importing", total=total, octets=0)

            def advance(messages: int, octets: int) -> None:
                bar.update(task, advance=messages, octets=bar.tasks[-1].fields["octets"] + octets)

            summary = await Importer(store, person.account, source, journal).run(advance, processes)
        for sentence in summary.unreadable:
            say(f"not imported: {sentence}")
        say(f"imported {summary.imported}, already there {summary.skipped}, unreadable {len(summary.unreadable)}")

    with_parts(context, work)


def export(
    context: typer.Context,
    address: Address,
    target: Annotated[Path, typer.Argument(help="Folder to write to; made if it is missing.")],
    kind: Annotated[Format, typer.Option("--format", help="How to write it.")] = Format.MAILDIR,
    only: Annotated[str, typer.Option("--mailbox", help="This mailbox alone.")] = "",
) -> None:
    """Export mail to files, with flags and dates. Interrupted, it goes on when started again."""

    async def work(parts: Parts) -> None:
        person = await parts.person(address)
        store = parts.store(person.database)
        boxes = await store.mailboxes(person.account)
        total = sum(box.exists for box in boxes if not only or box.path == only)
        with progress_bar() as bar:
            task = bar.add_task("exporting", total=total, octets=0)

            def advance(messages: int, octets: int) -> None:
                bar.update(task, advance=messages, octets=bar.tasks[0].fields["octets"] + octets)

            exported = await Exporter(store, person.account, target, advance).run(kind, only or None)
        say(f"exported {exported.messages} messages from {exported.mailboxes} mailboxes to {target}")

    with_parts(context, work)
