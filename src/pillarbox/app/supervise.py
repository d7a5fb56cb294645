"""The supervisor: binds the ports, starts workers and keeper, replaces those that die, and says how all of it is.

It opens each port once per worker (SO_REUSEPORT) while it may still be root, becomes the configured user, recovers
the databases once, and starts the workers with their sockets. It keeps the sockets open itself, so that connections
in the queue of a worker that died wait for its successor. A worker that dies at once again and again is
started at growing intervals. SIGTERM and SIGINT drain, SIGHUP is handed on, SIGUSR1 (from the keeper, when another
server has taken over) stops at once.

It holds no database open while the workers run. `/metrics` and `/healthz` are served from here.
"""

import asyncio
import os
import signal
import socket
import sys
from contextlib import ExitStack, suppress
from dataclasses import fields

from pillarbox.app.assignment import Assignment, Report
from pillarbox.app.build import open_parts
from pillarbox.app.services import server_tls
from pillarbox.app.site import Site, become
from pillarbox.base import metrics
from pillarbox.base.log import Log
from pillarbox.model.failure import Failure
from pillarbox.monitor.http import MonitorServer
from pillarbox.monitor.metrics import WorkerMetrics
from pillarbox.net.listen import CannotListen, bind, bind_all

LOCAL_ONLY = frozenset({"lmtp"})  # trusts its clients, so only programs on this machine may be clients
WORKER = "pillarbox.app.worker"
KEEPER = "pillarbox.app.keeper"
_LOOPBACK = "127.0.0.1"
_RESTART_SECONDS = (0.0, 0.1, 0.5, 1.0, 2.0, 5.0)
_STABLE_SECONDS = 10.0
_BIND_ATTEMPTS = 50
_BIND_PAUSE = 0.1


class Slot:
    """One worker's place, or the keeper's: its sockets stay, the processes in it come and go."""

    def __init__(self, number: int, sockets: dict[str, list[socket.socket]], program: str = WORKER) -> None:
        self.number = number
        self.program = program
        self.sockets = sockets
        self.process: asyncio.subprocess.Process | None = None
        self.report = Report(False, [])

    @property
    def name(self) -> str:
        """For people."""
        return self.program.rpartition(".")[2]


