"""A small HTTP server for the machines that watch: `/metrics` and `/healthz`, on a local port.

GET and HEAD only, one request a connection, `PATIENCE` seconds for each. `/healthz` asks every check for what is
wrong, a list of sentences: 200 where there is nothing, else 503, and JSON {"healthy": ..., "troubles": {check: [...]}}.
Bad requests get 400, 404 or 405; a check or rendering that raises gets 500 and a log line.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from socket import socket

from pillarbox.base.log import Log, NoLog

Check = Callable[[], list[str]]

PATIENCE = 5.0
_LONGEST_HEAD = 8192
_TEXT = "text/plain; charset=utf-8"
_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


class MonitorServer:
    """See the module's contract."""

    def __init__(self, render: Callable[[], bytes], checks: Mapping[str, Check], log: Log | None = None) -> None:
        """`render` makes the answer to `/metrics`; `checks` are what `/healthz` asks, by name."""
        self._render = render
        self._checks = checks
        self._log: Log = log if log is not None else NoLog()
        self._server: asyncio.Server | None = None

    async def start(self, sock: socket) -> None:
        """Serves on a listening socket."""
        sock.setblocking(False)
        self._server = await asyncio.start_server(self._serve, sock=sock, limit=_LONGEST_HEAD)

    async def stop(self) -> None:
        """Serves no more."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(PATIENCE):
                try:
                    head = await reader.readuntil(b"\r\n\r\n")
                except asyncio.LimitOverrunError:
                    head = b""
                except asyncio.IncompleteReadError:
                    writer.close()
                    return
                writer.write(self._answer(head.split(b"\r\n", 1)[0]))
                await writer.drain()
        writer.close()

    def _answer(self, request_line: bytes) -> bytes:
        words = request_line.split(b" ")
        if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
            return _response(HTTPStatus.BAD_REQUEST, _TEXT, b"bad request\n")
        method, path = words[0], words[1].split(b"?", 1)[0]
        if method not in (b"GET", b"HEAD"):
            return _response(HTTPStatus.METHOD_NOT_ALLOWED, _TEXT, b"only GET and HEAD\n", "Allow: GET, HEAD\r\n")
        try:
            status, kind, body = self._page(path)
        except Exception as error:
            self._log.error("internal error", protocol="http", exc_info=error)
            status, kind, body = HTTPStatus.INTERNAL_SERVER_ERROR, _TEXT, b"internal error\n"
        return _response(status, kind, body, head_only=method == b"HEAD")

    def _page(self, path: bytes) -> tuple[HTTPStatus, str, bytes]:
        if path == b"/metrics":
            return HTTPStatus.OK, _PROMETHEUS, self._render()
        if path == b"/healthz":
            troubles = {name: found for name, check in self._checks.items() if (found := check())}
            status = HTTPStatus.SERVICE_UNAVAILABLE if troubles else HTTPStatus.OK
            return (
                status,
                "application/json",
                json.dumps({"healthy": not troubles, "troubles": troubles}).encode() + b"\n",
            )
        return HTTPStatus.NOT_FOUND, _TEXT, b"there is /metrics and /healthz\n"


def _response(status: HTTPStatus, kind: str, body: bytes, more: str = "", *, head_only: bool = False) -> bytes:
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        f"Cache-Control: no-store\r\nConnection: close\r\n{more}\r\n"
    )
    return head.encode("ascii") + (b"" if head_only else body)
