"""Where all parts come together: the only file that names concrete databases, directory and transport.

`open_parts` opens every database of a site that can be opened, the directory and the mail stores, and connects commits
of this process to those who watch in all processes. It raises the `Failure` of the directory where that cannot be
opened; other databases may be missing then, and come and go later (see `mounting.py`). `Parts` is what workers and
commands work with; `services.py` makes the network services from it.
"""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from pillarbox.app.broadcast import Broadcast
from pillarbox.app.mounting import Mounts
from pillarbox.app.site import DIRECTORY_DATABASE, Site
from pillarbox.app.standby.guards import make_guards
from pillarbox.app.standby.standing import refuse_standby
from pillarbox.base import metrics
from pillarbox.base.clock import Clock, SystemClock
from pillarbox.base.failure import FailureKind
from pillarbox.base.ids import Ids, SystemIds
from pillarbox.base.log import Log
from pillarbox.base.settings import Login
from pillarbox.database.engine import Engine
from pillarbox.database.mailbox.schema import MailboxSchema
from pillarbox.database.mailbox.store import MailboxStore
from pillarbox.database.place import Place, Surroundings, Tuning
from pillarbox.directory.directory import EmbeddedDirectory
from pillarbox.directory.schema import DirectorySchema
from pillarbox.model.change import Change
from pillarbox.model.directory import Person
from pillarbox.model.failure import Failure
from pillarbox.model.logged import Alarm, Schema, VolumeState
from pillarbox.model.store import MailStore
from pillarbox.monitor.logging import make_log
from pillarbox.monitor.metrics import ProcessCounters
from pillarbox.transport.local import LocalIntake


class Parts:
    """One process's databases, directory, stores and transport."""

    def __init__(
        self, site: Site, log: Log, counters: ProcessCounters, broadcast: Broadcast, name: str, waits: bool
    ) -> None:
        self.site = site
        self.log = log
        self.counters = counters
        self.clock: Clock = SystemClock()
        self.ids: Ids = SystemIds()
        self.broadcast = broadcast
        self.guards = make_guards(site, name, waits, self.alarm, self.clock)
        self.mounts = Mounts(site, log, self.alarm, lambda name: _open_engine(self, name, False), self._make_store)
        self.engines: dict[str, Engine] = self.mounts.engines
        self.stores: dict[str, MailboxStore] = self.mounts.stores
        self.directory: EmbeddedDirectory
        self.intake: LocalIntake
        self._directory_settings: tuple[Login, str] | None = None

    def close(self) -> None:
        """Lets go of the directory's threads; the databases are closed by who opened them."""
        if self._directory_settings is not None:
            self.directory.close()

    def use_settings(self, site: Site) -> None:
        """Directory and transport as the site's settings say; the databases stay as they are."""
        settings = site.settings
        self.site = site
        separator = settings.smtp.subaddress_separator
        if self._directory_settings != (settings.login, separator):  # else lock-outs and known logins stay
            self.close()
            self._directory_settings = (settings.login, separator)
            self.directory = EmbeddedDirectory(
                self.engines[DIRECTORY_DATABASE], settings.login, separator, self.clock, self.ids
            )
        self.intake = LocalIntake(self.directory, self, settings, self.clock, self.ids)

    def store(self, database: str) -> MailStore:
        """A mail store by its database's name (`model.store.Stores`)."""
        try:
            return self.stores[database]
        except KeyError:
            raise Failure(FailureKind.UNAVAILABLE, "This mailbox's database is not open; try again later.") from None

    def _make_store(self, name: str, engine: Engine) -> MailboxStore:
        locks = self.site.data_volume / "locks" / name
        locks.mkdir(mode=0o700, parents=True, exist_ok=True)
        return MailboxStore(engine, self.clock, locks, partial(self.broadcast.send, name))

    async def person(self, address: str) -> Person:
        """A person by an address of theirs. Raises Failure(NOT_FOUND)."""
        person = await self.directory.person(address)
        if person is None:
            raise Failure(FailureKind.NOT_FOUND, f"there is nobody with the address {address}; see `user list`")
        return person

    async def emptiest_database(self) -> str:
        """The mailbox database with the fewest people, for the next one."""
        counts = dict.fromkeys(self.stores, 0)
        if not counts:
            raise Failure(FailureKind.UNAVAILABLE, "No mailbox database is open; see `pillarbox database list`.")
        for person in await self.directory.people():
            if person.database in counts:
                counts[person.database] += 1
        return min(counts, key=lambda name: counts[name])

    def troubles(self) -> list[str]:
        """What is wrong with the databases now, a sentence each."""
        troubles = self.mounts.troubles()
        for engine in list(self.engines.values()):
            status = engine.status()
            if status.damaged:
                repair = f"run `pillarbox repair {engine.name}`"
                troubles.append(f"database {engine.name} is damaged, {repair}: {status.damaged}")
            if status.stopped:
                troubles.append(f"database {status.name} refuses writes: {status.stopped}")
            troubles += [
                f"log volume {volume.path} of database {status.name} is {volume.state.value}"
                for volume in status.log_volumes
                if volume.state is not VolumeState.IN_USE
            ]
        return troubles

    def alarm(self, alarm: Alarm) -> None:
        """An operator must hear of this: a line at level error, and a count."""
        self.log.error("alarm", database=alarm.database, kind=alarm.kind.value, text=alarm.text)
        self.counters.count(metrics.ALARMS, kind=alarm.kind.value)

    def hear(self, database: str, changes: list[Change]) -> None:
        """Another process changed something."""
        if database in self.stores:
            self.stores[database].inject(changes)


