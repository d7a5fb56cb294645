"""Over real sockets, with the clients people use: STARTTLS, TLS from the start, logins, large and broken-off messages."""

import asyncio
import smtplib
import socket
import ssl
import time
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from scramp import ScramClient

from pillarbox.base.clock import SystemClock
from pillarbox.base.ids import SeededIds
from pillarbox.base.log import NoLog
from pillarbox.base.settings import Smtp
from pillarbox.net.limits import Limits
from pillarbox.net.listen import Listener, bind
from pillarbox.net.pump import Service
from pillarbox.net.tls import ServerTls, endpoint_binding, make_certificate
from pillarbox.testing.smtphouse import PASSWORD, SmtpHouse
from pillarbox.wire.smtp.state import Role

ALICE, BOB = "alice@example.test", "bob@example.test"


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    directory = tmp_path_factory.mktemp("tls")
    certificate, key = make_certificate("localhost", ["127.0.0.1"], SystemClock())
    (directory / "certificate.pem").write_bytes(certificate)
    (directory / "key.pem").write_bytes(key)
    return directory / "certificate.pem", directory / "key.pem"


class Running:
    """One listener over a house."""

    def __init__(self, house: SmtpHouse, certificate: tuple[Path, Path], implicit: bool) -> None:
        self.house = house
        service = Service(
            "smtp", house.server, Limits(), b"421 full\r\n", ServerTls(*certificate), implicit_tls=implicit
        )
        self.listener = Listener([bind("127.0.0.1", 0)], service, SeededIds(), NoLog(), house.counters)
        self.port = int(self.listener.addresses[0][1])
        self.context = ssl.create_default_context(cafile=str(certificate[0]))
        self.binding = endpoint_binding(certificate[0].read_bytes())


Run = Callable[..., None]


@asynccontextmanager
async def running(role: Role, spool: Path, certificate: tuple[Path, Path], implicit: bool) -> AsyncIterator[Running]:
    house = SmtpHouse(role, spool, Smtp(spool_above=100_000))
    await house.move_in()
    one = Running(house, certificate, implicit)
    one.listener.start()
    try:
        yield one
    finally:
        await one.listener.stop(0.1)


@pytest.fixture
def serving(tmp_path: Path, certificate: tuple[Path, Path]) -> Run:
    """`serving(role, client)` runs the client in a thread against a server of that role."""
    spool = tmp_path / "spool"
    spool.mkdir()

    def run(role: Role, client: Callable[[Running], None], implicit: bool = False) -> None:
        async def go() -> None:
            async with running(role, spool, certificate, implicit) as one:
                await asyncio.wait_for(asyncio.to_thread(client, one), 30)

        asyncio.run(go())
        assert list(spool.iterdir()) == []

    return run


