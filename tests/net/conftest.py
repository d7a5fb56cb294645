"""Servers on free ports for the tests of net, on both event loops."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import uvloop

from pillarbox.base.clock import SystemClock
from pillarbox.base.ids import SeededIds
from pillarbox.base.metrics import Metric
from pillarbox.net.handler import Connection
from pillarbox.net.limits import Limits
from pillarbox.net.listen import Listener, bind
from pillarbox.net.pump import Service
from pillarbox.net.tls import ServerTls, make_certificate
from pillarbox.testing.toy import ToyHandler, ToySession


class Lines:
    """A log that remembers."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, dict[str, object]]] = []

    def debug(self, event: str, /, **fields: object) -> None:
        self.lines.append(("debug", event, fields))

    def info(self, event: str, /, **fields: object) -> None:
        self.lines.append(("info", event, fields))

    def warning(self, event: str, /, **fields: object) -> None:
        self.lines.append(("warning", event, fields))

    def error(self, event: str, /, **fields: object) -> None:
        self.lines.append(("error", event, fields))


class Sums:
    """Counters that add up by name."""

    def __init__(self) -> None:
        self.sums: dict[str, float] = {}

    def count(self, metric: Metric, n: float = 1, **labels: str) -> None:
        assert tuple(sorted(labels)) == tuple(sorted(metric.labels))
        self.sums[metric.name] = self.sums.get(metric.name, 0) + n

    adjust = count

    def observe(self, metric: Metric, value: float, **labels: str) -> None:
        self.count(metric, 1, **labels)


class Toy:
    """A running toy server, and the handlers of all connections so far."""

    def __init__(self) -> None:
        self.handlers: list[ToyHandler] = []
        self.log = Lines()
        self.sums = Sums()
        self.timeout = 20.0
        self.listener: Listener
        self.port = 0

    def serve(self, connection: Connection) -> tuple[ToySession, ToyHandler]:
        session = ToySession(self.timeout, connection.tls)
        handler = ToyHandler(connection, session)
        self.handlers.append(handler)
        return session, handler

    @asynccontextmanager
    async def running(self, **options: Any) -> AsyncIterator["Toy"]:
        service = replace(Service("toy", self.serve, Limits(), b"full\r\n"), **options)
        self.listener = Listener([bind("127.0.0.1", 0)], service, SeededIds(), self.log, self.sums)
        self.port = self.listener.addresses[0][1]
        self.listener.start()
        try:
            yield self
        finally:
            await self.listener.stop(0.05)
            await asyncio.sleep(0.01)  # the test's own clients close
            assert all(handler.history.count("closed") == 1 for handler in self.handlers)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A client that has been greeted."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        assert await reader.readline() == b"hello\r\n"
        return reader, writer

    def errors(self) -> list[str]:
        return [event for level, event, _ in self.log.lines if level == "error"]


@pytest.fixture
def toy() -> Toy:
    return Toy()


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Callable[[Awaitable[None]], None]:
    """Runs a test's coroutine on one of the loops, for at most 20 seconds."""
    factory = asyncio.new_event_loop if request.param == "asyncio" else uvloop.new_event_loop

    def run(test: Awaitable[None]) -> None:
        async def limited() -> None:
            try:
                await asyncio.wait_for(test, 20)
            finally:
                for _ in range(10):  # connections closed just now are gone with the loop's next turns
                    await asyncio.sleep(0)

        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(limited())

    return run


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Files with a certificate for localhost and its key."""
    directory = tmp_path_factory.mktemp("tls")
    certificate, key = make_certificate("localhost", ["127.0.0.1"], SystemClock())
    (directory / "certificate.pem").write_bytes(certificate)
    (directory / "key.pem").write_bytes(key)
    return directory / "certificate.pem", directory / "key.pem"


@pytest.fixture
def server_tls(certificate: tuple[Path, Path]) -> ServerTls:
    return ServerTls(*certificate)