@contextmanager
def open_parts(site: Site, name: str, *, create: bool = False, waits: bool = False) -> Iterator[Parts]:
    """All of a site that can be opened; `name` tells this process from the others. With `create`, makes the databases.
    With `waits`, its writes wait for a standby where the settings say so.

    Under a running event loop the changes of other processes are heard. Raises NOT_ALLOWED for a standby's site.
    """
    if not create:
        refuse_standby(site)
    site.make_directories()
    log = make_log(site.settings.server.log_format, site.settings.server.log_level)
    with ExitStack() as stack:
        loop = asyncio.get_running_loop()
        broadcast = Broadcast(site.notices, name, SystemClock().monotonic)
        stack.callback(broadcast.close, loop)
        counters = ProcessCounters(site.run / "metrics", name)
        stack.callback(counters.close)
        parts = Parts(site, log, counters, broadcast, name, waits)
        if parts.guards is not None:
            stack.callback(parts.guards.close)
        if create:
            for database in database_names(site):
                _open_engine(parts, database, True).close()
        stack.callback(parts.mounts.close)
        parts.mounts.open_all(database_names(site))
        parts.use_settings(site)
        stack.callback(parts.close)
        broadcast.listen(loop, parts.hear)
        if parts.guards is not None:
            parts.guards.listen(loop)
        yield parts


def place_of(site: Site, name: str) -> Place:
    """Where a database of a site lies."""
    return Place(name, site.data_volume, site.log_volumes)


def schema_of(name: str) -> Schema:
    """The tables of a database, by its name."""
    return DirectorySchema() if name == DIRECTORY_DATABASE else MailboxSchema()


def database_names(site: Site) -> list[str]:
    """All databases of a site."""
    return [DIRECTORY_DATABASE, *site.settings.storage.databases]


def _open_engine(parts: Parts, name: str, create: bool) -> Engine:
    tuning = Tuning(segment_size=parts.site.settings.storage.segment_size, migrate=False)
    surroundings = Surroundings(
        clock=parts.clock,
        ids=parts.ids,
        alarm=parts.alarm,
        counters=parts.counters,
        safeguard=parts.guards.guard(name) if parts.guards is not None else None,
    )
    make = Engine.create if create else Engine.open
    return make(place_of(parts.site, name), schema_of(name), tuning, surroundings)


def create_database(site: Site, name: str) -> None:
    """Makes one more empty mailbox database, to be named in `[storage] databases` then. Raises ALREADY_EXISTS."""
    tuning = Tuning(segment_size=site.settings.storage.segment_size)
    Engine.create(place_of(site, name), schema_of(name), tuning).close()
