"""The store against the one in memory: whatever is done to both, they say the same.

Two accounts, several sessions that follow mailboxes by `changes` alone, several writes in one commit; the database is
closed and opened, and its file thrown away and made again from the log. At the end `verify` finds nothing.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pillarbox.base.clock import FixedClock
from pillarbox.database.engine import Engine
from pillarbox.database.mailbox.schema import MailboxSchema
from pillarbox.database.mailbox.store import MailboxStore
from pillarbox.database.place import Place
from pillarbox.mime.prepared import prepare
from pillarbox.model import search
from pillarbox.model.content import Body
from pillarbox.model.email import Flag, FlagChange, FlagMode, Message, Wanted
from pillarbox.model.failure import Failure
from pillarbox.model.ids import AccountId, MailboxId
from pillarbox.model.mailbox import Role
from pillarbox.model.store import Upload
from pillarbox.model.transaction import Delivery, Drop
from pillarbox.testing.memorystore import MemoryStore

ACCOUNTS = [AccountId(1), AccountId(2)]
PATHS = [
    "INBOX",
    "INBOX",
    "INBOX",
    "inbox",
    "A",
    "A",
    "A/B",
    "A/B",
    "A/B/C",
    "B",
    "inbox/X",
    "Sent",
    "e\u0301",
    "\u00e9/x",
    "a//b",
]
EVERYTHING = Wanted((Wanted.CONTENT << 1) - 1)
LETTERS = [
    b"Message-ID: <%d@x>\r\nSubject: %b\r\nFrom: Zo=?utf-8?q?=C3=AB?= <zoe@x>\r\nX-Number: %d\r\n%b\r\n%b\r\n"
    % (number, subject, number, extra, text)
    for number, (subject, extra, text) in enumerate(
        [
            (b"Hello", b"Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n", b"good morning"),
            (b"Re: Hello", b"References: <0@x>\r\n", b"GOOD evening"),
            (b"=?utf-8?q?Gr=C3=BC=C3=9Fe?=", b"Content-Type: text/plain; charset=utf-8\r\n", "süß".encode()),
            (b"long", b"", b"words and more words " * 100),
        ]
    )
]

accounts = st.sampled_from(ACCOUNTS)
paths = st.sampled_from(PATHS)
letters = st.integers(0, len(LETTERS) - 1)
uid_sets = st.lists(st.integers(1, 12), unique=True, max_size=6).map(sorted)
flag_bits = st.integers(0, 31)
words = st.frozensets(st.sampled_from(["red", "Red", "$Junk", "blue"]), max_size=2)
limits = st.sampled_from([(0, 0), (0, 0), (5_000, 0), (0, 6)])
drops = st.builds(
    lambda account, path, trace, limit: Drop(account, path, trace, *limit),
    accounts,
    paths,
    st.sampled_from([b"", b"Return-Path: <a@b>\r\n", b"Delivered-To: me\r\nReceived: from here\r\n"]),
    limits,
)
flag_changes = st.builds(FlagChange, st.sampled_from(list(FlagMode)), flag_bits, words, st.none() | st.integers(1, 20))
texts = st.sampled_from(["hello", "GRÜSSE", "süss", "words", "zoë", "good", "", "nothing"])
ends = st.tuples(st.none() | st.integers(0, 100), st.none() | st.integers(0, 100))
criteria = st.recursive(
    st.one_of(
        st.just(search.All()),
        st.just(search.Uids(((1, 2), (4, 6)))),
        st.sampled_from(list(Flag)[:5]).map(search.HasFlag),
        st.sampled_from(["RED", "$junk", "re"]).map(search.HasKeyword),
        ends.map(lambda pair: search.Received(*pair)),
        st.just(search.Sent(0, 1_700_000_000_000_001)),
        st.just(search.Sent(None, 1_600_000_000_000_000)),
        st.just(search.Size(150, 2_000)),
        st.integers(0, 20).map(search.ModSeqAbove),
        st.builds(search.Header, st.sampled_from(["Subject", "from", "X-Number", "Received", "return-path"]), texts),
        st.builds(search.Text, texts, st.booleans()),
    ),
    lambda inner: st.one_of(
        inner.map(search.Not),
        st.lists(inner, max_size=3).map(lambda parts: search.AllOf(tuple(parts))),
        st.lists(inner, max_size=3).map(lambda parts: search.AnyOf(tuple(parts))),
    ),
    max_leaves=4,
)


class Session:
    """A client that reads a mailbox once and then follows it by its changes."""

    def __init__(self, account: AccountId, real: MailboxId, model: MailboxId) -> None:
        self.account, self.real, self.model = account, real, model
        self.modseq = 0
        self.view: dict[int, tuple[int, str]] = {}
        self.gone = False


class StoreAgainstModel(RuleBasedStateMachine):
    """Every rule does the same to both and compares the answers."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="pillarbox-"))
        (self.directory / "data").mkdir()
        (self.directory / "log").mkdir()
        self.place = Place("mail", self.directory / "data", (self.directory / "log",))
        self.clock = FixedClock()
        self.runner = asyncio.Runner()
        self.model = MemoryStore(self.clock)
        self.engine = Engine.create(self.place, MailboxSchema())
        self.sessions: list[Session] = []
        self.emails: dict[int, int] = {}
        self.commits = 0
        self.runner.run(self._use())

    async def _use(self) -> None:
        self.real = MailboxStore(self.engine, self.clock, self.directory / "locks")

    def run(self, call: Callable[[], Awaitable[Any]]) -> Any:
        async def outcome() -> Any:
            try:
                return await call()
            except Failure as failure:
                return failure.kind

        return self.runner.run(outcome())

    def both(self, call: Callable[[Any], Awaitable[Any]]) -> Any:
        """Does it to both; the answers are the same."""
        self.commits += 1
        real = self.run(lambda: call(self.real))
        model = self.run(lambda: call(self.model))
        assert real == model
        return real

    def boxes(self, account: AccountId, path: str) -> dict[Any, MailboxId]:
        """A mailbox's ids in both, of one that never was where there is none."""
        ids = {}
        for store in (self.real, self.model):
            found = self.run(lambda store=store: store.mailbox(account, path))
            ids[store] = found.id if hasattr(found, "id") else MailboxId(10**9)
        return ids

    @initialize()
    def begin_with_some_mail(self) -> None:
        for account in ACCOUNTS:
            self.both(lambda store, account=account: store.open_account(account, 0, 0))
            self.create(account, "A/B", None)
            self.append(account, "INBOX", [0, 1, 2, 3], 0, frozenset())
            self.append(account, "A", [0, 1], Flag.DELETED, frozenset({"red"}))
            self.copy_or_move(account, account, "INBOX", "A/B", [1, 2], False)

    @rule(account=accounts, limit=limits)
    def open_account(self, account: AccountId, limit: tuple[int, int]) -> None:
        self.both(lambda store: store.open_account(account, *limit))

    @rule(account=accounts, path=paths, role=st.sampled_from([None, None, Role.TRASH, Role.ALL]))
    def create(self, account: AccountId, path: str, role: Role | None) -> None:
        async def create(store: Any) -> Any:
            return (await store.create_mailbox(account, path, role))._replace(id=0)

        self.both(create)

    @rule(account=accounts, path=paths, new_path=paths)
    def rename(self, account: AccountId, path: str, new_path: str) -> None:
        self.both(lambda store: store.rename_mailbox(account, path, new_path))

    @rule(account=accounts, path=paths)
    def delete(self, account: AccountId, path: str) -> None:
        self.both(lambda store: store.delete_mailbox(account, path))

    @rule(account=accounts, path=paths, subscribed=st.booleans())
    def subscribe(self, account: AccountId, path: str, subscribed: bool) -> None:
        self.both(lambda store: store.subscribe(account, path, subscribed))
        self.both(lambda store: store.subscriptions(account))

    @rule(account=accounts)
    @precondition(lambda self: self.commits > 20)
    def delete_account(self, account: AccountId) -> None:
        self.both(lambda store: store.delete_account(account))

    @rule(seconds=st.sampled_from([0.5, 1, 1000]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(account=accounts, path=paths, bodies=st.lists(letters, max_size=3), flags=flag_bits, keywords=words)
    def append(self, account: AccountId, path: str, bodies: list[int], flags: int, keywords: frozenset[str]) -> None:
        ids = self.boxes(account, path)
        uploads = [Upload(Body(LETTERS[body]), prepare(LETTERS[body]), flags, keywords, 10 * body) for body in bodies]
        self.both(lambda store: store.append(ids[store], uploads))

    @rule(deliveries=st.lists(st.tuples(letters, st.lists(drops, max_size=3)), min_size=1, max_size=4))
    def deliver(self, deliveries: list[tuple[int, list[Drop]]]) -> None:
        """Several at once, which come into one commit."""
        mails = [Delivery(Body(LETTERS[body]), prepare(LETTERS[body]), tuple(to), 50) for body, to in deliveries]

        def kinds(outcomes: list[list[Failure | None]]) -> list[list[Any]]:
            return [[failure and failure.kind for failure in some] for some in outcomes]

        async def real() -> Any:
            return await asyncio.gather(*[self.real.deliver(mail) for mail in mails])

        async def model() -> Any:
            return [await self.model.deliver(mail) for mail in mails]

        assert kinds(self.run(real)) == kinds(self.run(model))

    @rule(account=accounts, path=paths, uids=uid_sets, changes=st.lists(flag_changes, min_size=1, max_size=3))
    def set_flags(self, account: AccountId, path: str, uids: list[int], changes: list[FlagChange]) -> None:
        ids = self.boxes(account, path)
        for change in changes:
            self.both(lambda store, change=change: store.set_flags(ids[store], uids, change))

    @rule(account=accounts, other=accounts, path=paths, goal=paths, uids=uid_sets, move=st.booleans())
    def copy_or_move(
        self, account: AccountId, other: AccountId, path: str, goal: str, uids: list[int], move: bool
    ) -> None:
        source, to = self.boxes(account, path), self.boxes(other, goal)
        if move:
            self.both(lambda store: store.move(source[store], uids, to[store]))
        else:
            self.both(lambda store: store.copy(source[store], uids, to[store]))

    @rule(account=accounts, path=paths, uids=uid_sets | st.none())
    def expunge(self, account: AccountId, path: str, uids: list[int] | None) -> None:
        ids = self.boxes(account, path)
        self.both(lambda store: store.expunge(ids[store], uids))

    @rule(account=accounts, path=paths, uids=uid_sets)
    def remove(self, account: AccountId, path: str, uids: list[int]) -> None:
        ids = self.boxes(account, path)
        self.both(lambda store: store.remove(ids[store], uids))

    @rule(account=accounts, path=paths, chosen=st.sets(st.integers(0, 5)))
    def restore(self, account: AccountId, path: str, chosen: set[int]) -> None:
        async def restore(store: Any) -> Any:
            items = await store.deleted_items(account)
            emails = [item.email for number, item in enumerate(items) if number in chosen]
            return await store.restore_items(account, emails, path)

        self.both(restore)

    @rule(age=st.sampled_from([0, 1, 1000]), limit=st.integers(0, 5))
    def purge(self, age: int, limit: int) -> None:
        before = self.clock.now() - age * 1_000_000
        self.both(lambda store: store.purge(before, limit))

    @rule(account=accounts, path=paths, criterion=criteria)
    def find(self, account: AccountId, path: str, criterion: search.Criterion) -> None:
        ids = self.boxes(account, path)
        self.both(lambda store: store.search(ids[store], criterion))

    @rule(account=accounts, path=paths, body=letters)
    def has_content(self, account: AccountId, path: str, body: int) -> None:
        ids = self.boxes(account, path)
        self.both(lambda store: store.has_content(ids[store], [Body(LETTERS[body]), Body(b"never")]))

    @rule(account=accounts, path=paths)
    def select(self, account: AccountId, path: str) -> None:
        ids = self.boxes(account, path)
        found = self.both(lambda store: store.uids(ids[store]))
        if isinstance(found, tuple) and len(self.sessions) < 4:
            session = Session(account, ids[self.real], ids[self.model])
            self.sessions.append(session)
            self.sync(session)

    @precondition(lambda self: self.sessions)
    @rule(number=st.integers(0, 3))
    def follow(self, number: int) -> None:
        self.sync(self.sessions[number % len(self.sessions)])

    def sync(self, session: Session) -> None:
        """What a session learnt by changes alone is what is there."""
        ids = {self.real: session.real, self.model: session.model}
        changes = self.both(lambda store: store.changes(ids[store], session.modseq))
        if changes.mailbox_gone:
            self.sessions.remove(session)
            return
        for uid in changes.gone:
            session.view.pop(uid, None)
        for state in changes.changed:
            session.view[state.uid] = (state.flags, state.keywords)
        session.modseq = changes.modseq
        assert len(session.view) == changes.exists
        there = {message.uid: (message.flags, message.keywords) for message in self.read(self.model, session.model)}
        assert session.view == there

    def read(self, store: Any, mailbox: MailboxId, wanted: Wanted = Wanted.NOTHING) -> list[Message]:
        async def fetch() -> list[Message]:
            return [message async for page in store.fetch(mailbox, range(1, 200), wanted) for message in page]

        return self.runner.run(fetch())

    @precondition(lambda self: self.commits > 8)
    @rule()
    def reopen(self) -> None:
        self.close()
        self.engine = Engine.open(self.place, MailboxSchema())
        self.runner.run(self._use())

    @precondition(lambda self: self.commits > 8)
    @rule()
    def lose_the_database_file(self) -> None:
        """The log makes it again."""
        self.close()
        for file in self.place.data.glob("mail.db*"):
            file.unlink()
        self.engine = Engine.open(self.place, MailboxSchema())
        self.runner.run(self._use())
        for account in ACCOUNTS:
            self.compare(account)
        self.verify()

    def close(self) -> None:
        self.commits = 0
        self.real.close()
        self.engine.close()

    @invariant()
    def mailboxes_agree(self) -> None:
        for account in ACCOUNTS:
            assert self.run(lambda account=account: self.real.usage(account)) == self.run(
                lambda account=account: self.model.usage(account)
            )
            real = self.run(lambda account=account: self.real.mailboxes(account))
            model = self.run(lambda account=account: self.model.mailboxes(account))
            assert [box._replace(id=0) for box in real] == [box._replace(id=0) for box in model]

    def compare(self, account: AccountId) -> None:
        """Every message with all its columns; which placements are of one email; every deleted item."""
        for box in self.run(lambda: self.model.mailboxes(account)):
            ids = self.boxes(account, box.path)
            self.both(lambda store, ids=ids: store.changes(ids[store], 0))
            real = self.read(self.real, ids[self.real], EVERYTHING)
            model = self.read(self.model, ids[self.model], EVERYTHING)
            for one, other in zip(real, model, strict=True):
                assert self.emails.setdefault(one.email, other.email) == other.email
                assert one.content.read(0, 10**9) == other.content.read(0, 10**9)
                assert b"".join(one.content.pieces(3, 40)) == other.content.read(3, 40)
                assert one._replace(email=0, content=None) == other._replace(email=0, content=None)

        async def deleted(store: Any) -> Any:
            return [item._replace(email=0) for item in await store.deleted_items(account)]

        self.both(deleted)

    def verify(self) -> None:
        with self.engine.read() as cursor:
            assert list(MailboxSchema().verify(cursor)) == []

    def teardown(self) -> None:
        try:
            self.reopen()
            for session in list(self.sessions):
                self.sync(session)
            for account in ACCOUNTS:
                self.compare(account)
            self.verify()
        finally:
            self.close()
            self.runner.close()
            shutil.rmtree(self.directory)


TestStoreAgainstModel = StoreAgainstModel.TestCase
TestStoreAgainstModel.settings = settings(
    max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
