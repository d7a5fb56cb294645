"""Reading messages in pages: one statement a page, with just the columns asked for.

A page is one snapshot; between pages others work, and what is gone by then is left out.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import cache

from pillarbox.database.mailbox import objects
from pillarbox.database.mailbox.contents import CHUNKS, StoredContent, Unpacker
from pillarbox.database.mailbox.placing import owner
from pillarbox.database.mailbox.sql import among, one
from pillarbox.model.email import Message, Wanted
from pillarbox.model.ids import MailboxId
from pillarbox.model.logged import Cursor, LoggedDatabase, Row
from pillarbox.model.store import Fingerprint

_RECEIVED, _OBJECT, _CONTENT = (Message._fields.index(name) for name in ("received_at", "object_id", "content"))

_PAGE = 500
_CONTENT_PAGE = 64
_SMALL = 32_768  # messages up to this size come with their page

_PREPARED = Wanted.ENVELOPE | Wanted.BODY | Wanted.BODYSTRUCTURE | Wanted.FIELDS | Wanted.PREVIEW | Wanted.CONTENT
_FINGERPRINT_PAGE = 2000
_FINGERPRINTS = """
    SELECT p.uid, c.hash, p.received_at, p.flags, p.keywords, p.size
    FROM placement p JOIN content c ON c.id = p.content_id
    WHERE p.mailbox_id = ? AND p.uid > ? ORDER BY p.uid LIMIT ?
"""
_SPARSE = 4  # a page is scanned where its uids are at least one in this many of those between first and last


@cache
def statement(wanted: Wanted) -> str:
    """SELECT … FROM … WHERE mailbox_id = ? AND, the columns in the order of `Message`."""
    columns = ["p.uid", "p.email_id", "p.flags", "p.keywords", "p.modseq"]
    columns.append("p.received_at" if wanted & (Wanted.RECEIVED | Wanted.OBJECT) else "0")
    columns.append("p.size" if wanted & Wanted.SIZE else "0")
    if wanted & _PREPARED:
        columns += ["p.trace_size", "p.trace_size + c.header_size"]
    else:
        columns += ["0", "0"]
    for flag, column, empty in (
        (Wanted.ENVELOPE, "c.envelope", "x''"),
        (Wanted.BODY, "c.body", "x''"),
        (Wanted.BODYSTRUCTURE, "c.bodystructure", "x''"),
        (Wanted.FIELDS, "c.fields", "x''"),
        (Wanted.PREVIEW, "c.preview", "''"),
        (Wanted.SAVED, "p.saved_at", "0"),
    ):
        columns.append(column if wanted & flag else empty)
    columns += ["e.trace", "e.thread_id"] if wanted & Wanted.OBJECT else ["''", "0"]
    tables = "placement p"
    if wanted & _PREPARED:
        tables += " JOIN content c ON c.id = p.content_id"
    if wanted & (Wanted.CONTENT | Wanted.OBJECT):
        columns.append("p.content_id")
        tables += " JOIN email e ON e.id = p.email_id"
    else:
        columns.append("NULL")
    if wanted & Wanted.CONTENT:
        columns += ["p.size", "e.trace", "k.form", "k.checksum", "k.data"]
        tables += f" LEFT JOIN chunk k ON k.id = p.content_id * {CHUNKS} AND p.size <= {_SMALL}"
    return f"SELECT {', '.join(columns)} FROM {tables} WHERE p.mailbox_id = ? AND "


async def fetch(
    database: LoggedDatabase, mailbox: MailboxId, uids: Sequence[int], wanted: Wanted
) -> AsyncIterator[list[Message]]:
    """Messages in pages, in order of uid."""
    size = _CONTENT_PAGE if wanted & Wanted.CONTENT else _PAGE
    select = statement(wanted)
    unpacker = Unpacker()
    for at in range(0, len(uids), size):
        if at:
            await asyncio.sleep(0)
        some = uids[at : at + size]
        with database.read() as cursor:
            rows = page(cursor, select, mailbox, some, "p.uid")
            if wanted & Wanted.OBJECT:
                rows = map(_named, rows)
            if wanted & Wanted.CONTENT:
                messages = [_with_content(database, unpacker, row) for row in rows]
            elif wanted & Wanted.OBJECT:
                messages = [Message._make((*row[:_CONTENT], None)) for row in rows]
            else:
                messages = list(map(Message._make, rows))
        if messages:
            yield messages


def page(cursor: Cursor, select: str, mailbox: MailboxId, uids: Sequence[int], column: str) -> Iterator[Row]:
    """Rows of those uids (some, sorted), by uid; the uid is the first column of each."""
    first, last = uids[0], uids[-1]
    span = last - first + 1
    if len(uids) < span <= len(uids) * _SPARSE:
        rows = cursor.execute(f"{select}{column} BETWEEN ? AND ? ORDER BY {column}", (mailbox, first, last))
        chosen = set(uids)
        return (row for row in rows if row[0] in chosen)
    condition, values = among(column, uids)
    return cursor.execute(f"{select}{condition} ORDER BY {column}", (mailbox, *values))


def content(database: LoggedDatabase, mailbox: MailboxId, uid: int) -> StoredContent | None:
    """A message's bytes, or None where it is gone."""
    with database.read() as cursor:
        row = one(
            cursor.execute(
                "SELECT p.content_id, p.size, e.trace FROM placement p JOIN email e ON e.id = p.email_id "
                "WHERE p.mailbox_id = ? AND p.uid = ?",
                (mailbox, uid),
            )
        )
    return StoredContent(database, Unpacker(), *row) if row else None


async def fingerprints(database: LoggedDatabase, mailbox: MailboxId) -> AsyncIterator[list[Fingerprint]]:
    """Of all messages, in pages, in order of uid. Raises Failure(NOT_FOUND)."""
    after = 0
    while True:
        with database.read() as cursor:
            if not after:
                owner(cursor, mailbox)
            rows = list(cursor.execute(_FINGERPRINTS, (mailbox, after, _FINGERPRINT_PAGE)))
        if rows:
            yield list(map(Fingerprint._make, rows))
        if len(rows) < _FINGERPRINT_PAGE:
            return
        after = rows[-1][0]
        await asyncio.sleep(0)


def _with_content(database: LoggedDatabase, unpacker: Unpacker, row: Row) -> Message:
    content_id, size, trace, form, checksum, data = row[_CONTENT:]
    first = None if data is None else unpacker.unpack(form, checksum, data)
    return Message._make((*row[:_CONTENT], StoredContent(database, unpacker, content_id, size, trace, first)))


def _named(row: Row) -> Row:
    """A row with its object id in the place of the trace headers."""
    name = objects.object_id(row[_CONTENT], row[_RECEIVED], row[_OBJECT])
    return (*row[:_OBJECT], name, *row[_OBJECT + 1 :])
