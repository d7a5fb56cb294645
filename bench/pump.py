"""What the pump costs: processor time an event, a connection, a log line and a count, and memory an idle connection.

Serves the toy protocol with uvloop in this process; clients are processes of their own, so that only the server's time is
counted. `python bench/pump.py [IDLE]`: IDLE connections are held open (default 10,000; needs as many descriptors).
"""

import asyncio
import multiprocessing
import os
import resource
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import uvloop

from pillarbox.base import metrics
from pillarbox.base.ids import SystemIds
from pillarbox.base.log import NoLog
from pillarbox.monitor.logging import make_log
from pillarbox.monitor.metrics import ProcessCounters
from pillarbox.net.handler import Connection
from pillarbox.net.limits import Limits
from pillarbox.net.listen import Listener, bind
from pillarbox.net.pump import Service
from pillarbox.testing.toy import ToyHandler, ToySession

EVENTS = 200_000
SESSIONS = 10_000
CLIENTS = 10
Address = tuple[str, int]


def serve(connection: Connection) -> tuple[ToySession, ToyHandler]:
    session = ToySession(timeout=600)
    return session, ToyHandler(connection, session)


def step_by_step(address: Address, count: int) -> None:
    """One connection, each command after the answer to the last."""
    with socket.create_connection(address) as sock:
        sock.recv(100)
        for _ in range(count):
            sock.sendall(b"ECHO hello\r\n")
            sock.recv(100)


def pipelined(address: Address, count: int) -> None:
    """One connection, commands in groups of 50."""
    with socket.create_connection(address) as sock:
        reader = sock.makefile("rb")
        reader.readline()
        for _ in range(count // 50):
            sock.sendall(b"ECHO hello\r\n" * 50)
            reader.read(7 * 50)


def sessions(address: Address, count: int) -> None:
    """Connect, six commands, quit."""
    for _ in range(count):
        with socket.create_connection(address) as sock:
            sock.recv(100)
            for _ in range(6):
                sock.sendall(b"ECHO hello\r\n")
                sock.recv(100)
            sock.sendall(b"QUIT\r\n")
            sock.recv(100)


def hold(
    address: Address, count: int, held: "multiprocessing.synchronize.Event", go: "multiprocessing.synchronize.Event"
) -> None:
    """Opens connections and keeps them."""
    socks = []
    for _ in range(count):
        socks.append(socket.create_connection(address))
        socks[-1].recv(100)
    held.set()
    go.wait()
    for sock in socks:
        sock.close()


async def cost(work: Callable[[Address, int], None], address: Address, clients: int, each: int) -> tuple[float, float]:
    """The server's processor seconds, and seconds on the wall, while clients do their work."""
    running = [multiprocessing.Process(target=work, args=(address, each)) for _ in range(clients)]
    for one in running:
        one.start()
    busy, wall = time.process_time(), time.monotonic()
    while any(one.is_alive() for one in running):
        await asyncio.sleep(0.02)
    return time.process_time() - busy, time.monotonic() - wall


def resident() -> int:
    """Octets of memory this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def memory(address: Address, count: int) -> float:
    """Octets an idle connection takes."""
    held, go = multiprocessing.Event(), multiprocessing.Event()
    client = multiprocessing.Process(target=hold, args=(address, count, held, go))
    before = resident()
    client.start()
    while not held.is_set():
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.2)
    taken = resident() - before
    go.set()
    while client.is_alive():
        await asyncio.sleep(0.05)
    return taken / count


def each(work: Callable[[], object], count: int = 100_000) -> float:
    """Microseconds one call takes."""
    began = time.process_time()
    for _ in range(count):
        work()
    return (time.process_time() - began) / count * 1e6


async def main(idle: int) -> None:
    with tempfile.TemporaryDirectory() as folder, open(os.devnull, "w", encoding="utf-8") as nowhere:
        counters = ProcessCounters(Path(folder), "bench")
        listener = Listener(
            [bind("127.0.0.1", 0)], Service("toy", serve, Limits(), b""), SystemIds(), NoLog(), counters
        )
        listener.start()
        address = listener.addresses[0]
        for name, work, clients, count, unit in (
            ("an event, one at a time", step_by_step, 1, EVENTS // 4, EVENTS // 4),
            ("an event, in groups of 50", pipelined, 1, EVENTS, EVENTS),
            ("a session of 7 commands", sessions, CLIENTS, SESSIONS // CLIENTS, SESSIONS),
        ):
            busy, wall = await cost(work, address, clients, count)
            print(f"{name:32} {busy / unit * 1e6:8.1f} µs of processor   {unit / wall:10,.0f} a second")
        print(f"{f'one of {idle} idle connections':32} {await memory(address, idle) / 1024:8.1f} KiB")
        for form in ("text", "json"):
            log = make_log(form, "info", nowhere)
            line = each(
                lambda log=log: log.info("message accepted", session="k3xabc", peer="192.0.2.1", size=5000, ms=2.1)
            )
            print(f"{'a log line as ' + form:32} {line:8.1f} µs")
        print(f"{'a count':32} {each(lambda: counters.count(metrics.COMMANDS, protocol='toy')):8.2f} µs")
        await listener.stop(1.0)
        counters.close()


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    uvloop.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else min(10_000, hard - 100)))