def test_mail_from_another_server(serving: Run) -> None:
    def client(server: Running) -> None:
        with smtplib.SMTP("127.0.0.1", server.port, local_hostname="client.test") as smtp:
            smtp.starttls(context=server.context)
            assert smtp.sendmail("carol@elsewhere.test", [ALICE, BOB], b"Subject: x\r\n\r\n.dot\r\n") == {}
        (letter,) = server.house.intake.accepted
        assert letter.addresses == (ALICE, BOB) and letter.data == b"Subject: x\r\n\r\n.dot\r\n"
        assert letter.origin.protocol == "ESMTPS" and letter.origin.tls.startswith("TLSv1.3 ")
        assert letter.origin.hello == "client.test" and letter.origin.client == "127.0.0.1"

    serving(Role.SMTP, client)


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_submission(serving: Run, implicit: bool, mechanism: str) -> None:
    def client(server: Running) -> None:
        smtp = (
            smtplib.SMTP_SSL("localhost", server.port, context=server.context)
            if implicit
            else smtplib.SMTP("localhost", server.port)
        )
        with smtp:
            if not implicit:
                smtp.starttls(context=server.context)
            smtp.ehlo()
            smtp.user, smtp.password = ALICE, PASSWORD
            auth = smtp.auth_plain if mechanism == "PLAIN" else smtp.auth_login
            code, _ = smtp.auth(mechanism, auth)
            assert code == 235
            smtp.sendmail(ALICE, [BOB], b"Subject: x\r\n\r\nhi\r\n")
        (letter,) = server.house.intake.accepted
        assert letter.origin.protocol == "ESMTPSA"
        assert letter.origin.sender is not None and letter.origin.sender.address == ALICE

    serving(Role.SUBMISSION, client, implicit)


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"])
def test_scram(serving: Run, mechanism: str) -> None:
    def client(server: Running) -> None:
        with smtplib.SMTP_SSL("localhost", server.port, context=server.context) as smtp:
            smtp.ehlo()
            assert mechanism in smtp.esmtp_features["auth"].split()
            binding = ("tls-server-end-point", server.binding) if mechanism.endswith("PLUS") else None
            scram = ScramClient([mechanism], ALICE, PASSWORD, channel_binding=binding)
            code, text = smtp.docmd("AUTH", f"{mechanism} {b64encode(scram.get_client_first().encode()).decode()}")
            assert code == 334
            scram.set_server_first(b64decode(text).decode())
            code, text = smtp.docmd(b64encode(scram.get_client_final().encode()).decode())
            assert code == 334
            scram.set_server_final(b64decode(text).decode())
            assert smtp.docmd("")[0] == 235
            assert smtp.docmd(f"MAIL FROM:<{ALICE}>")[0] == 250

    serving(Role.SUBMISSION, client, True)


def test_lmtp(serving: Run) -> None:
    def client(server: Running) -> None:
        with smtplib.LMTP("127.0.0.1", server.port) as lmtp:
            lmtp.ehlo()
            lmtp.sendmail("carol@elsewhere.test", [ALICE], b"Subject: x\r\n\r\nhi\r\n")
        assert server.house.intake.accepted[0].origin.protocol == "LMTP"

    serving(Role.LMTP, client)


def test_two_megabytes(serving: Run) -> None:
    message = b"Subject: large\r\n\r\n" + b"0123456789" * 7 + b"\r\n"
    message += (b".stuffed " * 8 + b"\r\n") * 28_000

    def client(server: Running) -> None:
        with smtplib.SMTP("127.0.0.1", server.port) as smtp:
            smtp.sendmail("carol@elsewhere.test", [ALICE], message)
        assert len(message) > 2_000_000 and server.house.intake.accepted[0].data == message

    serving(Role.SMTP, client)


@pytest.mark.parametrize("reset", [False, True])
def test_a_client_that_vanishes_in_its_message(serving: Run, reset: bool) -> None:
    def client(server: Running) -> None:
        with socket.create_connection(("127.0.0.1", server.port)) as sock:
            sock.sendall(b"EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n")
            while not sock.recv(4096).endswith(b"354 End the message with <CRLF>.<CRLF>\r\n"):
                pass
            sock.sendall(b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * 5000)
            if reset:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        deadline = time.monotonic() + 10
        while server.listener.pump.open and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not server.listener.pump.open
        assert server.house.intake.accepted == []

    serving(Role.SMTP, client)


def test_everything_in_one_segment(serving: Run) -> None:
    """A client that does not wait even for the greeting, and closes its side at the end, is answered in full."""

    def client(server: Running) -> None:
        one = b"MAIL FROM:<>\r\nRCPT TO:<alice@example.test>\r\nBDAT 4 LAST\r\nab\r\n"
        with socket.create_connection(("127.0.0.1", server.port)) as sock:
            sock.sendall(b"EHLO c\r\n" + one * 50 + b"QUIT\r\n")
            sock.shutdown(socket.SHUT_WR)
            heard = b""
            while data := sock.recv(65536):
                heard += data
        assert heard.count(b"250 2.0.0 Ok: kept as ") == 50 and heard.endswith(b"221 2.0.0 Goodbye\r\n")
        assert len(server.house.intake.accepted) == 50

    serving(Role.SMTP, client)
