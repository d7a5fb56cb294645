"""Invariant: whatever clients do, each handler is closed exactly once, nothing of ours fails, and nothing is left open."""

import asyncio
import contextlib
import gc
import random
import socket
import ssl
import struct
import warnings
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from pillarbox.net.limits import Limits
from pillarbox.net.tls import ServerTls

Run = Callable[[Awaitable[None]], None]
COMMANDS = (
    b"ECHO a\r\n",
    b"BAD\r\n",
    b"BULK 300000\r\n",
    b"WAIT 0.003\r\n",
    b"TLS\r\n",
    b"ECHO ",
    b"\r\n",
    b"QUIT\r\n",
)


@pytest.fixture(autouse=True)
def swept() -> Iterator[None]:
    """asyncio's own client forgets its socket where a TLS handshake fails; that is not what is tested here."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


async def talk(chance: random.Random, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Says a few things, reads or does not."""
    for _ in range(chance.randrange(6)):
        writer.write(b"".join(chance.choices(COMMANDS, k=chance.randrange(1, 5))))
        if chance.random() < 0.5:
            await writer.drain()
        if chance.random() < 0.3:
            await asyncio.sleep(chance.random() * 0.01)
        if chance.random() < 0.5:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(reader.read(chance.randrange(1, 200_000)), 0.01)


async def leave(chance: random.Random, writer: asyncio.StreamWriter) -> None:
    """Closes politely, halfway, or with a reset."""
    way = chance.randrange(3)
    if way == 0 and writer.can_write_eof():
        writer.write_eof()
    elif way == 1:
        sock = writer.get_extra_info("socket")
        if sock is None:
            return
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    writer.close()
    await asyncio.sleep(0.05)
    writer.transport.abort()  # what nobody reads


async def client(chance: random.Random, port: int, context: ssl.SSLContext) -> None:
    with contextlib.suppress(Exception):  # a client's own troubles are its own
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            await talk(chance, reader, writer)
            if chance.random() < 0.3:
                writer.write(b"STLS\r\n")
                if chance.random() < 0.3:
                    writer.write(b"ECHO injected\r\n")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(reader.readuntil(b"go\r\n"), 0.5)
                    await writer.start_tls(context, ssl_handshake_timeout=0.5)
                    await talk(chance, reader, writer)
        finally:
            await leave(chance, writer)


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")  # clients'
@pytest.mark.parametrize("seed", range(3))
def test_clients_of_every_kind(run: Run, toy: Any, server_tls: ServerTls, seed: int) -> None:
    chance = random.Random(seed)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    limits = Limits(per_client=60)

    async def news() -> None:
        while True:
            await asyncio.sleep(0.002)
            for handler in toy.handlers[-20:]:
                handler.connection.wake()

    async def test() -> None:
        toy.timeout = 0.3
        async with toy.running(tls=server_tls, limits=limits, handshake_seconds=0.3):
            telling = asyncio.ensure_future(news())
            clients = [client(random.Random(chance.random()), toy.port, context) for _ in range(100)]
            await asyncio.gather(*clients)
            telling.cancel()
            began = asyncio.get_running_loop().time()
            await toy.listener.stop(3.0)
            assert asyncio.get_running_loop().time() - began < 2.5, "somebody had to be cut off"
            assert toy.listener.pump.open == 0
        assert toy.errors() == []
        assert limits.open == 0
        assert toy.sums.sums["connections_open"] == 0

    run(test())
