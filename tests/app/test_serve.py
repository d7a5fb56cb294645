"""The server as processes: it starts, replaces workers, reloads, drains, and says clearly why it does not start."""

import imaplib
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from pillarbox.base.clock import SystemClock
from pillarbox.net.tls import make_certificate
from pillarbox.testing.server import HOST, Server, port_offset, server

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server(tmp_path_factory.mktemp("serve") / "site") as one:
        yield one


def eventually(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Waits until something is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to be so"
        time.sleep(0.05)


@pytest.fixture(autouse=True)
def opened() -> Iterator[None]:
    """Whatever connections a test leaves open are closed after it."""
    yield
    while OPEN:
        with suppress(OSError):  # closed by the test itself
            OPEN.pop().shutdown()


OPEN: list[imaplib.IMAP4] = []


def login(site: Server) -> imaplib.IMAP4:
    client = imaplib.IMAP4(HOST, site.port(143), timeout=20)
    OPEN.append(client)
    client.login("alice@example.test", "pass")
    return client


def test_every_listener_greets(site: Server) -> None:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    for port, greeting in {
        25: b"220",
        24: b"220",
        587: b"220",
        465: b"220",
        143: b"* OK",
        993: b"* OK",
        110: b"+OK",
        995: b"+OK",
    }.items():
        with socket.create_connection((HOST, site.port(port)), 10) as plain:
            if port in (465, 993, 995):
                with context.wrap_socket(plain) as private:
                    assert private.recv(100).startswith(greeting), port
            else:
                assert plain.recv(100).startswith(greeting), port


def test_a_worker_that_dies_is_replaced(site: Server) -> None:
    before = site.worker_pids()
    os.kill(before[0], signal.SIGKILL)
    eventually(lambda: len(site.worker_pids()) == len(before) and before[0] not in site.worker_pids())
    eventually(site.healthy)
    login(site).logout()
    assert "pillarbox_worker_restarts_total 1.0" in site.metrics()


def test_new_mail_is_seen_by_idling_clients_of_every_worker(site: Server) -> None:
    watchers = [login(site) for _ in range(8)]
    for watcher in watchers:
        watcher.select("INBOX")
        watcher.send(b"x IDLE\r\n")
        assert watcher.readline().startswith(b"+")
    told: list[float] = []

    def watch(watcher: imaplib.IMAP4) -> None:
        while not watcher.readline().endswith(b"EXISTS\r\n"):
            pass
        told.append(time.monotonic())

    threads = [threading.Thread(target=watch, args=(watcher,)) for watcher in watchers]
    for thread in threads:
        thread.start()
    writer = login(site)
    writer.append("INBOX", "", None, b"Subject: new\r\n\r\n")  # type: ignore[arg-type]
    sent = time.monotonic()
    for thread in threads:
        thread.join(20)
    assert len(told) == len(watchers)
    assert max(told) - sent < 5


def test_a_reload_takes_new_certificates_and_settings_and_drops_nobody(site: Server) -> None:
    client = login(site)
    before = ssl.get_server_certificate((HOST, site.port(993)))
    certificate, key = make_certificate("new.example.test", [], SystemClock())
    (site.path / "certificate.pem").write_bytes(certificate)
    (site.path / "key.pem").write_bytes(key)
    site.set("imap", "message_size", 1234)
    os.kill(site.pid, signal.SIGHUP)
    eventually(lambda: ssl.get_server_certificate((HOST, site.port(993))) != before)
    assert client.noop()[0] == "OK"
    eventually(lambda: "APPENDLIMIT=1234" in login(site).capability()[1][0].decode())
    site.set("imap", "message_size", "wrong")
    os.kill(site.pid, signal.SIGHUP)
    eventually(lambda: "reload failed" in site.log())
    assert client.noop()[0] == "OK"
    client.logout()
    site.set("imap", "message_size", 50 << 20)


def test_a_site_is_not_served_twice(site: Server) -> None:
    second = start(site.path)
    assert second.returncode != 0
    assert "in use" in second.stderr or "served already" in second.stderr


def test_the_command_line_works_beside_the_server(site: Server) -> None:
    site.command("user", "add", "carol@example.test", "--password-stdin", input="pw\n")
    client = imaplib.IMAP4(HOST, site.port(143), timeout=20)
    assert client.login("carol@example.test", "pw")[0] == "OK"
    client.logout()
    site.command("user", "passwd", "carol@example.test", "--password-stdin", input="new\n")
    client = imaplib.IMAP4(HOST, site.port(143), timeout=20)
    with pytest.raises(imaplib.IMAP4.error):
        client.login("carol@example.test", "pw")
    assert client.login("carol@example.test", "new")[0] == "OK"
    client.logout()


def start(path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """A server that is expected not to start."""
    return subprocess.run(
        [sys.executable, "-m", "pillarbox", "-C", str(path), *options, "serve"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_why_a_server_does_not_start(tmp_path: Path) -> None:
    with port_offset() as offset:
        site = Server(tmp_path / "site", offset)
        site.init(["alice"])
        settings = site.path / "pillarbox.toml"
        good = settings.read_text()

        settings.write_text(good.replace("recipients =", "recipient ="))
        assert "did you mean recipients?" in start(site.path).stderr
        settings.write_text(good)

        with socket.create_server((HOST, site.port(143))):
            refused = start(site.path)
            assert f"port {site.port(143)} on 127.0.0.1 is already in use" in refused.stderr
            assert refused.returncode == 1

        (site.path / "log").rename(site.path / "away")
        refused = start(site.path)
        assert "log volume" in refused.stderr and "Mount it" in refused.stderr
        (site.path / "away").rename(site.path / "log")

        (site.path / "key.pem").rename(site.path / "key.away")
        assert "key.pem is missing" in start(site.path).stderr
        (site.path / "key.away").rename(site.path / "key.pem")

        assert "pillarbox init" in start(tmp_path / "nothing").stderr
        site.start()
        assert site.stop() == 0


def test_a_mirrored_log_goes_on_when_one_volume_is_lost(tmp_path: Path) -> None:
    with port_offset() as offset:
        site = Server(tmp_path / "site", offset)
        site.init(["alice"])
        (site.path / "log2").mkdir()
        site.set("storage", "log_volumes", ["log", "log2"])
        site.start()
        try:
            login(site).append("INBOX", "", None, b"Subject: both\r\n\r\n")  # type: ignore[arg-type]
            site.stop()
            assert list((site.path / "log2" / "mailboxes").glob("*.log"))
            shutil.rmtree(site.path / "log")
            site.start_unhealthy()
            client = login(site)
            assert client.append("INBOX", "", None, b"Subject: one\r\n\r\n")[0] == "OK"  # type: ignore[arg-type]
            assert client.select("INBOX")[1] == [b"2"]
            client.logout()
            assert "log-volume" in site.log()
        finally:
            site.stop()


def test_a_stop_says_goodbye_and_waits_for_work_under_way(tmp_path: Path) -> None:
    with server(tmp_path / "site", people=["alice"]) as site:
        client = login(site)
        begun = threading.Thread(target=site.stop)
        begun.start()
        assert client.readline().startswith(b"* BYE")
        begun.join(30)
        assert not begun.is_alive()
        assert not (site.path / "run" / "notices").exists() or not list((site.path / "run" / "notices").iterdir())
