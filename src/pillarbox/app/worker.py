"""One worker process: an event loop, all databases, all servers; started by the supervisor (`supervise.py`).

SIGTERM, or the end of the lifeline, stops accepting and gives clients `drain_seconds` to finish; SIGHUP reads
settings and certificates again for new connections. The first worker also removes deleted items whose time is over.
"""

import asyncio
import gc
import os
import signal
import socket
import sys
from contextlib import suppress

import uvloop

from pillarbox.app.assignment import Assignment, Report
from pillarbox.app.build import Parts, open_parts
from pillarbox.app.services import make_services, server_tls
from pillarbox.app.site import Site
from pillarbox.base.clock import MICROSECONDS
from pillarbox.model.failure import Failure
from pillarbox.monitor.logging import adopt_standard_logging
from pillarbox.net.listen import Listener, adopt
from pillarbox.net.tls import BadCertificate

_REPORT_SECONDS = 1.0
_PURGE_SECONDS = 600.0
_PURGE_AT_ONCE = 200
_DAY = 86_400 * MICROSECONDS


class Worker:
    """The servers of one process."""

    def __init__(self, assignment: Assignment, parts: Parts) -> None:
        self._assignment = assignment
        self._parts = parts
        self._tls = server_tls(parts.site)
        self._stopping = asyncio.Event()
        self._lifeline = socket.socket(fileno=assignment.lifeline)
        services = make_services(parts, self._tls)
        self._listeners = {
            name: Listener([adopt(fd) for fd in fds], services[name], parts.ids, parts.log, parts.counters)
            for name, fds in assignment.sockets.items()
        }

    async def run(self) -> None:
        """Serves until told to stop, then drains."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the supervisor decides
        self._lifeline.setblocking(False)
        loop.add_reader(self._lifeline.fileno(), self._lifeline_readable)
        for listener in self._listeners.values():
            listener.start()
        gc.collect()
        gc.freeze()  # what is here now stays: the collector need not look at it again
        gc.set_threshold(50_000, 20, 50)
        tasks = [asyncio.create_task(self._report()), asyncio.create_task(self._parts.mounts.follow())]
        if self._assignment.slot == 0:
            tasks.append(asyncio.create_task(self._purge()))
        await self._stopping.wait()
        drain = self._parts.site.settings.server.drain_seconds
        await asyncio.gather(*(listener.stop(drain) for listener in self._listeners.values()))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        loop.remove_reader(self._lifeline.fileno())
        self._lifeline.close()

    def _lifeline_readable(self) -> None:
        with suppress(BlockingIOError):
            if not self._lifeline.recv(1):
                self._stopping.set()

    async def _report(self) -> None:
        last: Report | None = None
        while True:
            report = Report(True, self._parts.troubles())
            if report != last:
                with suppress(OSError):
                    self._lifeline.send(report.encode())
                last = report
            await asyncio.sleep(_REPORT_SECONDS)

    async def _purge(self) -> None:
        """Removes deleted items whose time is over, a few at a time so that nobody waits for it."""
        while True:
            keep = self._parts.site.settings.storage.deleted_item_days * _DAY
            for name, store in list(self._parts.stores.items()):
                try:
                    while await store.purge(self._parts.clock.now() - keep, _PURGE_AT_ONCE) == _PURGE_AT_ONCE:
                        await asyncio.sleep(0.1)
                except Failure as failure:
                    self._parts.log.warning("purge failed", database=name, reason=failure.public)
            await asyncio.sleep(_PURGE_SECONDS)

    def _reload(self) -> None:
        """New settings and certificates for connections from here on; what is wrong is logged and changes nothing."""
        try:
            site = Site.load(self._assignment.site_path)
            tls = server_tls(site)
        except (Failure, BadCertificate) as error:
            self._parts.log.error("reload failed, going on as before", reason=str(error))
            return
        self._tls = tls
        self._parts.use_settings(site)
        services = make_services(self._parts, tls)
        for name, listener in self._listeners.items():
            listener.pump.service = services[name]
        self._parts.log.info("reloaded", slot=self._assignment.slot)


async def _run(assignment: Assignment) -> None:
    site = Site.load(assignment.site_path)
    with open_parts(site, f"worker-{assignment.slot}", waits=True) as parts:
        adopt_standard_logging(parts.log)
        await Worker(assignment, parts).run()


def main() -> None:
    """The process's entry: `python -m pillarbox.app.worker ASSIGNMENT`."""
    os.umask(0o077)
    assignment = Assignment.decode(sys.argv[1])
    try:
        uvloop.run(_run(assignment))
    except (Failure, BadCertificate) as error:
        print(f"pillarbox: worker {assignment.slot}: {error}", file=sys.stderr, flush=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
