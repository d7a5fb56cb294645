"""What a connection knows: who is there, which mailbox is selected, what the client has been told.

`Client` is handed to every command. Commands answer through it and through nothing else: `untagged`, `ok`, and the
exceptions `Failure`, `Refusal` and `MailboxGone`, which `handler` turns into the last line of an answer.
"""

from asyncio import TimerHandle
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from pillarbox.base.clock import Clock
from pillarbox.base.settings import Imap
from pillarbox.mime.message import Message as MimeTree
from pillarbox.model.change import Change
from pillarbox.model.directory import Person
from pillarbox.model.failure import Failure
from pillarbox.model.ids import AccountId, MailboxId, ModSeq
from pillarbox.model.store import MailStore, Stores, Upload
from pillarbox.net.handler import Connection
from pillarbox.servers.imap.context import Context
from pillarbox.servers.imap.flags import FlagTexts
from pillarbox.servers.login import Logins, SaslLogin
from pillarbox.servers.spool import Spool
from pillarbox.wire.imap.replies import ImapReply, Tagged, Untagged
from pillarbox.wire.imap.responses import Status
from pillarbox.wire.imap.session import ImapSession
from pillarbox.wire.imap.view import View


class Services(NamedTuple):
    """What all connections of an IMAP server share.

    `spool` is the directory for messages above `spool_above` octets while they arrive. `sweep_seconds` is how often an
    idling connection looks for changes without having been told of any, since notices may be lost. `progress_seconds`
    is how often the client of a long search is told that it goes on.
    """

    logins: Logins
    stores: Stores
    settings: Imap
    clock: Clock
    spool: Path
    spool_above: int
    tls_available: bool
    sweep_seconds: float = 60.0
    progress_seconds: float = 10.0


class Refusal(Exception):
    """A command is answered with NO (or BAD) for a reason that only IMAP knows; `code` without brackets."""

    def __init__(self, text: str, code: bytes = b"", status: Status = Status.NO) -> None:
        super().__init__(text)
        self.text = text
        self.code = code
        self.status = status


class MailboxGone(Exception):
    """The selected mailbox was deleted by somebody else."""


class Remounted(Exception):
    """The person's database was closed and opened again, perhaps with other contents: nothing the client knows of it
    need hold."""


class NoTarget(Failure):
    """The mailbox that APPEND, COPY or MOVE wants to put mail into is not there."""


class Selected:
    """The selected mailbox as this client sees it.

    `view` is what the client was told; `modseq` how far the store's changes have been read. `withheld` are messages
    that are gone and not announced yet. `told` are flag changes of the client's own, by uid, that it has been
    told of already (or does not want to see). `condstore`: the client wants modification sequences (RFC 7162).
    """

    __slots__ = ("checked_at", "condstore", "contexts", "deleted", "dirty", "id", "modseq", "path", "read_only",
                 "texts", "told", "tree", "tree_uid", "uid_validity", "view", "withheld")  # fmt: skip

    def __init__(self, mailbox: MailboxId, path: str, uid_validity: int, read_only: bool, view: View, modseq: ModSeq):
        self.id = mailbox
        self.path = path
        self.uid_validity = uid_validity
        self.read_only = read_only
        self.view = view
        self.modseq = modseq
        self.texts = FlagTexts()
        self.withheld: set[int] = set()
        self.contexts: dict[bytes, Context] = {}
        """Searches whose results the client is kept up to date of, by their tags."""
        self.told: dict[int, int] = {}
        self.condstore = False
        self.dirty = False
        """A notice came that has not been looked into."""
        self.checked_at = 0.0
        """When changes were last read, by the monotonic clock."""
        self.deleted = False
        """This client deleted the mailbox itself: it stays selected, and empty."""
        self.tree_uid = 0
        self.tree: MimeTree | None = None
        """The MIME tree of the message read last, its bytes left out: clients ask for part after part."""


class Arriving(NamedTuple):
    """One message on its way in."""

    flags: int
    keywords: frozenset[str]
    date: int | None
    binary: bool
    spool: Spool


