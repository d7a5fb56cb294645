"""The pump, seen by clients over real sockets, on asyncio's own loop and on uvloop."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from pillarbox.net.limits import Limits
from pillarbox.net.tls import ServerTls, endpoint_binding
from pillarbox.testing.toy import ToyHandler, ToySession

Run = Callable[[Awaitable[None]], None]


def test_talks(run: Run, toy: Any) -> None:
    async def test() -> None:
        async with toy.running():
            reader, writer = await toy.connect()
            writer.write(b"ECHO a\r\n")
            assert await reader.readline() == b"a\r\n"
            writer.write(b"ECHO b\r\nECHO c\r\nQUIT\r\nECHO never\r\n")
            assert await reader.read() == b"b\r\nc\r\nbye\r\n"
            writer.close()
        assert toy.sums.sums["connections"] == 1
        assert toy.sums.sums["commands"] == 4
        assert toy.sums.sums["connections_open"] == 0
        assert toy.sums.sums["octets_sent"] == len("hello\r\na\r\nb\r\nc\r\nbye\r\n")

    run(test())


def test_input_byte_by_byte_is_the_same(run: Run, toy: Any) -> None:
    async def test() -> None:
        async with toy.running():
            reader, writer = await toy.connect()
            for octet in b"ECHO a\r\nQUIT\r\n":
                writer.write(bytes([octet]))
                await writer.drain()
                await asyncio.sleep(0)
            assert await reader.read() == b"a\r\nbye\r\n"
            writer.close()

    run(test())


def test_a_peer_that_shut_its_sending_side_is_answered_in_full(run: Run, toy: Any) -> None:
    async def test() -> None:
        async with toy.running():
            reader, writer = await toy.connect()
            writer.write(b"WAIT 0.02\r\nECHO a\r\nECHO half a line")
            writer.write_eof()
            assert await reader.read() == b"waited\r\na\r\n"
            writer.close()

    run(test())


def test_a_silent_peer_is_sent_away(run: Run, toy: Any) -> None:
    async def test() -> None:
        toy.timeout = 0.05
        async with toy.running():
            reader, writer = await toy.connect()
            assert await reader.read() == b"too slow\r\n"
            writer.close()
        assert toy.handlers[0].history == ["timed out", "closed"]
        assert toy.sums.sums["timeouts"] == 1
        assert ("info", "timed out") in [line[:2] for line in toy.log.lines]

    run(test())


def test_each_command_puts_the_timeout_off(run: Run, toy: Any) -> None:
    async def test() -> None:
        toy.timeout = 0.2
        async with toy.running():
            reader, writer = await toy.connect()
            for _ in range(6):
                await asyncio.sleep(0.06)
                writer.write(b"ECHO a\r\n")
                assert await reader.readline() == b"a\r\n"
            assert await reader.read() == b"too slow\r\n"
            writer.close()

    run(test())


def test_news_do_not_put_the_timeout_off(run: Run, toy: Any) -> None:
    async def test() -> None:
        toy.timeout = 0.15
        async with toy.running():
            reader, writer = await toy.connect()
            for _ in range(4):
                toy.handlers[0].connection.wake()
                assert await reader.readline() == b"news\r\n"
                await asyncio.sleep(0.02)
            assert await reader.read() == b"too slow\r\n"
            writer.close()

    run(test())


def test_many_wakes_are_one_and_wait_for_the_event_to_end(run: Run, toy: Any) -> None:
    async def test() -> None:
        async with toy.running():
            reader, writer = await toy.connect()
            writer.write(b"WAIT 0.05\r\n")
            await asyncio.sleep(0.01)
            for _ in range(5):
                toy.handlers[0].connection.wake()
            assert await reader.readline() == b"waited\r\n"
            assert await reader.readline() == b"news\r\n"
            writer.write(b"QUIT\r\n")
            assert await reader.read() == b"bye\r\n"
            writer.close()
        assert toy.handlers[0].history == ["waited", "woken", "closed"]

    run(test())


def test_a_protocol_error_is_answered_and_the_talk_goes_on(run: Run, toy: Any) -> None:
    async def test() -> None:
        async with toy.running():
            reader, writer = await toy.connect()
            writer.write(b"BAD\r\nECHO a\r\n")
            assert await reader.readline() == b"what?\r\n"
            assert await reader.readline() == b"a\r\n"
            writer.close()
        assert toy.sums.sums["protocol_errors"] == 1

    run(test())


def test_our_own_error_is_logged_with_the_session_and_answered_generically(run: Run, toy: Any) -> None:
    async def test() -> None:
        async with toy.running():
            reader, writer = await toy.connect()
            writer.write(b"BOOM\r\nECHO never\r\n")
            assert await reader.read() == b"our fault\r\n"
            writer.close()
        assert toy.handlers[0].history == ["crashed", "closed"]
        _, event, fields = next(line for line in toy.log.lines if line[0] == "error")
        assert event == "internal error"
        assert fields["session"] == toy.handlers[0].connection.session_id
        assert isinstance(fields["exc_info"], ZeroDivisionError)

    run(test())


def test_a_session_that_fails_on_bytes_is_our_error_too(run: Run, toy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def receive_data(self: ToySession, data: bytes) -> None:
        raise KeyError("broken")

    monkeypatch.setattr(ToySession, "receive_data", receive_data)

    async def test() -> None:
        async with toy.running():
            reader, writer = await toy.connect()
            writer.write(b"ECHO a\r\n")
            assert await reader.read() == b"our fault\r\n"
            writer.close()
        assert toy.errors() == ["internal error"]

    run(test())


def test_a_reset_is_not_an_error(run: Run, toy: Any) -> None:
    async def test() -> None:
        async with toy.running():
            client = socket.create_connection(("127.0.0.1", toy.port))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sendall(b"WAIT 0.05\r\nECHO a\r\nECHO b\r\n")
            await asyncio.sleep(0.02)
            client.close()
            await asyncio.sleep(0.1)
            assert toy.handlers[0].history == ["waited", "closed"], "what was under way ends, nothing more is begun"
        assert toy.errors() == []

    run(test())


def test_streams_under_back_pressure(run: Run, toy: Any) -> None:
    async def test() -> None:
        async with toy.running():
            reader, writer = await toy.connect()
            writer.write(b"BULK 20000000\r\nQUIT\r\n")
            await asyncio.sleep(0.05)
            assert toy.handlers[0].connection.octets_sent < 15_000_000, "the rest waits until the peer reads"
            assert await reader.read() == b"x" * 20_000_000 + b"\r\nbye\r\n"
            writer.close()

    run(test())


def test_a_peer_that_does_not_read_is_dropped(run: Run, toy: Any) -> None:
    async def test() -> None:
        toy.timeout = 0.1
        async with toy.running():
            client = socket.create_connection(("127.0.0.1", toy.port))
            client.sendall(b"BULK 50000000\r\n")
            await asyncio.sleep(0.4)
            assert toy.handlers[0].history == ["closed"]
            client.close()
        assert toy.errors() == []

    run(test())


def test_input_is_not_read_without_end_while_an_event_is_handled(run: Run, toy: Any) -> None:
    async def test() -> None:
        async with toy.running():
            reader, writer = await toy.connect()
            writer.write(b"WAIT 0.1\r\n" + b"ECHO 12345678901234567890\r\n" * 150_000 + b"QUIT\r\n")
            await asyncio.sleep(0.05)
            assert toy.handlers[0].connection.octets_received < 1_000_000
            answer = await reader.read()
            assert answer.startswith(b"waited\r\n1234") and answer.endswith(b"bye\r\n")
            assert answer.count(b"\n") == 150_002
            writer.close()

    run(test())


def test_a_busy_client_leaves_others_their_turn(run: Run, toy: Any) -> None:
    async def test() -> None:
        async with toy.running():
            _, busy = await toy.connect()
            reader, writer = await toy.connect()
            busy.write(b"ECHO a\r\n" * 20_000)
            await asyncio.sleep(0)
            writer.write(b"ECHO mine\r\n")
            assert await reader.readline() == b"mine\r\n"
            busy.close()
            writer.close()

    run(test())


def test_too_many_connections_are_refused_politely(run: Run, toy: Any) -> None:
    async def test() -> None:
        async with toy.running(limits=Limits(per_client=1)):
            _, first = await toy.connect()
            reader, second = await asyncio.open_connection("127.0.0.1", toy.port)
            assert await reader.read() == b"full\r\n"
            second.close()
            first.write(b"QUIT\r\n")
            await asyncio.sleep(0.05)
            first.close()
            _, third = await toy.connect()
            third.close()
        assert toy.sums.sums["connections_refused"] == 1

    run(test())


def test_stopping_says_goodbye_and_lets_work_end(run: Run, toy: Any) -> None:
    async def test() -> None:
        async with toy.running():
            idle, idle_writer = await toy.connect()
            busy, busy_writer = await toy.connect()
            busy_writer.write(b"WAIT 0.05\r\n")
            await asyncio.sleep(0.01)
            stop = asyncio.ensure_future(toy.listener.stop(5.0))
            assert await idle.read() == b"closing down\r\n"
            assert await busy.read() == b"waited\r\nclosing down\r\n"
            for writer in (idle_writer, busy_writer):
                writer.close()
            await asyncio.wait_for(stop, 4.0)
            with pytest.raises(ConnectionError):
                await asyncio.open_connection("127.0.0.1", toy.port)

    run(test())


def test_after_the_drain_time_connections_are_cut(run: Run, toy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def shutting_down(self: ToyHandler) -> None:
        self.history.append("not yet")

    monkeypatch.setattr(ToyHandler, "shutting_down", shutting_down)

    async def test() -> None:
        async with toy.running():
            reader, writer = await toy.connect()
            stop = asyncio.ensure_future(toy.listener.stop(0.1))
            await asyncio.sleep(0.02)
            writer.write(b"ECHO a\r\n")
            assert await reader.readline() == b"a\r\n", "the handler chose to let its client finish"
            await stop
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
            assert toy.handlers[0].history == ["not yet", "not yet", "closed"]
            writer.close()

    run(test())


def client_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def test_upgrades_to_tls_and_drops_what_was_sent_in_the_clear(
    run: Run, toy: Any, server_tls: ServerTls, certificate: tuple[Path, Path]
) -> None:
    async def test() -> None:
        async with toy.running(tls=server_tls):
            reader, writer = await toy.connect()
            writer.write(b"TLS\r\nSTLS\r\nECHO injected\r\n")
            assert await reader.readline() == b"None\r\n"
            assert await reader.readline() == b"go\r\n"
            await writer.start_tls(client_context())
            writer.write(b"TLS\r\n")
            told = (await reader.readline()).decode()
            assert "TLSv1.3" in told and repr(endpoint_binding(certificate[0].read_bytes())) in told
            writer.write(b"ECHO " + b"y" * 900 + b"\r\nQUIT\r\n")
            assert await reader.read() == b"y" * 900 + b"\r\nbye\r\n"
            writer.close()
        assert toy.errors() == []

    run(test())


def test_implicit_tls(run: Run, toy: Any, server_tls: ServerTls) -> None:
    async def test() -> None:
        async with toy.running(tls=server_tls, implicit_tls=True):
            reader, writer = await asyncio.open_connection("127.0.0.1", toy.port, ssl=client_context())
            assert await reader.readline() == b"hello\r\n"
            writer.write(b"TLS\r\nBULK 3000000\r\nQUIT\r\n")
            assert b"TLSv1.3" in await reader.readline()
            assert await reader.read() == b"x" * 3_000_000 + b"\r\nbye\r\n"
            writer.close()

    run(test())


@pytest.mark.parametrize("opening", [b"", b"EHLO plaintext\r\n", b"\x16\x03\x01"])
def test_half_open_and_nonsense_handshakes_end(run: Run, toy: Any, server_tls: ServerTls, opening: bytes) -> None:
    async def test() -> None:
        async with toy.running(tls=server_tls, implicit_tls=True, handshake_seconds=0.1):
            reader, writer = await asyncio.open_connection("127.0.0.1", toy.port)
            writer.write(opening)
            with contextlib.suppress(ConnectionError):
                await reader.read()
            await asyncio.sleep(0.05)
            assert toy.listener.pump.open == 0
            writer.close()
        assert toy.handlers == []
        assert toy.errors() == []
        assert toy.sums.sums["tls_failures"] == 1

    run(test())


@pytest.mark.parametrize("opening", [b"", b"this is no TLS record at all\r\n", b"\x16\x03\x01"])
def test_a_handshake_that_fails_after_starttls_ends_the_connection(
    run: Run, toy: Any, server_tls: ServerTls, opening: bytes
) -> None:
    async def test() -> None:
        async with toy.running(tls=server_tls, handshake_seconds=0.1):
            reader, writer = await toy.connect()
            writer.write(b"STLS\r\n")
            assert await reader.readline() == b"go\r\n"
            writer.write(opening)
            with contextlib.suppress(ConnectionError):
                await reader.read()
            await asyncio.sleep(0.05)
            assert toy.handlers[0].history == ["closed"]
            assert toy.listener.pump.open == 0
            writer.close()
        assert toy.errors() == []
        assert toy.sums.sums["tls_failures"] == 1

    run(test())


def test_stopping_does_not_wait_for_half_open_handshakes(run: Run, toy: Any, server_tls: ServerTls) -> None:
    async def test() -> None:
        async with toy.running(tls=server_tls, implicit_tls=True):
            reader, writer = await asyncio.open_connection("127.0.0.1", toy.port)
            await asyncio.sleep(0.02)
            assert toy.listener.pump.open == 1
            await asyncio.wait_for(toy.listener.stop(5.0), 1.0)
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
            writer.close()

    run(test())


def test_small_answers_are_not_held_back_by_the_kernel(run: Run, toy: Any) -> None:
    async def test() -> None:
        async with toy.running():
            _, writer = await toy.connect()
            sock = toy.handlers[0].connection._transport.get_extra_info("socket")
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            writer.close()

    run(test())
