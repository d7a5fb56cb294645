"""The watching machines' way in."""

import asyncio
import json
import socket
from collections.abc import Callable
from typing import Any

import pytest

from pillarbox.monitor import http
from pillarbox.monitor.http import MonitorServer


class Remembering:
    """A log of errors."""

    def __init__(self) -> None:
        self.errors: list[str] = []

    def debug(self, event: str, /, **fields: object) -> None: ...

    info = warning = debug

    def error(self, event: str, /, **fields: object) -> None:
        self.errors.append(event)


def ask(request: bytes, render: Callable[[], bytes] = lambda: b"numbers\n", **checks: Any) -> tuple[int, bytes, bytes]:
    """Status, head and body of the answer."""
    answer = asyncio.run(_ask(MonitorServer(render, checks), request))
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]) if head else 0, head, body


async def _ask(server: MonitorServer, request: bytes) -> bytes:
    sock = socket.create_server(("127.0.0.1", 0))
    await server.start(sock)
    reader, writer = await asyncio.open_connection(*sock.getsockname())
    writer.write(request)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    await server.stop()
    return answer


def test_metrics() -> None:
    status, head, body = ask(b"GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (status, body) == (200, b"numbers\n")
    assert b"Content-Length: 8\r\n" in head and b"text/plain; version=0.0.4" in head


def test_healthy() -> None:
    status, _, body = ask(b"GET /healthz HTTP/1.0\r\n\r\n", workers=list, databases=list)
    assert status == 200
    assert json.loads(body) == {"healthy": True, "troubles": {}}


def test_not_healthy() -> None:
    status, _, body = ask(b"GET /healthz HTTP/1.1\r\n\r\n", workers=lambda: ["worker 1 is not serving"], disk=list)
    assert status == 503
    assert json.loads(body) == {"healthy": False, "troubles": {"workers": ["worker 1 is not serving"]}}


def test_head_has_no_body() -> None:
    status, head, body = ask(b"HEAD /metrics HTTP/1.1\r\n\r\n")
    assert (status, body) == (200, b"") and b"Content-Length: 8" in head


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /elsewhere HTTP/1.1\r\n\r\n", 404),
        (b"POST /metrics HTTP/1.1\r\n\r\n", 405),
        (b"nonsense\r\n\r\n", 400),
        (b"GET /metrics SMTP\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\n" + b"X: y\r\n" * 5000 + b"\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\n", 0),
        (b"", 0),
    ],
)
def test_other_requests(request_: bytes, status: int) -> None:
    assert ask(request_)[0] == status


def test_an_error_of_ours_is_said_and_logged() -> None:
    def broken() -> bytes:
        raise ZeroDivisionError

    log = Remembering()
    answer = asyncio.run(_ask(MonitorServer(broken, {}, log), b"GET /metrics HTTP/1.1\r\n\r\n"))
    assert answer.startswith(b"HTTP/1.1 500")
    assert log.errors == ["internal error"]


def test_a_client_that_says_nothing_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "PATIENCE", 0.05)

    async def test() -> None:
        server = MonitorServer(lambda: b"", {})
        sock = socket.create_server(("127.0.0.1", 0))
        await server.start(sock)
        reader, writer = await asyncio.open_connection(*sock.getsockname())
        assert await reader.read() == b""
        writer.close()
        await server.stop()

    asyncio.run(test())
