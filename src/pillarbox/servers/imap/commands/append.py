"""APPEND of one message or several, and REPLACE (RFC 9051 section 6.3.12, RFC 3502, RFC 8508).

Messages are streamed into spools, then stored together or not at all. What can be refused is refused before the client
sends the message: a mailbox that is not there, flags that do not exist, a size beyond the limit or the quota. The bytes
are kept as they come, line ends too; but a part that is declared binary and holds NULs, which only BINARY could read,
is kept in base64 (RFC 3516 section 4.4).
"""

import asyncio

from pillarbox.base.failure import FailureKind
from pillarbox.mime.binary import without_nuls
from pillarbox.mime.prepared import Prepared, prepare
from pillarbox.model.content import Body
from pillarbox.model.failure import Failure
from pillarbox.model.ids import MailboxId
from pillarbox.model.store import Upload
from pillarbox.servers.imap.commands.copy import modseq_after
from pillarbox.servers.imap.flags import parse_flags
from pillarbox.servers.imap.state import Arriving, Client, Receiving, Refusal
from pillarbox.servers.imap.sync import sync
from pillarbox.servers.imap.targets import find_target, writable
from pillarbox.servers.spool import Spool
from pillarbox.wire.imap import codes, responses
from pillarbox.wire.imap.commands.append import (
    AppendAborted,
    AppendChunk,
    AppendEnd,
    AppendNext,
    AppendStart,
    Replaced,
)
from pillarbox.wire.imap.replies import Continue
from pillarbox.wire.imap.responses import Status
from pillarbox.wire.imap.sequence_set import STAR

_BESIDE = 256 * 1024
"""A larger message is read in a thread of its own, so that others are served meanwhile."""

MOST_MESSAGES = 1000
MOST_OCTETS = 256 * 1024 * 1024
"""What one command may bring, a single message apart."""


async def append_start(client: Client, event: AppendStart) -> None:
    client.drop_receiving()
    replacing = None if event.replaced is None else _replaced(client, event.replaced)
    arriving = _arriving(client, event)
    try:
        target = await find_target(client, event.mailbox)
        _check_size(client, event.size)
        if replacing is None:
            await _check_room(client, event.size, 1)
    except Failure:
        arriving.spool.discard()
        raise
    client.receiving = Receiving(event.tag, target.id, arriving, event.size, replacing=replacing)
    client.send(Continue("Send the message."))


async def append_next(client: Client, event: AppendNext) -> None:
    """The message before has come, and another one is offered."""
    receiving = client.receiving
    assert receiving is not None, "the wire session goes on only with what it has begun"
    if not event.size:
        client.drop_receiving()
        raise Refusal("Nothing is kept, as you wish.")
    await _complete(client, receiving)
    receiving.coming = _arriving(client, event)
    receiving.octets += event.size
    _check_size(client, event.size)
    if len(receiving.ready) >= MOST_MESSAGES or receiving.octets > MOST_OCTETS:
        raise Failure(FailureKind.TOO_MANY, f"At most {MOST_MESSAGES} messages and {MOST_OCTETS} octets at once.")
    await _check_room(client, receiving.octets, len(receiving.ready) + 1)
    client.send(Continue("Send the message."))


async def append_chunk(client: Client, event: AppendChunk) -> None:
    if client.receiving is not None:
        client.receiving.coming.spool.add(event.data)


async def append_aborted(client: Client, event: AppendAborted) -> None:
    client.drop_receiving()


async def append_end(client: Client, event: AppendEnd) -> None:
    receiving = client.receiving
    assert receiving is not None, "the wire session ends only what it has begun"
    try:
        await _complete(client, receiving)
        uploads = [upload for _, upload in receiving.ready]
        placed = await client.store.append(receiving.mailbox, uploads, replacing=receiving.replacing)
    finally:
        client.drop_receiving()
    code = codes.appenduid(placed.uid_validity, placed.uids)
    if receiving.replacing is None:
        await sync(client)
        client.ok(event.tag, "The message is kept." if len(uploads) == 1 else "The messages are kept.", code)
        return
    # APPENDUID comes before the old message is told as gone (RFC 8508 section 4.3).
    client.untagged(responses.status_line(b"*", Status.OK, "The message is kept.", code))
    await sync(client)
    client.ok(event.tag, "Replaced.", modseq_after(client, client.mailbox, placed.uids))


def _replaced(client: Client, replaced: Replaced) -> tuple[MailboxId, int]:
    """The mailbox and uid of the message that goes. Raises Failure(NOT_ALLOWED) after EXAMINE, Refusal."""
    selected = writable(client)
    view = selected.view
    if replaced.number == STAR:
        uid = view.last_uid or None
    elif replaced.uid:
        uid = replaced.number if view.sequence_of(replaced.number) is not None else None
    else:
        uid = view.uid_of(replaced.number)
    if uid is None:
        status = Status.NO if replaced.uid else Status.BAD
        raise Refusal("There is no such message to be replaced.", status=status)
    return selected.id, uid


def _arriving(client: Client, event: AppendStart | AppendNext) -> Arriving:
    flags, keywords = parse_flags(event.flags)
    services = client.services
    return Arriving(flags, keywords, event.date, event.binary, Spool(services.spool, services.spool_above))


def _check_size(client: Client, size: int) -> None:
    limit = client.services.settings.message_size
    if size > limit:
        raise Failure(FailureKind.TOO_LARGE, f"A message has at most {limit} octets.")


async def _check_room(client: Client, octets: int, messages: int) -> None:
    usage = await client.store.usage(client.account)
    if (usage.octet_limit and usage.octets + octets > usage.octet_limit) or (
        usage.message_limit and usage.messages + messages > usage.message_limit
    ):
        raise Failure(FailureKind.OVER_QUOTA, "There is no room left for this message.")


async def _complete(client: Client, receiving: Receiving) -> None:
    """The message that was coming is ready to be stored."""
    coming = receiving.coming
    body = coming.spool.finish()
    if coming.binary and body.data.find(b"\0") >= 0:
        body = Body(await asyncio.to_thread(without_nuls, body.data[:]))
    date = client.services.clock.now() if coming.date is None else coming.date
    upload = Upload(body, await _prepare(body), coming.flags, coming.keywords, date)
    receiving.ready.append((coming.spool, upload))


async def _prepare(body: Body) -> Prepared:
    if body.size <= _BESIDE:
        return prepare(body.data)
    return await asyncio.to_thread(prepare, body.data)
