"""`pillarbox failover`: switching to the other server, and rehearsing it there and back under load."""

import asyncio
import json
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Annotated, Any

import typer

from pillarbox.app.build import open_parts
from pillarbox.app.cli.context import AsJson, say, show_one, site_of, stop
from pillarbox.app.site import Site
from pillarbox.app.standby.rehearsal import Load, read_and_remove
from pillarbox.app.standby.standing import refuse_standby
from pillarbox.app.standby.talk import parse_address
from pillarbox.base.failure import FailureKind
from pillarbox.base.ids import SystemIds
from pillarbox.model.failure import Failure

_PATIENCE = 180.0
_LETTERS = 20
_LOOK = 0.2

Say = Callable[[str], None]


class Command:
    """`pillarbox` on one of the two servers."""

    def __init__(self, name: str, words: list[str]) -> None:
        self.name = name
        self._words = words

    def run(self, *words: str) -> str:
        """Its standard output. Raises Failure UNAVAILABLE with its standard error."""
        done = subprocess.run([*self._words, *words], capture_output=True, text=True, check=False)
        if done.returncode:
            raise Failure(FailureKind.UNAVAILABLE, f"{self.name}: {done.stderr.strip().removeprefix('pillarbox: ')}")
        return done.stdout

    def follows(self) -> bool:
        """Whether this server is a standby that has everything."""
        try:
            rows: list[dict[str, Any]] = json.loads(self.run("standby-status", "--json"))
        except (Failure, ValueError):
            return False
        return bool(rows) and all(row["lag_records"] == 0 for row in rows)


def failover(
    context: typer.Context,
    other: Annotated[
        str, typer.Option(help='How to run pillarbox on the standby: "ssh b.example.org pillarbox -C /srv/mail".')
    ],
    rehearse: Annotated[bool, typer.Option("--rehearse", help="There and back under load, and measure.")] = False,
    address: Annotated[str, typer.Option(help="Whose mailbox the letters of a rehearsal go to.")] = "",
    other_smtp: Annotated[str, typer.Option(help="The standby's SMTP address, host:port, for a rehearsal.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make the standby the active server, and this one its standby.

    With --rehearse, letters are delivered meanwhile, to whichever server takes them; then this server takes over again.
    Prints how long no letter was taken, and that none which was answered 250 is lost (exit 1 if one is). Both servers
    must run as `serve` or `standby --then-serve`, so that each goes on in its new role by itself.
    """
    site = site_of(context)
    refuse_standby(site)
    here = Command("this server", [sys.executable, "-m", "pillarbox", "-C", str(site.path)])
    there = Command("the standby", shlex.split(other))
    if not there.follows():
        stop("the standby does not follow, or not closely enough; see `pillarbox standby-status` there")
    if not rehearse:
        switch(here, there, say)
        say(f"{site.path} is a standby now")
        return
    if not address or not other_smtp:
        stop("a rehearsal needs --address and --other-smtp")
    result = _rehearse(site, here, there, address, parse_address(other_smtp), (lambda _: None) if as_json else say)
    show_one(result, as_json)
    if result["lost"]:
        raise typer.Exit(1)


def switch(active: Command, standby: Command, tell: Say) -> None:
    """The active server steps down, with all of its log shipped; the standby takes over."""
    tell(f"{active.name} steps down")
    active.run("demote")
    tell(f"{standby.name} takes over")
    standby.run("promote")


def _rehearse(
    site: Site, here: Command, there: Command, address: str, other: tuple[str, int], tell: Say
) -> dict[str, Any]:
    settings = site.settings
    listen = settings.server.listen[0]
    ours = (
        "127.0.0.1" if listen in ("0.0.0.0", "::") else listen,
        settings.listeners.smtp + settings.server.port_offset,
    )
    run = f"rehearsal-{SystemIds().token(6)}"
    with Load([ours, other], address, run) as load:
        _expect(load.wait(_LETTERS, _PATIENCE), "no letter was taken before the rehearsal began")
        first = _switch_under_load(load, here, there, tell)
        second = _switch_under_load(load, there, here, tell)
    subjects = asyncio.run(_read(site, address, run))
    found = load.check(subjects)
    return {
        "outage_there_seconds": round(first, 2),
        "outage_back_seconds": round(second, 2),
        "letters_answered": found.answered,
        "lost": found.lost,
        "delivered_twice": found.doubled,
    }


def _switch_under_load(load: Load, active: Command, standby: Command, tell: Say) -> float:
    """How long no letter was taken."""
    begin = time.monotonic()
    switch(active, standby, tell)
    _expect(load.wait(_LETTERS, _PATIENCE), f"{standby.name} takes no letters")
    outage = load.outage(begin, time.monotonic())
    tell(f"no letter was taken for {outage:.2f} seconds")
    deadline = time.monotonic() + _PATIENCE
    while not active.follows():
        _expect(time.monotonic() < deadline, f"{active.name} does not follow")
        time.sleep(_LOOK)
    return outage


def _expect(condition: bool, otherwise: str) -> None:
    if not condition:
        raise Failure(FailureKind.UNAVAILABLE, otherwise)


async def _read(site: Site, address: str, run: str) -> list[str]:
    with open_parts(site, "rehearsal") as parts:
        return await read_and_remove(parts, address, run)
