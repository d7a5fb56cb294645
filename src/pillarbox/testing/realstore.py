"""A real mailbox database in a directory of its own, for tests that want one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pillarbox.base.clock import Clock, FixedClock
from pillarbox.database.engine import Engine
from pillarbox.database.mailbox.schema import MailboxSchema
from pillarbox.database.mailbox.store import MailboxStore
from pillarbox.database.place import Place


@contextmanager
def real_store(directory: Path, clock: Clock | None = None) -> Iterator[MailboxStore]:
    """A new store, closed at the end; to be used under a running event loop."""
    data, log, locks = (directory / name for name in ("data", "log", "locks"))
    for path in (data, log, locks):
        path.mkdir()
    engine = Engine.create(Place("mailboxes", data, (log,)), MailboxSchema())
    try:
        store = MailboxStore(engine, clock or FixedClock(), locks)
        yield store
        store.close()
    finally:
        engine.close()