class Supervisor:
    """All workers of one site."""

    def __init__(self, site: Site, log: Log, worker_metrics: WorkerMetrics) -> None:
        self._site = site
        self._log = log
        self._metrics = worker_metrics
        self._stopping = asyncio.Event()
        self._slots: list[Slot] = []

    async def run(self) -> None:
        """Serves until SIGTERM or SIGINT. Raises Failure, CannotListen or BadCertificate where it cannot begin."""
        settings = self._site.settings
        await self._bind(settings.server.workers or os.cpu_count() or 1)
        monitor = None
        if settings.server.metrics_port:
            monitor = bind(_LOOPBACK, settings.server.metrics_port + settings.server.port_offset)
        become(settings.server.user)
        with ExitStack() as stack:
            stack.callback(self._close_sockets)
            stack.enter_context(self._site.serving())
            server_tls(self._site)  # the workers read it themselves; what is wrong with it is said once, here
            self._recover()
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._stopping.set)
            loop.add_signal_handler(signal.SIGHUP, self._reload)
            loop.add_signal_handler(signal.SIGUSR1, self._replaced)
            server = MonitorServer(self._metrics.render, {"workers": self._troubles}, self._log)
            if monitor is not None:
                await server.start(monitor)
            keepers = [asyncio.create_task(self._keep(slot)) for slot in self._slots]
            await self._stopping.wait()
            self._log.info("stopping", drain_seconds=settings.server.drain_seconds)
            await self._stop_workers()
            await asyncio.gather(*keepers)
            await server.stop()
        self._log.info("stopped")

    async def _bind(self, workers: int) -> None:
        settings = self._site.settings
        by_name: dict[str, list[list[socket.socket]]] = {}
        for listener in fields(settings.listeners):
            port: int = getattr(settings.listeners, listener.name)
            if port:
                addresses = [_LOOPBACK] if listener.name in LOCAL_ONLY else settings.server.listen
                by_name[listener.name] = await _patiently(addresses, port + settings.server.port_offset, workers)
        for number in range(workers):
            self._slots.append(Slot(number, {name: copies[number] for name, copies in by_name.items()}))
        self._slots.append(Slot(workers, {}, KEEPER))

    def _close_sockets(self) -> None:
        for slot in self._slots:
            for sockets in slot.sockets.values():
                for sock in sockets:
                    sock.close()

    def _recover(self) -> None:
        """Opens and closes every database: what is wrong with one is said once, here, before anybody is let in."""
        with open_parts(self._site, "supervisor") as parts:
            for text in parts.troubles():
                self._log.error("database trouble", reason=text)

    async def _keep(self, slot: Slot) -> None:
        """Keeps a worker running in a slot until the server stops."""
        failures = 0
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            began = loop.time()
            code = await self._run_worker(slot)
            if self._stopping.is_set():
                return
            if code == 0 and slot.program == KEEPER:
                continue  # it was asked to reload, and a new one reads the new settings
            failures = 0 if loop.time() - began > _STABLE_SECONDS else failures + 1
            pause = _RESTART_SECONDS[min(failures, len(_RESTART_SECONDS) - 1)]
            self._metrics.count(metrics.WORKER_RESTARTS)
            self._log.error(f"{slot.name} died, starting another", slot=slot.number, code=code, pause=pause)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)

    async def _run_worker(self, slot: Slot) -> int:
        ours, theirs = socket.socketpair()
        sockets = {name: [sock.fileno() for sock in socks] for name, socks in slot.sockets.items()}
        assignment = Assignment(str(self._site.path), slot.number, sockets, theirs.fileno())
        fds = [theirs.fileno(), *(fd for fds in sockets.values() for fd in fds)]
        slot.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", slot.program, assignment.encode(),
            pass_fds=fds, stdin=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        theirs.close()
        if self._stopping.is_set():
            slot.process.send_signal(signal.SIGTERM)
        reader, writer = await asyncio.open_connection(sock=ours)
        try:
            while line := await reader.readline():
                was_ready = slot.report.ready
                slot.report = Report.decode(line)
                if slot.report.ready and not was_ready:
                    self._log.info(f"{slot.name} ready", slot=slot.number, pid=slot.process.pid)
        except ConnectionError:
            pass
        code = await slot.process.wait()
        writer.close()
        slot.report = Report(False, [])
        self._metrics.worker_died(slot.process.pid)
        return code

    async def _stop_workers(self) -> None:
        """The workers first: the keeper sends standbys what they wrote last."""
        for program in (WORKER, KEEPER):
            running = [
                slot.process
                for slot in self._slots
                if slot.program == program and slot.process and slot.process.returncode is None
            ]
            await self._stop_processes(running)

    async def _stop_processes(self, running: list[asyncio.subprocess.Process]) -> None:
        for process in running:
            process.send_signal(signal.SIGTERM)
        patience = self._site.settings.server.drain_seconds + 10.0
        waiting = [asyncio.create_task(process.wait()) for process in running]
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=patience)
            for process in running:
                if late and process.returncode is None:
                    self._log.error("worker did not stop in time, killed", pid=process.pid)
                    process.kill()

    def _replaced(self) -> None:
        """Another server serves these databases now: whatever is written here from now on would be lost."""
        self._stopping.set()
        for slot in self._slots:
            if slot.process and slot.process.returncode is None:
                slot.process.kill()

    def _reload(self) -> None:
        try:
            site = Site.load(self._site.path)
        except Failure as failure:
            self._log.error("reload failed, going on as before", reason=failure.public)
            return
        self._site = site
        for slot in self._slots:
            if slot.process and slot.process.returncode is None:
                slot.process.send_signal(signal.SIGHUP)

    def _troubles(self) -> list[str]:
        """What is wrong now: empty when every worker serves and every database can be written to all its volumes."""
        troubles = [f"{slot.name} {slot.number} is not serving" for slot in self._slots if not slot.report.ready]
        for slot in self._slots:
            troubles += [text for text in slot.report.troubles if text not in troubles]
        return troubles


async def _patiently(addresses: list[str], port: int, workers: int) -> list[list[socket.socket]]:
    """`bind_all`; a port that is taken may be let go of in a moment, by a server that was killed and replaced."""
    for _ in range(_BIND_ATTEMPTS - 1):
        try:
            return bind_all(addresses, port, workers)
        except CannotListen:
            await asyncio.sleep(_BIND_PAUSE)
    return bind_all(addresses, port, workers)
