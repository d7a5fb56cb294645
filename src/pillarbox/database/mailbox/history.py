"""Who deleted what, and when: the log of a mailbox database read as what happened to messages and mailboxes.

The log knows rows, not sessions: it says in whose account something happened, and not who was logged in. One record may
hold the work of many sessions; what a record undoes of itself does not show. Paths and subjects are those of the
time as far as the log that was read tells, else those of now; "" where neither knows (mail that was purged).
Raises Failure CORRUPT at damage in the log, after everything before it was given.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from typing import Any, NamedTuple

import apsw

from pillarbox.database.log.record import Record, RecordKind
from pillarbox.database.logscan import Scan, scan
from pillarbox.database.mailbox.lookup import Lookup
from pillarbox.database.place import Place, Surroundings


class What(Enum):
    """What happened. The value is the word people see."""

    ARRIVED = "arrived"  # delivered, or put in by its owner
    COPIED = "copied"  # an email got one more place
    MOVED = "moved"
    DELETED = "deleted"  # expunged from its last mailbox: a deleted item now
    REMOVED = "removed"  # expunged, and lies in another mailbox still
    RESTORED = "restored"  # a deleted item brought back
    PURGED = "purged"  # a deleted item gone for good
    FLAGS = "flags"
    MAILBOX_MADE = "mailbox-made"
    MAILBOX_RENAMED = "mailbox-renamed"
    MAILBOX_DELETED = "mailbox-deleted"
    ACCOUNT_DELETED = "account-deleted"


DELETIONS = frozenset(
    {What.MOVED, What.DELETED, What.REMOVED, What.PURGED, What.MAILBOX_DELETED, What.ACCOUNT_DELETED}
)  # fmt: skip
"""What may be behind "it was there yesterday"."""


class Event(NamedTuple):
    """One thing that happened, in record `lsn` at `time` (microseconds); what does not apply is 0 or ""."""

    lsn: int
    time: int
    what: What
    account: int
    mailbox: str
    uid: int = 0
    subject: str = ""
    message_id: str = ""
    detail: str = ""


class Wanted(NamedTuple):
    """Which events; None: any. `message_id` with or without its angle brackets."""

    since: int | None = None
    until: int | None = None
    what: frozenset[What] | None = None
    account: int | None = None
    mailbox: str | None = None
    message_id: str | None = None


class _Raw(NamedTuple):
    """An event before names are looked up."""

    lsn: int
    time: int
    what: What
    account: int
    mailbox: int
    uid: int
    content: int
    email: int
    detail: str
    to: tuple[int, int] = (0, 0)  # the mailbox and uid that a message was moved to


Row = Sequence[Any]


def find(
    place: Place, surroundings: Surroundings, wanted: Wanted, progress: Callable[[Scan], None] | None = None
) -> list[Event]:
    """The events that are wanted, in the order of the log."""
    lookup = Lookup(place.file, surroundings.vfs)
    try:
        story = _Story(lookup, wanted)
        for record in scan(place, surroundings, wanted.since, wanted.until, progress):
            if record.kind == RecordKind.CHANGES and story.may_matter(record.payload):
                story.read(record)
        return list(story.tell())
    finally:
        lookup.close()


class _Story:
    """Gathers what happened, then gives it names."""

    def __init__(self, lookup: Lookup, wanted: Wanted) -> None:
        self._lookup = lookup
        self._wanted = wanted
        self._events: list[_Raw] = []
        self._only_deletions = wanted.what is not None and wanted.what <= DELETIONS

    def may_matter(self, payload: bytes) -> bool:
        """Cheaply: deletions leave a tombstone or say so in a table of their own; most records have none."""
        return not self._only_deletions or any(mark in payload for mark in _DELETION_MARKS)

    def read(self, record: Record) -> None:
        """Takes a record's events."""
        rows: dict[tuple[str, str], list[tuple[Row | None, Row | None]]] = defaultdict(list)
        for change in apsw.Changeset.iter(record.payload):
            name = change.name
            if name in _TABLES:
                rows[name, change.op].append((change.old, change.new))
        names = self._lookup
        for _, new in rows["mailbox", "INSERT"]:
            names.saw_mailbox(_row(new))
        for old, _ in rows["mailbox", "DELETE"]:
            names.saw_mailbox(_row(old))
        for name, side in (("INSERT", 1), ("DELETE", 0)):
            for both in rows["content", name]:
                names.saw_content(_row(both[side]))
            for both in rows["email", name]:
                names.saw_email(_row(both[side]))
        # A changeset has no order of its own.
        for raw in sorted(self._mailboxes(record, rows), key=_order) + sorted(self._messages(record, rows), key=_order):
            if self._wanted.what is None or raw.what in self._wanted.what:
                self._events.append(raw)

    def _mailboxes(
        self, record: Record, rows: dict[tuple[str, str], list[tuple[Row | None, Row | None]]]
    ) -> Iterator[_Raw]:
        def event(what: What, account: int, mailbox: int, detail: str = "") -> _Raw:
            return _Raw(record.lsn, record.time, what, account, mailbox, 0, 0, 0, detail)

        for _, new in rows["mailbox", "INSERT"]:
            yield event(What.MAILBOX_MADE, _row(new)[1], _row(new)[0])
        for old, new in rows["mailbox", "UPDATE"]:
            before, after = _row(old), _row(new)
            if isinstance(after[_PATH], str):
                self._lookup.saw_rename(before[0], record.lsn, before[_PATH], after[_PATH])
                yield event(What.MAILBOX_RENAMED, 0, before[0], f"to {after[_PATH]}")
        for old, _ in rows["mailbox", "DELETE"]:
            yield event(What.MAILBOX_DELETED, _row(old)[1], _row(old)[0])
        for _, new in rows["account_removal", "INSERT"]:
            yield event(What.ACCOUNT_DELETED, _row(new)[0], 0)

    def _messages(
        self, record: Record, rows: dict[tuple[str, str], list[tuple[Row | None, Row | None]]]
    ) -> Iterator[_Raw]:
        made = {_row(new)[0] for _, new in rows["email", "INSERT"]}
        discarded = {_row(new)[0] for _, new in rows["deleted_item", "INSERT"]}
        purged = {_row(old)[0]: _row(old) for old, _ in rows["deleted_item", "DELETE"]}
        placed = {_row(new)[2]: _row(new) for _, new in rows["placement", "INSERT"]}
        taken = {_row(old)[2] for old, _ in rows["placement", "DELETE"]}

        def event(what: What, row: Row, to: tuple[int, int] = (0, 0)) -> _Raw:
            return _Raw(record.lsn, record.time, what, 0, row[0], row[1], row[3], row[2], "", to)

        for _, new in rows["placement", "INSERT"]:
            row = _row(new)
            if row[2] in made:
                yield event(What.ARRIVED, row)
            elif row[2] in purged:
                yield event(What.RESTORED, row)
            elif row[2] not in taken:
                yield event(What.COPIED, row)
        for old, _ in rows["placement", "DELETE"]:
            row = _row(old)
            to = placed.get(row[2])
            if to is not None:
                yield event(What.MOVED, row, (to[0], to[1]))
            else:
                yield event(What.DELETED if row[2] in discarded else What.REMOVED, row)
        for old, new in rows["placement", "UPDATE"]:
            before, after = _row(old), _row(new)
            if isinstance(after[_FLAGS], int) or isinstance(after[_KEYWORDS], str):
                yield _Raw(
                    record.lsn, record.time, What.FLAGS, 0, before[0], before[1], 0, 0, _flags_detail(before, after)
                )
        for email, item in purged.items():
            if email not in placed:
                yield _Raw(record.lsn, record.time, What.PURGED, item[1], 0, 0, 0, email, f"from {item[3]}")

    def tell(self) -> Iterator[Event]:
        """The events with their names; those that turn out not to be wanted are left out."""
        wanted, names = self._wanted, self._lookup
        message_id = _bare(wanted.message_id) if wanted.message_id is not None else None
        places = {(raw.mailbox, raw.uid): raw.content for raw in self._events if raw.content}
        for raw in self._events:
            account = raw.account or names.account(raw.mailbox)
            if wanted.account is not None and account != wanted.account:
                continue
            path = names.path(raw.mailbox, raw.lsn) if raw.mailbox else ""
            if wanted.mailbox is not None and path != wanted.mailbox:
                continue
            content = raw.content or places.get((raw.mailbox, raw.uid), 0) or names.content_at(raw.mailbox, raw.uid)
            subject, its_id = names.subject(content or names.content_of(raw.email))
            if message_id is not None and _bare(its_id) != message_id:
                continue
            detail = f"to {names.path(raw.to[0], raw.lsn)} uid {raw.to[1]}" if raw.to[0] else raw.detail
            yield Event(raw.lsn, raw.time, raw.what, account, path, raw.uid, subject, its_id, detail)


