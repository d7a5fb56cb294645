"""`pillarbox user …`: the people of a site."""

from typing import Annotated

import typer

from pillarbox.app.build import Parts
from pillarbox.app.cli.context import (
    Address,
    AsJson,
    PasswordStdin,
    read_password,
    say,
    show,
    show_one,
    stop,
    with_parts,
)
from pillarbox.app.cli.units import parse_size
from pillarbox.model.directory import Person

app = typer.Typer(no_args_is_help=True, help="People: add, list, show, passwd, quota, disable, enable, delete.")

Quota = Annotated[str, typer.Option(help="Room for mail, like 500M or 2G; 0 for no limit. Default: [storage].")]
MessageQuota = Annotated[int, typer.Option(help="Messages at most; 0 for no limit. Default: [storage].")]


@app.command("add", epilog="Example: echo secret | pillarbox -C DIR user add alice@example.test --password-stdin")
def add(
    context: typer.Context,
    address: Address,
    name: Annotated[str, typer.Option(help="The person's name.")] = "",
    database: Annotated[str, typer.Option(help="Mailbox database; default: the one with the fewest people.")] = "",
    quota: Quota = "",
    message_quota: MessageQuota = -1,
    password_stdin: PasswordStdin = False,
) -> None:
    """Add a person, with mailboxes of their own."""
    password = read_password(password_stdin)

    async def work(parts: Parts) -> None:
        storage = parts.site.settings.storage
        chosen = database or await parts.emptiest_database()
        if chosen not in storage.databases:
            stop(f"there is no mailbox database {chosen!r}; there are {', '.join(storage.databases)}")
        store = parts.store(chosen)
        octets = parse_size(quota) if quota else storage.default_octet_limit
        messages = message_quota if message_quota >= 0 else storage.default_message_limit
        person = await parts.directory.add_person(address, password, name, chosen, octets, messages)
        await store.open_account(person.account, octets, messages)
        say(f"added {person.address}, mail in database {chosen}")

    with_parts(context, work)


def _row(person: Person) -> dict[str, object]:
    return {
        "address": person.address,
        "name": person.name,
        "database": person.database,
        "enabled": person.enabled,
        "account": person.account,
    }


@app.command("list", epilog="Example: pillarbox -C DIR user list --json")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List all people."""

    async def work(parts: Parts) -> None:
        people = await parts.directory.people()
        show([_row(person) for person in people], as_json, "nobody yet; add a person with `user add`")

    with_parts(context, work)


@app.command("show", epilog="Example: pillarbox -C DIR user show alice@example.test")
def show_(context: typer.Context, address: Address, as_json: AsJson = False) -> None:
    """Show one person, what their mail uses, and the addresses that lead to them."""

    async def work(parts: Parts) -> None:
        person = await parts.person(address)
        usage = await parts.store(person.database).usage(person.account)
        row = _row(person)
        row["aliases"] = [
            record.address for record in await parts.directory.aliases() if record.target == person.address
        ]
        row["groups"] = [
            record.address for record in await parts.directory.groups() if person.address in record.members
        ]
        row |= {"messages": usage.messages, "octets": usage.octets}
        row |= {"message_limit": usage.message_limit, "octet_limit": usage.octet_limit}
        show_one(row, as_json)

    with_parts(context, work)


@app.command("passwd", epilog="Example: echo secret | pillarbox -C DIR user passwd alice@example.test --password-stdin")
def passwd(context: typer.Context, address: Address, password_stdin: PasswordStdin = False) -> None:
    """Set a person's password; the old one ends at once."""
    password = read_password(password_stdin)

    async def work(parts: Parts) -> None:
        await parts.directory.set_password(address, password)
        say(f"the password of {address} is set")

    with_parts(context, work)


@app.command("quota", epilog="Example: pillarbox -C DIR user quota alice@example.test --quota 2G")
def quota_(context: typer.Context, address: Address, quota: Quota = "", message_quota: MessageQuota = -1) -> None:
    """Set how much mail a person may keep."""

    async def work(parts: Parts) -> None:
        person = await parts.person(address)
        octets = parse_size(quota) if quota else person.octet_limit
        messages = message_quota if message_quota >= 0 else person.message_limit
        await parts.directory.set_limits(address, octets, messages)
        await parts.store(person.database).open_account(person.account, octets, messages)
        say(f"{person.address} may keep {octets or 'any number of'} octets, {messages or 'any number of'} messages")

    with_parts(context, work)


def _set_enabled(context: typer.Context, address: str, enabled: bool) -> None:
    async def work(parts: Parts) -> None:
        await parts.directory.set_enabled(address, enabled)
        say(f"{address} is {'enabled' if enabled else 'disabled: no login, no new mail; nothing is removed'}")

    with_parts(context, work)


@app.command("disable", epilog="Example: pillarbox -C DIR user disable alice@example.test")
def disable(context: typer.Context, address: Address) -> None:
    """Refuse logins of a person and mail for them; keep what they have."""
    _set_enabled(context, address, False)


@app.command("enable", epilog="Example: pillarbox -C DIR user enable alice@example.test")
def enable(context: typer.Context, address: Address) -> None:
    """Undo `disable`."""
    _set_enabled(context, address, True)


@app.command("delete", epilog="Example: pillarbox -C DIR user delete alice@example.test --yes")
def delete(
    context: typer.Context,
    address: Address,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a person with all their mail."""

    async def work(parts: Parts) -> None:
        person = await parts.person(address)
        usage = await parts.store(person.database).usage(person.account)
        if not yes and not typer.confirm(f"Delete {person.address} with {usage.messages} messages for good?"):
            stop("nothing was deleted")
        await parts.directory.delete_person(address)
        await parts.store(person.database).delete_account(person.account)
        say(f"deleted {person.address} and {usage.messages} messages")

    with_parts(context, work)
