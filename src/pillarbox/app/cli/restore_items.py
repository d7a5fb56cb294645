"""`pillarbox restore mail` and `restore changes`: mail of one person as it was at a moment.

The person's database is brought back to that moment in a directory of its own, where it is only read. It stays there
for further commands about the same moment, and goes when mail was restored, or another moment is asked for.
"""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.progress import TaskID

from pillarbox.app.build import Parts, open_parts
from pillarbox.app.cli.bars import RestoreBars
from pillarbox.app.cli.context import Address, AsJson, octets_bar, progress_bar, say, show, site_of, stop
from pillarbox.app.cli.restore import Before, Identities, To, Url, until_of
from pillarbox.app.merging import open_copy
from pillarbox.app.recovery.items import beside_prefix, changes, put_back, selection, write_mbox
from pillarbox.app.recovery.restoring import Request, discard, recovering, restore_directory, restore_many
from pillarbox.app.site import Site
from pillarbox.model.directory import Person
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import Until
from pillarbox.model.store import MailStore
from pillarbox.recovery.merge import Merged, Progress

T = TypeVar("T")

Mailbox = Annotated[str, typer.Option("--mailbox", help="Only this mailbox.")]
MessageId = Annotated[str, typer.Option("--message-id", help="Only the message with this Message-ID.")]


def mail(
    context: typer.Context,
    address: Address,
    to: To = "",
    before: Before = None,
    mailbox: Mailbox = "",
    message_id: MessageId = "",
    beside: Annotated[
        bool, typer.Option("--beside", help="All of it as it was, beneath Recovered/…; default: in place.")
    ] = False,
    to_file: Annotated[Path | None, typer.Option("--to-file", help="Into this mbox file.")] = None,
    url: Url = "",
    identity: Identities = None,
) -> None:
    """Bring back mail of one person: in place (what is missing now), beside it, or into a file.

    In place, messages that lie nowhere in the mailbox any more come back to where they were; nothing is doubled and
    nothing is taken away.
    """
    if beside and to_file:
        stop("give --beside or --to-file, not both")
    site, until = site_of(context), until_of(to, before)
    wanted = selection(mailbox, message_id)
    person, request, moment = _bring_back(site, address, until, url, tuple(identity or ()))

    async def work(then: MailStore, parts: Parts, progress: Progress) -> None:
        if to_file:
            count = await write_mbox(then, person, wanted, to_file, progress)
            say(f"{count} messages are in {to_file}")
            return
        prefix = beside_prefix(moment) if beside else ""
        _tell(await put_back(then, parts, person, wanted, progress, prefix), prefix)

    _with_copy(site, request, work)
    discard(request)


def changes_(
    context: typer.Context,
    address: Address,
    to: To = "",
    before: Before = None,
    url: Url = "",
    identity: Identities = None,
    as_json: AsJson = False,
) -> None:
    """Show how a person's mail differs from what it was at a moment: what is gone, moved, or has other flags."""
    site, until = site_of(context), until_of(to, before)
    person, request, _ = _bring_back(site, address, until, url, tuple(identity or ()))

    async def work(then: MailStore, parts: Parts, progress: Progress) -> list[dict[str, object]]:
        return await changes(then, parts, person)

    show(_with_copy(site, request, work), as_json, "nothing is gone, moved, or has other flags")


def _tell(merged: Merged, prefix: str) -> None:
    for sentence in merged.unreadable:
        say(f"not restored: {sentence}")
    where = f"beneath {prefix}" if prefix else "where they were"
    say(f"{merged.copied} messages are back {where}; {merged.present} were there already")


def _bring_back(
    site: Site, address: str, until: Until, url: str, identities: tuple[Path, ...]
) -> tuple[Person, Request, int]:
    """The person's database at a moment, in a directory of its own; and that moment."""

    async def find() -> Person:
        with open_parts(site, "command") as parts:
            return await parts.person(address)

    person = asyncio.run(find())
    name = person.database
    base = restore_directory(site, name)
    directory = base.with_name(f"{name}.at-{until.time or until.lsn or 'latest'}")
    for other in base.parent.glob(f"{name}.at-*"):
        if other != directory:
            shutil.rmtree(other, ignore_errors=True)
    request = Request(site.path, name, directory, until, url, identities)
    with octets_bar() as bar:
        [result] = restore_many([request], 1, RestoreBars(bar).hear, say).values()
    if isinstance(result, Failure):
        raise result
    if result.findings:
        stop(f"{name} could not be brought back whole: {result.findings[0]}")
    return person, request, until.time or result.time


def _with_copy(site: Site, request: Request, work: Callable[[MailStore, Parts, Progress], Awaitable[T]]) -> T:
    """Runs `work` on the copy and the present, with a bar."""

    async def run() -> T:
        with open_parts(site, "command") as parts, open_copy(recovering(request).file) as then, progress_bar() as bar:
            tasks: list[TaskID] = []

            def advance(messages: int, octets: int) -> None:
                if not tasks:
                    tasks.append(bar.add_task("messages", total=None, octets=0))
                bar.update(tasks[0], advance=messages, octets=bar.tasks[0].fields["octets"] + octets)

            return await work(then, parts, advance)

    return asyncio.run(run())