_TABLES = frozenset({"mailbox", "account_removal", "email", "content", "placement", "deleted_item"})
_DELETION_MARKS = (b"expunged\0", b"deleted_item\0", b"mailbox_removal\0", b"account_removal\0")
_PATH = 2  # the column of `mailbox`
_FLAGS, _KEYWORDS = 4, 5  # the columns of `placement`
_FLAG_WORDS = ("seen", "answered", "flagged", "deleted", "draft")


def _order(raw: _Raw) -> tuple[int, int, int, int]:
    return raw.account, raw.mailbox, raw.uid, raw.email


def _row(row: Row | None) -> Row:
    assert row is not None, "an operation has the row that it is about"
    return row


def _bare(message_id: str) -> str:
    return message_id.strip().removeprefix("<").removesuffix(">")


def _flags_detail(before: Row, after: Row) -> str:
    """What was added and taken away."""
    parts = []
    if isinstance(after[_FLAGS], int):
        for number, word in enumerate(_FLAG_WORDS):
            bit = 1 << number
            if (before[_FLAGS] ^ after[_FLAGS]) & bit:
                parts.append(("+" if after[_FLAGS] & bit else "-") + word)
    if isinstance(after[_KEYWORDS], str):
        old, new = set(before[_KEYWORDS].split()), set(after[_KEYWORDS].split())
        parts += [f"+{word}" for word in sorted(new - old)] + [f"-{word}" for word in sorted(old - new)]
    return " ".join(parts)
