"""The IMAP server over real sockets and the real pump, driven by the standard library's client."""

import asyncio
import imaplib
import ssl
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import uvloop

from pillarbox.base.clock import SystemClock
from pillarbox.base.ids import SeededIds
from pillarbox.base.log import NoLog
from pillarbox.base.metrics import NoCounters
from pillarbox.net.limits import Limits
from pillarbox.net.listen import Listener, bind
from pillarbox.net.pump import Service
from pillarbox.net.tls import ServerTls, make_certificate
from pillarbox.servers.imap.handler import ImapServer
from pillarbox.testing.imaphouse import PASSWORD, ImapHouse
from pillarbox.testing.realstore import real_store

MESSAGE = b"From: bob@example.test\r\nSubject: hello\r\n\r\nHello there.\r\n"


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ServerTls:
    directory = tmp_path_factory.mktemp("tls")
    certificate, key = make_certificate("localhost", ["127.0.0.1"], SystemClock())
    (directory / "certificate.pem").write_bytes(certificate)
    (directory / "key.pem").write_bytes(key)
    return ServerTls(directory / "certificate.pem", directory / "key.pem")


def talk(directory: Path, tls: ServerTls, implicit: bool, client: Callable[[int], None]) -> None:
    """Runs a server while a blocking client talks to it in a thread."""

    async def run() -> None:
        with real_store(directory) as store:
            house = ImapHouse(store, directory)
            await house.move_in()
            server = ImapServer(house.services, tls_from_start=implicit)
            service = Service("imap", server, Limits(), b"* BYE full\r\n", tls, implicit_tls=implicit)
            listener = Listener([bind("127.0.0.1", 0)], service, SeededIds(), NoLog(), NoCounters())
            listener.start()
            try:
                await asyncio.wait_for(asyncio.to_thread(client, listener.addresses[0][1]), 20)
            finally:
                await listener.stop(0.05)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def use(imap: imaplib.IMAP4) -> None:
    """What a simple mail program does."""
    imap.login("alice@example.test", PASSWORD)
    assert imap.append("INBOX", "(\\Seen)", None, MESSAGE)[0] == "OK"  # type: ignore[arg-type]
    large = MESSAGE + b"0123456789012345678901234567890123456789\r\n" * 100_000
    assert imap.append("INBOX", None, None, large)[0] == "OK"  # type: ignore[arg-type]
    assert imap.select()[1] == [b"2"]
    assert imap.search(None, "SEEN")[1] == [b"1"]
    data = imap.fetch("1", "(FLAGS BODY[])")[1][0]
    assert isinstance(data, tuple)
    assert data[1] == MESSAGE
    data = imap.uid("FETCH", "2", "(BODY.PEEK[])")[1][0]
    assert isinstance(data, tuple)
    assert data[1] == large
    assert imap.copy("1", "Archive")[0] == "OK"
    assert imap.store("1", "+FLAGS", "\\Deleted")[0] == "OK"
    assert imap.expunge()[1] == [b"1"]
    assert imap.status("Archive", "(MESSAGES)")[1] == [b"Archive (MESSAGES 1)"]
    assert imap.logout()[0] == "BYE"


def test_in_the_clear(tmp_path: Path, tls: ServerTls) -> None:
    talk(tmp_path, tls, False, lambda port: use(imaplib.IMAP4("127.0.0.1", port)))


def test_starttls(tmp_path: Path, tls: ServerTls) -> None:
    def client(port: int) -> None:
        imap = imaplib.IMAP4("127.0.0.1", port)
        imap.starttls(trusting())
        use(imap)

    talk(tmp_path, tls, False, client)


def test_tls_from_the_start(tmp_path: Path, tls: ServerTls) -> None:
    talk(tmp_path, tls, True, lambda port: use(imaplib.IMAP4_SSL("127.0.0.1", port, ssl_context=trusting())))


def test_one_idles_while_another_appends(tmp_path: Path, tls: ServerTls) -> None:
    def client(port: int) -> None:
        idler, other = imaplib.IMAP4("127.0.0.1", port), imaplib.IMAP4("127.0.0.1", port)
        for imap in (idler, other):
            imap.login("alice@example.test", PASSWORD)
        idler.select()
        idler.send(b"idle IDLE\r\n")
        assert idler.readline().startswith(b"+ ")
        appending = threading.Thread(target=other.append, args=("INBOX", None, None, MESSAGE))
        appending.start()
        assert idler.readline() == b"* 1 EXISTS\r\n"
        appending.join()
        idler.send(b"DONE\r\n")
        assert idler.readline().startswith(b"idle OK")
        other.select()
        assert other.store("1", "FLAGS", "\\Seen")[0] == "OK"
        idler.noop()
        assert idler.response("FETCH")[1] == [b"1 (UID 1 FLAGS (\\Seen))"]
        idler.shutdown()
        other.shutdown()

    talk(tmp_path, tls, False, client)
