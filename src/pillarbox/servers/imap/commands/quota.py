"""GETQUOTA, GETQUOTAROOT, SETQUOTA (RFC 9208): one root for all mailboxes of a person, where there is a limit.

The root's name is the empty one. Only the administrator sets limits.
"""

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.mailbox import Usage
from pillarbox.servers.imap.commands.select import find_selectable
from pillarbox.servers.imap.state import Client
from pillarbox.wire.imap import responses
from pillarbox.wire.imap.commands.quota import GetQuota, GetQuotaRoot, SetQuota
from pillarbox.wire.imap.nouns import QuotaUse

ROOT = ""
_UNIT = 1024


async def getquota(client: Client, command: GetQuota) -> None:
    uses = _uses(await client.store.usage(client.account))
    if command.root != ROOT or not uses:
        raise Failure(FailureKind.NOT_FOUND, "There is no such quota root.")
    client.untagged(responses.quota(ROOT, uses, client.utf8))
    client.ok(command.tag, "That is the quota.")


async def getquotaroot(client: Client, command: GetQuotaRoot) -> None:
    await find_selectable(client, command.mailbox)
    uses = _uses(await client.store.usage(client.account))
    client.untagged(responses.quotaroot(command.mailbox, [ROOT] if uses else [], client.utf8))
    if uses:
        client.untagged(responses.quota(ROOT, uses, client.utf8))
    client.ok(command.tag, "That is the quota.")


async def setquota(client: Client, command: SetQuota) -> None:
    raise Failure(FailureKind.NOT_ALLOWED, "Only the administrator sets quotas.")


def _uses(usage: Usage) -> list[QuotaUse]:
    uses = []
    if usage.octet_limit:
        uses.append(QuotaUse(b"STORAGE", -(-usage.octets // _UNIT), usage.octet_limit // _UNIT))
    if usage.message_limit:
        uses.append(QuotaUse(b"MESSAGE", usage.messages, usage.message_limit))
    return uses
