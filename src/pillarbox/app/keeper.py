"""The keeper: one process beside the workers that looks after what was written.

It sends the log to every backup target each second, makes the nightly backups, prunes the log, runs the drills, and
serves standbys; each of these is a `Job`. It opens no database for writing and answers no client, and what it does in
threads gives way to the workers (a lower priority). Started by the supervisor, stopped by SIGTERM or the end of the
lifeline; SIGHUP ends it as well, since the supervisor starts another, with the new settings.
"""

import asyncio
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Protocol

import uvloop

from pillarbox.app.assignment import Assignment, Report
from pillarbox.app.recovery.jobs import make_jobs
from pillarbox.app.site import Site
from pillarbox.model.failure import Failure
from pillarbox.monitor.logging import adopt_standard_logging, make_log
from pillarbox.monitor.metrics import ProcessCounters

_REPORT_SECONDS = 1.0
_NICE = 5
_THREADS = 16


class Job(Protocol):
    """Something the keeper does as long as it lives."""

    async def run(self, stop: asyncio.Event) -> None:
        """Returns soon after `stop` is set. What it raises ends the keeper."""

    def troubles(self) -> list[str]:
        """What is wrong now, a sentence each."""


class Keeper:
    """All jobs, and the line to the supervisor."""

    def __init__(self, lifeline: socket.socket, jobs: Sequence[Job]) -> None:
        self._lifeline = lifeline
        self._jobs = jobs
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Works until told to stop. Raises what a job raised."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._stop.set)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the supervisor decides
        self._lifeline.setblocking(False)
        loop.add_reader(self._lifeline.fileno(), self._lifeline_readable)
        reporting = asyncio.create_task(self._report())
        try:
            async with asyncio.TaskGroup() as group:
                for job in self._jobs:
                    group.create_task(job.run(self._stop))
                await self._stop.wait()
        finally:
            reporting.cancel()
            loop.remove_reader(self._lifeline.fileno())
            self._lifeline.close()

    def _lifeline_readable(self) -> None:
        with suppress(BlockingIOError):
            if not self._lifeline.recv(1):
                self._stop.set()

    async def _report(self) -> None:
        last: Report | None = None
        while True:
            report = Report(True, [text for job in self._jobs for text in job.troubles()])
            if report != last:
                with suppress(OSError):
                    self._lifeline.send(report.encode())
                last = report
            await asyncio.sleep(_REPORT_SECONDS)


def _lower_priority() -> None:
    """Of this thread, and of those it begins. The loop's own thread is quick: answers may wait for a standby."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


async def _run(assignment: Assignment) -> None:
    executor = ThreadPoolExecutor(_THREADS, "job", _lower_priority)
    asyncio.get_running_loop().set_default_executor(executor)
    site = Site.load(assignment.site_path)
    log = make_log(site.settings.server.log_format, site.settings.server.log_level)
    adopt_standard_logging(log)
    counters = ProcessCounters(site.run / "metrics", "keeper")
    try:
        lifeline = socket.socket(fileno=assignment.lifeline)
        await Keeper(lifeline, make_jobs(site, log, counters)).run()
    finally:
        counters.close()


def main() -> None:
    """The process's entry: `python -m pillarbox.app.keeper ASSIGNMENT`."""
    os.umask(0o077)
    assignment = Assignment.decode(sys.argv[1])
    try:
        uvloop.run(_run(assignment))
    except Failure as failure:
        print(f"pillarbox: keeper: {failure.public}", file=sys.stderr, flush=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
