"""A tiny HTTP/1.1 endpoint on a local port: GET /metrics and GET /healthz, nothing else, one answer a connection.

`/healthz` answers 200 and {"status": "ok"} when no check has anything to say, else 503 and what is wrong.
"""

import asyncio
import json
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress

_LONGEST_REQUEST = 8192
_PATIENCE = 5.0
_PHRASES = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 503: "Service Unavailable"}

Check = Callable[[], list[str]]


class MonitorServer:
    """Serves the two pages until stopped."""

    def __init__(self, metrics: Callable[[], bytes], checks: Mapping[str, Check]) -> None:
        self._metrics = metrics
        self._checks = checks
        self._server: asyncio.Server | None = None

    async def start(self, sock: socket.socket) -> None:
        """Begins to answer on a listening socket, which is its own from now on."""
        self._server = await asyncio.start_server(self._serve, sock=sock, limit=_LONGEST_REQUEST)

    async def stop(self) -> None:
        """Closes the socket."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                request = await reader.readuntil(b"\r\n\r\n")
                writer.write(self.answer(request))
                await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    def answer(self, request: bytes) -> bytes:
        """The whole answer to a request's head."""
        words = request.split(b"\r\n", 1)[0].split(b" ")
        if len(words) != 3 or not words[2].startswith(b"HTTP/"):
            return _response(400, "text/plain", b"That is not HTTP.\n")
        if words[0] != b"GET":
            return _response(405, "text/plain", b"GET only.\n")
        match words[1].partition(b"?")[0]:
            case b"/metrics":
                return _response(200, "text/plain; version=0.0.4; charset=utf-8", self._metrics())
            case b"/healthz":
                troubles = {name: said for name, check in self._checks.items() if (said := check())}
                body = {"status": "trouble", "troubles": troubles} if troubles else {"status": "ok"}
                return _response(503 if troubles else 200, "application/json", json.dumps(body).encode() + b"\n")
            case _:
                return _response(404, "text/plain", b"There are /metrics and /healthz.\n")


def _response(code: int, kind: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {code} {_PHRASES[code]}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"Connection: close\r\n\r\n" + body
