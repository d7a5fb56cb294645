"""`pillarbox init`, `serve` and `demo`: making and running a site."""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from pillarbox.app.build import open_parts
from pillarbox.app.cli.context import Options, say, stop
from pillarbox.app.cli.standby import follow_if_standby, may_serve
from pillarbox.app.create import NewSite, create_site
from pillarbox.app.samples import sample_letters
from pillarbox.app.site import Site, give
from pillarbox.app.standby.standing import refuse_standby
from pillarbox.base.clock import SystemClock
from pillarbox.mime.prepared import prepare
from pillarbox.model.content import Body
from pillarbox.model.failure import Failure
from pillarbox.model.store import Upload
from pillarbox.monitor.logging import adopt_standard_logging, make_log
from pillarbox.monitor.metrics import WorkerMetrics
from pillarbox.net.listen import CannotListen
from pillarbox.net.tls import BadCertificate

DEMO_DOMAIN = "example.test"
DEMO_OFFSET = 20000
DEMO_PEOPLE = {"alice": "wonderland", "bob": "builder"}


def init(
    directory: Annotated[Path, typer.Argument(help="Directory for the site; made if it is missing.")],
    domain: Annotated[str, typer.Option(help="The first domain to take mail for, like example.org.")],
    listen: Annotated[list[str] | None, typer.Option(help="Address to listen on; may be repeated.")] = None,
    hostname: Annotated[str, typer.Option(help="This server's name; default: mail.DOMAIN.")] = "",
    port_offset: Annotated[int, typer.Option(help="Added to every standard port.")] = 0,
    user: Annotated[str, typer.Option(help="User to own the site and to become after binding ports as root.")] = "",
) -> None:
    """Make a site: settings, self-signed certificate, empty databases."""
    site = asyncio.run(create_site(directory, NewSite(domain, hostname, listen or [], port_offset, user)))
    say(f"made {site.path} for {domain}")
    say(f"next: pillarbox -C {directory} user add alice@{domain}")
    say(f"      pillarbox -C {directory} serve")


def serve(context: typer.Context) -> None:
    """Serve the site until SIGTERM or Ctrl-C; SIGHUP reloads settings and certificates.

    A standby, or a site that another server has taken over from, follows that one instead (`pillarbox standby`).
    """
    options: Options = context.obj
    site = Site.load(options.directory)
    follow_if_standby(site)
    refuse_standby(site)
    if may_serve(site):
        _supervise(site)
    follow_if_standby(site)


def _supervise(site: Site) -> None:
    from pillarbox.app.supervise import Supervisor  # all servers: a fifth of a second that no other command needs

    settings = site.settings.server
    log = make_log(settings.log_format, settings.log_level)
    adopt_standard_logging(log)
    site.make_directories()
    worker_metrics = WorkerMetrics(site.run / "metrics")
    give(site.run, settings.user)
    try:
        asyncio.run(Supervisor(site, log, worker_metrics).run())
    except (CannotListen, BadCertificate) as error:
        stop(str(error))


def demo(
    port_offset: Annotated[int, typer.Option(help="Added to every standard port.")] = DEMO_OFFSET,
) -> None:
    """Run a throwaway site with two people and some mail, on this machine only, until Ctrl-C."""
    with tempfile.TemporaryDirectory(prefix="pillarbox-demo-") as folder:
        site = asyncio.run(_make_demo(Path(folder) / "site", port_offset))
        _show_demo(site)
        _supervise(site)
        say("the demo has ended and its site is removed")


async def _make_demo(path: Path, port_offset: int) -> Site:
    wanted = NewSite(DEMO_DOMAIN, "", ["127.0.0.1"], port_offset, "", drain_seconds=2.0)
    site = await create_site(path, wanted)
    now = SystemClock().now()
    with open_parts(site, "demo") as parts:
        for name, password in DEMO_PEOPLE.items():
            address = f"{name}@{DEMO_DOMAIN}"
            database = await parts.emptiest_database()
            person = await parts.directory.add_person(address, password, name.title(), database, 0, 0)
            store = parts.stores[database]
            await store.open_account(person.account, 0, 0)
            for letter in sample_letters(address, now):
                mailbox = await store.mailbox(person.account, letter.mailbox)
                upload = Upload(Body(letter.data), prepare(letter.data), letter.flags, frozenset(), letter.received_at)
                await store.append(mailbox.id, [upload])
        await parts.directory.add_group(f"all@{DEMO_DOMAIN}", "Everybody")
        for name in DEMO_PEOPLE:
            await parts.directory.add_member(f"all@{DEMO_DOMAIN}", f"{name}@{DEMO_DOMAIN}")
    return site


_SERVICES = (
    ("smtp", "SMTP", "mail from other servers, STARTTLS"),
    ("submission", "Submission", "mail from our people, STARTTLS and login"),
    ("submissions", "Submission", "the same, TLS from the start"),
    ("lmtp", "LMTP", "mail from a trusted program"),
    ("imap", "IMAP", "reading, STARTTLS"),
    ("imaps", "IMAP", "reading, TLS from the start"),
    ("pop3", "POP3", "fetching, STLS"),
    ("pop3s", "POP3", "fetching, TLS from the start"),
)


def _show_demo(site: Site) -> None:
    console = Console()
    offset = site.settings.server.port_offset
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("service", "address", "for"):
        table.add_column(column)
    ports: dict[str, int] = {}
    for name, service, purpose in _SERVICES:
        ports[name] = getattr(site.settings.listeners, name) + offset
        table.add_row(service, f"127.0.0.1:{ports[name]}", purpose)
    metrics = site.settings.server.metrics_port + offset
    table.add_row("HTTP", f"127.0.0.1:{metrics}", "/metrics and /healthz")
    console.print(
        f"\n[bold]Pillarbox demo[/bold]: a throwaway site for {DEMO_DOMAIN}, in {site.path}\n", soft_wrap=True
    )
    console.print(table)
    console.print("\n[bold]people[/bold]")
    for name, password in DEMO_PEOPLE.items():
        console.print(f"  {name}@{DEMO_DOMAIN}  password  {password}")
    console.print("\n[bold]try[/bold] (in another terminal)")
    alice = f"alice@{DEMO_DOMAIN}:{DEMO_PEOPLE['alice']}"
    for line in (
        f"curl -s --user {alice} 'imap://127.0.0.1:{ports['imap']}/INBOX;MAILINDEX=1'",
        f"printf 'Subject: hi\\n\\nHello Bob\\n' | curl -s --user {alice} smtp://127.0.0.1:{ports['submission']} "
        f"--mail-from alice@{DEMO_DOMAIN} --mail-rcpt bob@{DEMO_DOMAIN} --upload-file - --crlf",
        f"curl -s http://127.0.0.1:{metrics}/healthz",
        f"{sys.argv[0]} -C {site.path} mailbox list bob@{DEMO_DOMAIN}",
    ):
        console.print(f"  {line}", soft_wrap=True, highlight=False, markup=False)
    console.print("\nCtrl-C stops it.\n")


def explain(failure: Failure) -> str:
    """One line for a failure, with its cause where it has one."""
    return f"{failure.public} ({failure.cause})" if failure.cause else failure.public
