"""GETQUOTA, GETQUOTAROOT, SETQUOTA (RFC 9208): one root for all mailboxes of a person.

The root's name is the empty one. Only the administrator sets limits. The number of mailboxes always has one.
"""

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.mailbox import MOST_MAILBOXES
from pillarbox.servers.imap.commands.select import find_selectable
from pillarbox.servers.imap.state import Client
from pillarbox.wire.imap import responses
from pillarbox.wire.imap.commands.quota import GetQuota, GetQuotaRoot, SetQuota
from pillarbox.wire.imap.nouns import QuotaUse

ROOT = ""
_UNIT = 1024


async def getquota(client: Client, command: GetQuota) -> None:
    if command.root != ROOT:
        raise Failure(FailureKind.NOT_FOUND, "There is no such quota root.")
    client.untagged(responses.quota(ROOT, await _uses(client), client.utf8))
    client.ok(command.tag, "That is the quota.")


async def getquotaroot(client: Client, command: GetQuotaRoot) -> None:
    await find_selectable(client, command.mailbox)
    client.untagged(responses.quotaroot(command.mailbox, [ROOT], client.utf8))
    client.untagged(responses.quota(ROOT, await _uses(client), client.utf8))
    client.ok(command.tag, "That is the quota.")


async def setquota(client: Client, command: SetQuota) -> None:
    raise Failure(FailureKind.NOT_ALLOWED, "Only the administrator sets quotas.")


async def _uses(client: Client) -> list[QuotaUse]:
    usage = await client.store.usage(client.account)
    uses = []
    if usage.octet_limit:
        uses.append(QuotaUse(b"STORAGE", -(-usage.octets // _UNIT), usage.octet_limit // _UNIT))
    if usage.message_limit:
        uses.append(QuotaUse(b"MESSAGE", usage.messages, usage.message_limit))
    uses.append(QuotaUse(b"MAILBOX", len(await client.store.mailboxes(client.account)), MOST_MAILBOXES))
    return uses
