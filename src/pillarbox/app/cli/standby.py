"""`pillarbox standby`, `promote`, `demote`, `standby-certificate`, `standby-status`, `failover`."""

import asyncio
import os
import signal
import sys
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
import uvloop

from pillarbox.app.build import database_names
from pillarbox.app.cli.context import AsJson, Options, say, show, site_of, stop
from pillarbox.app.recovery.moment import parse_moment
from pillarbox.app.site import Site, become
from pillarbox.app.standby.following import StandbyService
from pillarbox.app.standby.roles import (
    meet_peer,
    open_follower,
    serving_process,
    signal_process,
    status_path,
    step_back,
    take_over,
)
from pillarbox.app.standby.standing import just_promoted, settle_role, standing_of
from pillarbox.app.standby.trust import Trust, fingerprint, make_standby_certificate, read_peers, trust
from pillarbox.base.failure import FailureKind
from pillarbox.database.place import Surroundings
from pillarbox.model.failure import Failure
from pillarbox.monitor.http import MonitorServer
from pillarbox.monitor.logging import adopt_standard_logging, make_log
from pillarbox.monitor.metrics import WorkerMetrics
from pillarbox.net.listen import bind
from pillarbox.recovery.jsonfile import read_whole
from pillarbox.recovery.standby.role import Fork, Role

_PATIENCE = 120.0
_LOOK = 0.05


def standby(
    context: typer.Context,
    then_serve: Annotated[bool, typer.Option("--then-serve", help="Once promoted, serve, in this process.")] = False,
) -> None:
    """Follow the active server named in [standby] server until SIGTERM, Ctrl-C, or `pillarbox promote`."""
    options: Options = context.obj
    site = Site.load(options.directory)
    if standing_of(site).role is not Role.STANDBY:
        stop(f"{site.path} is active; `pillarbox demote` makes it a standby")
    if not then_serve:
        become(site.settings.server.user)
    if uvloop.run(_follow(site)):
        say("this site is active now")
        if then_serve:
            _become_command(site, "serve")
        say(f"next: pillarbox -C {site.path} serve")


async def _follow(site: Site) -> bool:
    """Whether it was promoted."""
    settings = site.settings.server
    log = make_log(settings.log_format, settings.log_level)
    adopt_standard_logging(log)
    site.make_directories()
    stopping, promoting = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    with site.serving():
        for number, event in ((signal.SIGTERM, stopping), (signal.SIGINT, stopping), (signal.SIGUSR1, promoting)):
            loop.add_signal_handler(number, event.set)
        numbers = WorkerMetrics(site.run / "metrics")
        service = StandbyService(site, log, numbers)
        server = MonitorServer(numbers.render, {"standby": service.troubles}, log)
        if settings.metrics_port:
            await server.start(bind("127.0.0.1", settings.metrics_port + settings.port_offset))
        try:
            await service.run(stopping, promoting)
        finally:
            await server.stop()
            numbers.close()
            with suppress(OSError):
                status_path(site).unlink()
    return service.promoted


def may_serve(site: Site) -> bool:
    """Whether an active site may begin to serve: no other server has taken over from it as far as can be known."""
    settings = site.settings.standby
    settle_role(site)
    if settings.listen:
        Trust(site)
    if not settings.listen or not settings.server or just_promoted(site):
        return True
    reason = asyncio.run(meet_peer(site))
    if reason is None:
        return True
    step_back(site, reason)
    print(f"pillarbox: {reason}; following it", file=sys.stderr, flush=True)
    return False


def follow_if_standby(site: Site) -> None:
    """Turns this process into a standby if the site has become one and knows whom to follow."""
    site = Site.load(site.path)
    if site.settings.standby.server and standing_of(site).role is Role.STANDBY:
        _become_command(site, "standby", "--then-serve")


def _become_command(site: Site, *words: str) -> None:
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "pillarbox", "-C", str(site.path), *words])


