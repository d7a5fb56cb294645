"""What changes a maildrop: DELE and RSET only mark; QUIT does it (RFC 1939 sections 5 and 6).

Nothing is deleted but by QUIT: a client that vanishes, is too slow or is sent away deletes nothing. What was retrieved
and stays is flagged as seen, also only then, so that other clients of the inbox know that it was read.
"""

from pillarbox.base.metrics import Metric
from pillarbox.model.email import Flag, FlagChange, FlagMode
from pillarbox.model.failure import Failure
from pillarbox.servers.pop3.reading import existing
from pillarbox.servers.pop3.state import Client
from pillarbox.wire.pop3 import replies
from pillarbox.wire.pop3.commands import Dele, Quit, Rset
from pillarbox.wire.pop3.replies import Ok

MESSAGES_DELETED = Metric("messages_deleted", "Messages deleted at QUIT.", ("protocol",))

_SEEN = FlagChange(FlagMode.ADD, Flag.SEEN)


async def dele(client: Client, command: Dele) -> None:
    client.drop.mark(existing(client, command.number))
    client.send(Ok(f"Message {command.number} is marked as deleted"))


async def rset(client: Client, command: Rset) -> None:
    drop = client.drop
    drop.unmark_all()
    client.send(Ok(f"{drop.count} messages ({drop.octets} octets)"))


async def quit_(client: Client, command: Quit) -> None:
    if command.update:
        try:
            await _update(client)
        finally:
            # Before the answer: the client may come back the moment it reads it.
            client.release()
    client.send(replies.BYE)


async def _update(client: Client) -> None:
    """The UPDATE state. Raises Failure where messages that should be gone may still be there."""
    # A client that sent QUIT ahead and is gone by now has not got the messages it asked for before.
    await client.connection.drain()
    drop, store = client.drop, client.store
    doomed = drop.to_remove(client.services.settings.expire_days)
    if doomed:
        try:
            client.deleted = len(await store.remove(drop.mailbox, doomed))
        except Failure as failure:
            raise Failure(failure.kind, f"Not everything was deleted: {failure.public}", failure) from failure
        client.services.counters.count(MESSAGES_DELETED, client.deleted, protocol="pop3")
    gone = set(doomed)
    read = [uid for uid in drop.to_flag_seen() if uid not in gone]
    if read:
        try:
            await store.set_flags(drop.mailbox, read, _SEEN)
        except Failure as failure:
            # The client has what it came for; that others see these as unread is no reason to frighten it.
            client.connection.log("messages not flagged as seen", kind=failure.kind.value, reason=failure.public)