@dataclass(slots=True)
class Receiving:
    """The messages of one APPEND or REPLACE on their way in.

    `ready` have come, `coming` is the one whose octets come next; `replacing` is the mailbox and uid of the message
    that goes when they are kept.
    """

    tag: bytes
    mailbox: MailboxId
    coming: Arriving
    octets: int
    ready: list[tuple[Spool, Upload]] = field(default_factory=list)
    replacing: tuple[MailboxId, int] | None = None

    def discard(self) -> None:
        """Lets go of everything that has come."""
        for spool, _ in self.ready:
            spool.discard()
        self.coming.spool.discard()


class Client:
    """One connection's state and its way to answer; see the module."""

    def __init__(self, services: Services, connection: Connection, session: ImapSession) -> None:
        self.services = services
        self.connection = connection
        self.session = session
        self.selected: Selected | None = None
        self.exchange: SaslLogin | None = None
        self.receiving: Receiving | None = None
        self.condstore = False
        self._person: Person | None = None
        self._store: MailStore | None = None
        self._unwatch: Callable[[], None] | None = None
        self._sweep: TimerHandle | None = None

    # Who is there

    async def enter(self, person: Person) -> None:
        """The person has logged in: opens their account and watches it."""
        store = self.services.stores.store(person.database)
        await store.open_account(person.account, person.octet_limit, person.message_limit)
        self._person, self._store = person, store
        self._unwatch = store.watch(person.account, self._notice)

    def check_store(self) -> None:
        """Raises Remounted where the store that this client works with is not the one that is open now."""
        if self._person is None:
            return
        try:
            store = self.services.stores.store(self._person.database)
        except Failure:
            return  # not open at all: whatever asks for mail is refused
        if store is not self._store:
            raise Remounted

    @property
    def account(self) -> AccountId:
        assert self._person is not None, "the wire session lets nobody here before login"
        return self._person.account

    @property
    def store(self) -> MailStore:
        assert self._store is not None, "the wire session lets nobody here before login"
        return self._store

    @property
    def mailbox(self) -> Selected:
        """The selected mailbox, in commands that are legal only where there is one."""
        assert self.selected is not None, "the wire session lets nobody here without a mailbox"
        return self.selected

    def _notice(self, change: Change) -> None:
        selected = self.selected
        if selected is not None and change.mailbox in (selected.id, 0):
            selected.dirty = True
            if self.session.idling:
                self.connection.wake()

    def enable_condstore(self) -> None:
        """The client wants modification sequences from now on (RFC 7162 section 3.1)."""
        self.condstore = True
        if self.selected is not None:
            self.selected.condstore = True

    # Answering

    def send(self, reply: ImapReply) -> None:
        """Gives a reply to the peer."""
        self.connection.write(self.session.send(reply))

    def untagged(self, data: bytes) -> None:
        """Sends untagged responses, whole lines."""
        if data:
            self.connection.write(self.session.send(Untagged(data)))

    def ok(self, tag: bytes, text: str, code: bytes = b"") -> None:
        """Ends a command well."""
        self.send(Tagged(tag, Status.OK, text, code))

    @property
    def utf8(self) -> bool:
        return self.session.utf8

    # Letting go

    def arm_sweep(self, seconds: float, later: Callable[[float, Callable[[], None]], TimerHandle]) -> None:
        """Wakes this connection after some time, unless `disarm_sweep` comes first."""
        self.disarm_sweep()
        self._sweep = later(seconds, self.connection.wake)

    def disarm_sweep(self) -> None:
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None

    def drop_receiving(self) -> None:
        """Lets go of messages that were being received."""
        if self.receiving is not None:
            self.receiving.discard()
            self.receiving = None

    def leave(self) -> None:
        """The person has gone, the connection stays (RFC 8437)."""
        self.release()
        self.exchange = None
        self.condstore = False
        self._person = self._store = None

    def release(self) -> None:
        """Lets go of everything that is held for the person."""
        self.drop_receiving()
        self.disarm_sweep()
        self.selected = None
        if self._unwatch is not None:
            self._unwatch()
            self._unwatch = None
