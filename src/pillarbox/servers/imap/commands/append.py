"""APPEND (RFC 9051 section 6.3.12): the message is streamed into a spool, then stored.

What can be refused is refused before the client sends the message: a mailbox that is not there, flags that do not
exist, a size beyond the limit or the quota. The bytes are kept as they come, line ends too.
"""

import asyncio

from pillarbox.base.failure import FailureKind
from pillarbox.mime.prepared import Prepared, prepare
from pillarbox.model.content import Body
from pillarbox.model.failure import Failure
from pillarbox.model.store import Upload
from pillarbox.servers.imap.flags import parse_flags
from pillarbox.servers.imap.state import Client, Receiving
from pillarbox.servers.imap.sync import sync
from pillarbox.servers.imap.targets import find_target
from pillarbox.servers.spool import Spool
from pillarbox.wire.imap import codes
from pillarbox.wire.imap.commands.append import AppendAborted, AppendChunk, AppendEnd, AppendStart
from pillarbox.wire.imap.replies import Continue

_BESIDE = 256 * 1024
"""A larger message is read in a thread of its own, so that others are served meanwhile."""


async def append_start(client: Client, event: AppendStart) -> None:
    client.drop_receiving()
    flags, keywords = parse_flags(event.flags)
    target = await find_target(client, event.mailbox)
    if event.size > client.services.settings.message_size:
        raise Failure(FailureKind.TOO_LARGE, f"A message has at most {client.services.settings.message_size} octets.")
    usage = await client.store.usage(client.account)
    if (usage.octet_limit and usage.octets + event.size > usage.octet_limit) or (
        usage.message_limit and usage.messages >= usage.message_limit
    ):
        raise Failure(FailureKind.OVER_QUOTA, "There is no room left for this message.")
    spool = Spool(client.services.spool, client.services.spool_above)
    client.receiving = Receiving(event.tag, target.id, flags, keywords, event.date, spool)
    client.send(Continue("Send the message."))


async def append_chunk(client: Client, event: AppendChunk) -> None:
    if client.receiving is not None:
        client.receiving.spool.add(event.data)


async def append_aborted(client: Client, event: AppendAborted) -> None:
    client.drop_receiving()


async def append_end(client: Client, event: AppendEnd) -> None:
    receiving = client.receiving
    assert receiving is not None, "the wire session ends only what it has begun"
    try:
        body = receiving.spool.finish()
        upload = Upload(
            body,
            await _prepare(body),
            receiving.flags,
            receiving.keywords,
            client.services.clock.now() if receiving.date is None else receiving.date,
        )
        placed = await client.store.append(receiving.mailbox, [upload])
    finally:
        client.drop_receiving()
    await sync(client)
    client.ok(event.tag, "The message is kept.", codes.appenduid(placed.uid_validity, placed.uids))


async def _prepare(body: Body) -> Prepared:
    if body.size <= _BESIDE:
        return prepare(body.data)
    return await asyncio.to_thread(prepare, body.data)
