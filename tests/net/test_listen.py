"""Sockets: made, shared, handed down, and what is said where that fails."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pillarbox.net.listen import CannotListen, adopt, bind, bind_all

Run = Callable[[Awaitable[None]], None]


def close(rows: list[list[socket.socket]]) -> None:
    for row in rows:
        for sock in row:
            sock.close()


def test_workers_share_a_port() -> None:
    rows = bind_all(["127.0.0.1"], 0, copies=3)
    ports = {row[0].getsockname()[1] for row in rows}
    assert len(rows) == 3 and len(ports) == 1
    close(rows)


def test_a_port_in_use_is_a_clear_sentence_and_leaves_nothing_bound() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CannotListen, match=f"port {port} on 127.0.0.1 is already in use.*--port-offset"):
            bind_all(["127.0.0.1"], port, copies=2)


def test_a_port_another_server_of_ours_has_is_not_shared_silently() -> None:
    rows = bind_all(["127.0.0.1"], 0)
    with pytest.raises(CannotListen, match="already in use"):
        bind_all(["127.0.0.1"], rows[0][0].getsockname()[1])
    close(rows)


def test_an_address_that_is_not_ours() -> None:
    with pytest.raises(CannotListen, match=r"192\.0\.2\.1 is not an address of this machine"):
        bind("192.0.2.1", 0)


def test_two_wildcards_live_side_by_side() -> None:
    try:
        rows = bind_all(["0.0.0.0", "::"], 0)
    except CannotListen as error:
        pytest.skip(str(error))
    assert len(rows[0]) == 2
    close(rows)


def test_ipv4_over_an_ipv6_wildcard_is_counted_as_ipv4(run: Run, toy: Any) -> None:
    try:
        (row,) = bind_all(["::"], 0)
    except CannotListen as error:
        pytest.skip(str(error))

    async def test() -> None:
        async with toy.running():
            toy.listener._sockets += row
            toy.listener.start()
            reader, writer = await asyncio.open_connection("127.0.0.1", row[0].getsockname()[1])
            assert await reader.readline() == b"hello\r\n"
            assert toy.handlers[0].connection.peer == "127.0.0.1"
            writer.close()

    run(test())


def test_adopts_what_a_parent_left_open() -> None:
    original = bind("127.0.0.1", 0)
    copy = adopt(os.dup(original.fileno()))
    assert copy.getsockname() == original.getsockname()
    copy.close()
    original.close()


def test_adopts_nothing_else() -> None:
    with pytest.raises(CannotListen, match="not a socket"):
        adopt(9999)
    with socket.socket() as sock, pytest.raises(CannotListen, match="not a listening socket"):
        adopt(sock.fileno())
    with open(os.devnull) as file, pytest.raises(CannotListen, match="not a socket"):
        adopt(file.fileno())


def test_connections_that_came_while_nobody_accepted_are_served(run: Run, toy: Any) -> None:
    async def test() -> None:
        async with toy.running():
            clients = [await asyncio.open_connection("127.0.0.1", toy.port) for _ in range(200)]
            for reader, writer in clients:
                assert await reader.readline() == b"hello\r\n"
                writer.close()

    run(test())
