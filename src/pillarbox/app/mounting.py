"""The databases that one process has open: each is mounted or dismounted by itself, and the others go on.

`Mounts` opens what can be opened and remembers why the rest cannot. `follow` looks, four times a second, at
what the site says is dismounted (see `dismounted.py`): it closes such a database, which finishes what is queued, and
opens it again when the site no longer says so. One that could not be opened is tried again whenever that state
changes, and every few seconds where a disk was missing. Each mount has a new store: sessions of before
notice that theirs is another one. To be used on one event loop; opening and closing run in threads.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from pillarbox.app.dismounted import Hold, dismounted, dismounted_directory
from pillarbox.app.site import DIRECTORY_DATABASE, Site
from pillarbox.base.failure import FailureKind
from pillarbox.base.log import Log
from pillarbox.database.engine import Engine
from pillarbox.database.mailbox.store import MailboxStore
from pillarbox.model.failure import Failure
from pillarbox.model.logged import Alarm, AlarmKind

_LOOK_SECONDS = 0.25
_RETRY_SECONDS = 5.0


class Opened(NamedTuple):
    """A database's engine and this process's share in its files."""

    engine: Engine
    hold: Hold


class Mounts:
    """See the module. `engines` and `stores` hold what is open now, by name."""

    def __init__(
        self,
        site: Site,
        log: Log,
        alarm: Callable[[Alarm], None],
        open_engine: Callable[[str], Engine],
        make_store: Callable[[str, Engine], MailboxStore],
    ) -> None:
        self.engines: dict[str, Engine] = {}
        self.stores: dict[str, MailboxStore] = {}
        self.failures: dict[str, Failure] = {}
        self._site = site
        self._log = log
        self._alarm = alarm
        self._open_engine = open_engine
        self._make_store = make_store
        self._holds: dict[str, Hold] = {}
        self._closed: dict[str, MailboxStore] = {}
        self._tried: dict[str, tuple[int, float]] = {}
        self._busy: dict[str, asyncio.Task[None]] = {}

    def open_all(self, names: Sequence[str]) -> None:
        """Opens all that can be, in parallel: each may have a log to play forward.

        Raises the Failure of the directory, without which nothing works.
        """
        with ThreadPoolExecutor(len(names)) as pool:
            futures = [pool.submit(self._open, name) for name in names]
        errors = [(name, future.exception()) for name, future in zip(names, futures, strict=True)]
        for (name, error), future in zip(errors, futures, strict=True):
            if error is None:
                self._entered(name, future.result())
            elif isinstance(error, Failure) and name != DIRECTORY_DATABASE:
                self._failed(name, error)
        for name, error in errors:
            if name == DIRECTORY_DATABASE and isinstance(error, Failure):
                raise _without_directory(error)
            if error is not None and not isinstance(error, Failure):
                raise error

    def close(self) -> None:
        """Lets go of everything."""
        for name in list(self.engines):
            engine, hold = self._left(name)
            engine.close()
            hold.release()

    def troubles(self) -> list[str]:
        """Which databases are not open and why, a sentence each."""
        return [f"database {name} is not open: {failure.public}" for name, failure in sorted(self.failures.items())]

    async def follow(self) -> None:
        """Mounts and dismounts as the site's state says, until cancelled."""
        try:
            while True:
                await asyncio.sleep(_LOOK_SECONDS)
                self._adapt(asyncio.get_running_loop().time())
        finally:
            await asyncio.gather(*self._busy.values(), return_exceptions=True)

    def _adapt(self, now: float) -> None:
        changed, listed = self._look()
        for name in [*self.engines, *self.failures]:
            if name in self._busy or name == DIRECTORY_DATABASE:
                continue
            if name in self.engines and name in listed:
                self._begin(name, self._dismount(name))
            elif name in self.failures and name not in listed:
                tried, at = self._tried.get(name, (0, now))
                missing = self.failures[name].kind is FailureKind.UNAVAILABLE and now - at >= _RETRY_SECONDS
                if tried != changed or missing:
                    self._tried[name] = (changed, now)
                    self._begin(name, self._mount(name))

    def _begin(self, name: str, work: Coroutine[None, None, None]) -> None:
        """Lets the work on one database go on beside that on others."""
        task = self._busy[name] = asyncio.ensure_future(work)
        task.add_done_callback(lambda done: self._ended(name, done))

    def _ended(self, name: str, task: "asyncio.Task[None]") -> None:
        self._busy.pop(name)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log.error("mounting failed", database=name, reason=repr(error))

    async def _dismount(self, name: str) -> None:
        engine, hold = self._left(name)
        self._failed(name, self._dismounted(name) or Failure(FailureKind.UNAVAILABLE, "It was dismounted."))
        try:
            await asyncio.to_thread(engine.close)
            await asyncio.sleep(0)  # a view that was open on this loop while the engine closed is closed by now
        finally:
            hold.release()

    async def _mount(self, name: str) -> None:
        try:
            opened = await asyncio.to_thread(self._open, name)
        except Failure as failure:
            if failure.public != self.failures[name].public:
                self._failed(name, failure)
            return
        self._entered(name, opened)
        self._log.info("mounted", database=name)

    def _open(self, name: str) -> Opened:
        hold = Hold(self._site, name)
        try:
            failure = self._dismounted(name)
            if failure is not None:
                raise failure
            return Opened(self._open_engine(name), hold)
        except BaseException:
            hold.release()
            raise

    def _entered(self, name: str, opened: Opened) -> None:
        self.failures.pop(name, None)
        self.engines[name], self._holds[name] = opened
        if name != DIRECTORY_DATABASE:
            self.stores[name] = self._make_store(name, opened.engine)
        if name in self._closed:
            self._closed.pop(name).wake_all()

    def _left(self, name: str) -> Opened:
        """Nobody gets the store from here on; those who have it are refused once the engine is closed."""
        if name in self.stores:
            self._closed[name] = self.stores.pop(name)
            self._closed[name].close()
        return Opened(self.engines.pop(name), self._holds.pop(name))

    def _failed(self, name: str, failure: Failure) -> None:
        failure = _advised(name, failure)
        self.failures[name] = failure
        text = f"Database {name} is not open, its people get temporary failures: {failure.public}"
        self._alarm(Alarm(name, AlarmKind.NOT_MOUNTED, text))

    def _dismounted(self, name: str) -> Failure | None:
        why = dismounted(self._site, name)
        if why is None:
            return None
        text = f"It is dismounted ({why.reason}); `pillarbox database mount {name}` opens it."
        return Failure(FailureKind.UNAVAILABLE, text)

    def _look(self) -> tuple[int, list[str]]:
        """When the list of dismounted databases last changed, and their names."""
        folder = dismounted_directory(self._site)
        try:
            return os.stat(folder).st_mtime_ns, os.listdir(folder)
        except FileNotFoundError:
            return 0, []


_ADVICE = {
    FailureKind.CORRUPT: "Put it right with `pillarbox repair {name}`.",
    FailureKind.NOT_FOUND: (
        "Bring it back with `pillarbox restore database {name}`; `pillarbox database dial-tone {name}` gives its "
        "people an empty one meanwhile."
    ),
}


def _advised(name: str, failure: Failure) -> Failure:
    """The same, with what to type."""
    advice = _ADVICE.get(failure.kind, "").format(name=name)
    if not advice or advice in failure.public:
        return failure
    return Failure(failure.kind, f"{failure.public} {advice}", failure.cause)


def _without_directory(failure: Failure) -> Failure:
    text = (
        f"{failure.public} Without the directory nothing can be served; if it is lost or damaged, bring it back with "
        "`pillarbox restore database directory`."
    )
    return Failure(failure.kind, text, failure.cause)
