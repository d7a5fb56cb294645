"""`pillarbox domain …`, `alias …` and `group …`: the addresses of a site."""

from typing import Annotated

import typer

from pillarbox.app.build import Parts
from pillarbox.app.cli.context import Address, AsJson, say, show, with_parts

domain = typer.Typer(no_args_is_help=True, help="Domains we take mail for: add, list, catch-all, delete.")
alias = typer.Typer(no_args_is_help=True, help="Further addresses: add, list, delete.")
group = typer.Typer(no_args_is_help=True, help="Distribution lists: add, list, join, leave, delete.")

DomainName = Annotated[str, typer.Argument(help="A domain, like example.test.", show_default=False)]


@domain.command("add", epilog="Example: pillarbox -C DIR domain add example.org --catch-all info@example.org")
def domain_add(
    context: typer.Context,
    name: DomainName,
    catch_all: Annotated[str, typer.Option(help="Address that gets mail for addresses nobody has.")] = "",
) -> None:
    """Take mail for a domain."""

    async def work(parts: Parts) -> None:
        await parts.directory.add_domain(name, catch_all)
        say(f"added {name}")

    with_parts(context, work)


@domain.command("list", epilog="Example: pillarbox -C DIR domain list --json")
def domain_list(context: typer.Context, as_json: AsJson = False) -> None:
    """List our domains."""

    async def work(parts: Parts) -> None:
        rows = [record._asdict() for record in await parts.directory.domains()]
        show(rows, as_json, "no domain yet; add one with `domain add`")

    with_parts(context, work)


@domain.command("catch-all", epilog="Example: pillarbox -C DIR domain catch-all example.test info@example.test")
def domain_catch_all(
    context: typer.Context,
    name: DomainName,
    address: Annotated[str, typer.Argument(help="Address that gets the mail; leave it out to stop.")] = "",
) -> None:
    """Say who gets mail for addresses that nobody has."""

    async def work(parts: Parts) -> None:
        await parts.directory.set_catch_all(name, address)
        say(f"mail for unknown addresses at {name} {'goes to ' + address if address else 'is refused'}")

    with_parts(context, work)


@domain.command("delete", epilog="Example: pillarbox -C DIR domain delete example.org")
def domain_delete(context: typer.Context, name: DomainName) -> None:
    """Stop taking mail for a domain that has no addresses left."""

    async def work(parts: Parts) -> None:
        await parts.directory.delete_domain(name)
        say(f"deleted {name}")

    with_parts(context, work)


@alias.command("add", epilog="Example: pillarbox -C DIR alias add sales@example.test alice@example.test")
def alias_add(
    context: typer.Context,
    address: Address,
    target: Annotated[str, typer.Argument(help="Address of a person, group or alias.", show_default=False)],
) -> None:
    """Let mail for one address go to another."""

    async def work(parts: Parts) -> None:
        await parts.directory.add_alias(address, target)
        say(f"mail for {address} goes to {target}")

    with_parts(context, work)


@alias.command("list", epilog="Example: pillarbox -C DIR alias list --json")
def alias_list(context: typer.Context, as_json: AsJson = False) -> None:
    """List all aliases."""

    async def work(parts: Parts) -> None:
        show([record._asdict() for record in await parts.directory.aliases()], as_json, "no aliases")

    with_parts(context, work)


@alias.command("delete", epilog="Example: pillarbox -C DIR alias delete sales@example.test")
def alias_delete(context: typer.Context, address: Address) -> None:
    """Remove an alias."""

    async def work(parts: Parts) -> None:
        await parts.directory.delete_alias(address)
        say(f"deleted {address}")

    with_parts(context, work)


@group.command("add", epilog="Example: pillarbox -C DIR group add staff@example.test --name 'All staff'")
def group_add(
    context: typer.Context, address: Address, name: Annotated[str, typer.Option(help="What it is called.")] = ""
) -> None:
    """Make a distribution list."""

    async def work(parts: Parts) -> None:
        await parts.directory.add_group(address, name)
        say(f"added group {address}; add members with `group join`")

    with_parts(context, work)


@group.command("join", epilog="Example: pillarbox -C DIR group join staff@example.test alice@example.test")
def group_join(
    context: typer.Context,
    address: Address,
    member: Annotated[str, typer.Argument(help="Address of a person, alias or another group.", show_default=False)],
) -> None:
    """Add a member to a group."""

    async def work(parts: Parts) -> None:
        await parts.directory.add_member(address, member)
        say(f"{member} is a member of {address}")

    with_parts(context, work)


@group.command("leave", epilog="Example: pillarbox -C DIR group leave staff@example.test alice@example.test")
def group_leave(
    context: typer.Context,
    address: Address,
    member: Annotated[str, typer.Argument(help="The member's address.", show_default=False)],
) -> None:
    """Take a member out of a group."""

    async def work(parts: Parts) -> None:
        await parts.directory.remove_member(address, member)
        say(f"{member} is no longer a member of {address}")

    with_parts(context, work)


@group.command("list", epilog="Example: pillarbox -C DIR group list --json")
def group_list(context: typer.Context, as_json: AsJson = False) -> None:
    """List all groups and their members."""

    async def work(parts: Parts) -> None:
        rows = [record._asdict() | {"members": list(record.members)} for record in await parts.directory.groups()]
        show(rows, as_json, "no groups")

    with_parts(context, work)


@group.command("delete", epilog="Example: pillarbox -C DIR group delete staff@example.test")
def group_delete(context: typer.Context, address: Address) -> None:
    """Remove a group; its members stay."""

    async def work(parts: Parts) -> None:
        await parts.directory.delete_group(address)
        say(f"deleted {address}")

    with_parts(context, work)
