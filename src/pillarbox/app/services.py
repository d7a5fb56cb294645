"""The network services of a worker: for each listener its protocol, handlers, limits and TLS."""

from pillarbox.app.build import Parts
from pillarbox.app.site import Site
from pillarbox.net.handler import Serve
from pillarbox.net.limits import Limits
from pillarbox.net.pump import Service
from pillarbox.net.tls import ServerTls
from pillarbox.servers.imap.handler import ImapServer
from pillarbox.servers.imap.state import Services as ImapServices
from pillarbox.servers.login import Logins
from pillarbox.servers.pop3.handler import make_pop3
from pillarbox.servers.smtp.client import Services as SmtpServices
from pillarbox.servers.smtp.server import SmtpServer
from pillarbox.wire.smtp.state import Role

_SWEEP_SECONDS = 15.0
_SMTP_FULL = b"421 4.7.0 Too many connections; try again later\r\n"
_POP3_FULL = b"-ERR [SYS/TEMP] Too many connections; try again later.\r\n"
_IMAP_FULL = b"* BYE [UNAVAILABLE] Too many connections; try again later.\r\n"


def server_tls(site: Site) -> ServerTls:
    """The site's certificate, as its files are now. Raises BadCertificate."""
    return ServerTls(site.certificate, site.key, site.settings.tls.minimum_version)


def make_services(parts: Parts, tls: ServerTls) -> dict[str, Service]:
    """Every service by its listener's name (a field of `settings.Listeners`)."""
    logins = Logins(parts.directory, parts.site.settings.login, parts.site.secret.read_bytes(), parts.ids)
    return {**_smtp(parts, tls, logins), **_imap(parts, tls, logins), **_pop3(parts, tls, logins)}


def _pair(
    names: tuple[str, str], protocol: str, serves: tuple[Serve, Serve], limits: Limits, refusal: bytes, tls: ServerTls
) -> dict[str, Service]:
    """A protocol's port that begins in the clear, and the one that begins with TLS; they share their limits."""
    return {
        name: Service(protocol, serve, limits, refusal, tls, implicit_tls=implicit)
        for name, serve, implicit in zip(names, serves, (False, True), strict=True)
    }


def _imap(parts: Parts, tls: ServerTls, logins: Logins) -> dict[str, Service]:
    settings = parts.site.settings
    shared = ImapServices(
        logins=logins,
        stores=parts,
        settings=settings.imap,
        clock=parts.clock,
        spool=parts.site.spool,
        spool_above=settings.smtp.spool_above,
        tls_available=True,
        sweep_seconds=_SWEEP_SECONDS,
    )
    serves = ImapServer(shared, tls_from_start=False), ImapServer(shared, tls_from_start=True)
    limits = Limits(settings.imap.connections_per_client)
    return _pair(("imap", "imaps"), "imap", serves, limits, _IMAP_FULL, tls)


def _pop3(parts: Parts, tls: ServerTls, logins: Logins) -> dict[str, Service]:
    settings = parts.site.settings
    serve = make_pop3(
        logins,
        parts,
        settings.pop3,
        hostname=settings.server.hostname,
        tls_offered=True,
        counters=parts.counters,
        clock=parts.clock,
        delays=parts.site.run / "pop3-logins",
    )
    limits = Limits(settings.pop3.connections_per_client)
    return _pair(("pop3", "pop3s"), "pop3", (serve, serve), limits, _POP3_FULL, tls)


def _smtp(parts: Parts, tls: ServerTls, logins: Logins) -> dict[str, Service]:
    settings = parts.site.settings
    shared = SmtpServices(
        hostname=settings.server.hostname,
        intake=parts.intake,
        logins=logins,
        settings=settings.smtp,
        spool=parts.site.spool,
        tls_offered=True,
        counters=parts.counters,
        clock=parts.clock,
    )
    per_client = settings.smtp.connections_per_client
    submission = SmtpServer(Role.SUBMISSION, shared)
    ports = ("submission", "submissions")
    return {
        "smtp": Service("smtp", SmtpServer(Role.SMTP, shared), Limits(per_client), _SMTP_FULL, tls),
        "lmtp": Service("lmtp", SmtpServer(Role.LMTP, shared), Limits(), _SMTP_FULL, tls),
        **_pair(ports, "submission", (submission, submission), Limits(per_client), _SMTP_FULL, tls),
    }