def promote(
    context: typer.Context,
    to: Annotated[str, typer.Option(help="Apply the log only up to this moment.")] = "",
    force: Annotated[bool, typer.Option(help="Leave out databases that are not whole here.")] = False,
) -> None:
    """Make this standby the active server: it applies what it has and begins a new generation of every database.

    The other server, if it still runs, finds out when it meets this one, stops, and follows.
    """
    site = site_of(context)
    if standing_of(site).role is Role.ACTIVE:
        stop(f"{site.path} is active already")
    until = parse_moment(to, datetime.now().astimezone()) if to else None
    process = serving_process(site)
    if process is not None and until is None and not force:
        _promote_running(site, process)
    else:
        if process is not None:
            signal_process(process, signal.SIGTERM)
            _wait(lambda: serving_process(site) is None, "the standby did not stop")
        _show_forks(_promote_here(site, until, force))
    say(f"{site.path} is active")


def _promote_here(site: Site, until: int | None, force: bool) -> dict[str, Fork]:
    surroundings = Surroundings()
    with site.serving():
        followers = {name: open_follower(site, name, surroundings) for name in database_names(site)}
        try:
            return take_over(site, followers, until, force, surroundings)
        finally:
            for follower in followers.values():
                follower.close()


def _promote_running(site: Site, process: int) -> None:
    """Lets the running standby do it, so that nothing has to be opened again."""
    if not signal_process(process, signal.SIGUSR1):
        stop("the standby has just ended; try again")

    def done() -> bool:
        if standing_of(site).role is Role.ACTIVE:
            return True
        if serving_process(site) is None and standing_of(site).role is not Role.ACTIVE:
            stop("the standby ended without taking over; its log says why")
        return False

    _wait(done, "the standby did not take over")
    _show_forks({name: forks[-1] for name, forks in standing_of(site).forks.items() if forks})


def _show_forks(forks: dict[str, Fork]) -> None:
    for name, (generation, after) in forks.items():
        say(f"{name}: generation {generation} begins after record {after}")


def demote(context: typer.Context) -> None:
    """Make this active server a standby: it drains its clients, sends the standby all of its log, and serves no more.

    Then promote the other one. With [standby] server set, this one follows it as soon as it is active.
    """
    site = site_of(context)
    if standing_of(site).role is Role.STANDBY:
        stop(f"{site.path} is a standby already")
    process = serving_process(site)
    step_back(site, "demoted by command")
    if process is not None:
        before = _status_time(site)
        signal_process(process, signal.SIGTERM)
        _wait(lambda: serving_process(site) is None or _status_time(site) > before, "the server did not stop")
    say(f"{site.path} is a standby now; next, on the other server: pillarbox promote")


def _status_time(site: Site) -> int:
    return int(read_whole(status_path(site)).get("time", 0))


def _wait(condition: Any, otherwise: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(FailureKind.UNAVAILABLE, f"{otherwise} within {_PATIENCE:.0f} seconds")
        time.sleep(_LOOK)


def certificate(
    context: typer.Context,
    trusted: Annotated[
        list[Path] | None,
        typer.Option("--trust", help="The other server's certificate; may be repeated."),
    ] = None,
) -> None:
    """Make this server's certificate towards its standby or active server, or let another one in."""
    site = site_of(context)
    path = make_standby_certificate(site)
    for file in trusted or []:
        for added in trust(site, file):
            say(f"trusted: {added}")
    say(f"{path}: {fingerprint(read_peers(path)[0])}")


def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Show the site's role and, of a running standby, how far behind each database is."""
    site = site_of(context)
    standing, state = standing_of(site), read_whole(status_path(site))
    databases: dict[str, dict[str, Any]] = state.get("databases", {})
    if not as_json:
        say(f"{site.path}: {standing.role.value} ({standing.reason})")
        for text in state.get("troubles", []):
            say(f"  {text}")
    show([{"database": name, **values} for name, values in databases.items()], as_json, "no standby runs here")
