"""One standby's connection, on the active server: reading its answers, sending what it needs, copying."""

import asyncio
import os
from collections.abc import Callable
from contextlib import ExitStack

from pillarbox.app.standby.talk import Talk
from pillarbox.base import metrics
from pillarbox.base.clock import Clock
from pillarbox.base.log import Log
from pillarbox.base.metrics import Counters
from pillarbox.model.recovery import LogPoint, Pinned
from pillarbox.recovery.standby.messages import Ack, CopyEnd, CopyPiece, Ship
from pillarbox.recovery.standby.shipper import Shipper

_PIECE = 256 << 10
_LOOK_SECONDS = 0.2
_COPY_PATIENCE = 120.0


class Session:
    """Runs until the connection ends. `acknowledged` is called after each answer of the standby."""

    def __init__(
        self,
        talk: Talk,
        shipper: Shipper,
        acknowledged: "Callable[[Session], None]",
        counters: Counters,
        log: Log,
        clock: Clock,
    ) -> None:
        self.shipper = shipper
        self._talk = talk
        self._acknowledged = acknowledged
        self._counters = counters
        self._log = log
        self._clock = clock
        self._wake = asyncio.Event()
        self._progress_at = clock.monotonic()

    def note(self, name: str, point: LogPoint) -> None:
        """A database has a new record."""
        link = self.shipper.links.get(name)
        if link is not None:
            link.source.note(point)

    def wake(self) -> None:
        """There may be something to send."""
        self._wake.set()

    def close(self) -> None:
        self._talk.close()

    def keeps_up(self, patience: float) -> bool:
        """Whether this standby can be waited for: it had all once, and has not been silent for long since."""
        return self.shipper.caught_up and self._clock.monotonic() - self._progress_at < patience

    async def run(self) -> None:
        """Raises Failure, OSError or TimeoutError where the connection broke."""
        tasks = [asyncio.create_task(work()) for work in (self._read, self._write, self._copy_all)]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self) -> None:
        while (message := await self._talk.next(_COPY_PATIENCE)) is not None:
            while message is not None:
                self.shipper.receive(message)
                if isinstance(message, Ack):
                    self._progress_at = self._clock.monotonic()
                message = self._talk.at_hand()
            self._acknowledged(self)
            self._wake.set()

    async def _write(self) -> None:
        while True:
            self._wake.clear()
            for message in self.shipper.next_messages():
                self._talk.say(message)
                if isinstance(message, Ship):
                    octets = len(message.shipment.octets)
                    self._counters.count(metrics.STANDBY_OCTETS, octets, database=message.database)
            await self._talk.drain()
            await self._wake.wait()

    async def _copy_all(self) -> None:
        while True:
            name = self.shipper.wanted_copy()
            if name is None:
                await asyncio.sleep(_LOOK_SECONDS)
            else:
                await self._copy(name)

    async def _copy(self, name: str) -> None:
        """Sends a database file that holds still meanwhile."""
        with ExitStack() as stack:
            pinned = await self._pin(name, stack)
            self._log.info("copying to standby", database=name, standby=self.shipper.peer, octets=pinned.size)
            descriptor = os.open(pinned.path, os.O_RDONLY | os.O_CLOEXEC)
            stack.callback(os.close, descriptor)
            self._talk.say(self.shipper.copy_begins(name, pinned))
            for offset in range(0, pinned.size, _PIECE):
                size = min(_PIECE, pinned.size - offset)
                octets = await asyncio.to_thread(os.pread, descriptor, size, offset)
                self._talk.say(CopyPiece(name, offset, octets))
                await self._talk.drain()
            self._talk.say(CopyEnd(name))
            self.shipper.copy_ended(name, pinned.point)
        self._counters.count(metrics.STANDBY_COPIES, database=name)
        self._wake.set()

    async def _pin(self, name: str, stack: ExitStack) -> Pinned:
        """The file held still until `stack` is closed, even if this is cancelled while that is on its way."""
        source = self.shipper.links[name].source
        entering = asyncio.ensure_future(asyncio.to_thread(stack.enter_context, source.pin()))
        try:
            return await asyncio.shield(entering)
        except asyncio.CancelledError:
            await asyncio.wait((entering,))
            raise
