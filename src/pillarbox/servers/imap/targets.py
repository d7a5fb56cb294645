"""The mailbox that mail is to be put into, and the messages that a command means."""

from collections.abc import Sequence

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.mailbox import Mailbox
from pillarbox.servers.imap.commands.select import find_selectable
from pillarbox.servers.imap.state import Client, NoTarget, Refusal, Selected
from pillarbox.wire.imap.responses import Status
from pillarbox.wire.imap.sequence_set import STAR, SequenceSet


async def find_target(client: Client, path: str) -> Mailbox:
    """The mailbox to put mail into. Raises NoTarget where it is not there."""
    try:
        return await find_selectable(client, path)
    except Failure as failure:
        if failure.kind in (FailureKind.NOT_FOUND, FailureKind.INVALID):
            raise NoTarget(failure.kind, failure.public, failure) from failure
        raise


def resolve(selected: Selected, messages: SequenceSet, by_uid: bool) -> Sequence[int]:
    """The uids of the messages meant, rising.

    A sequence number that no message has is the client's mistake (RFC 9051 section 9, seq-number) and raises a
    `Refusal` with BAD; a range up to "*" may begin anywhere, since clients ask an empty mailbox for 1:*.
    """
    if not by_uid and not messages.saved:
        size = len(selected.view)
        if any(size < high != STAR for _, high in messages.ranges):
            raise Refusal("There is no message of that number.", status=Status.BAD)
    return selected.view.resolve(messages, by_uid)


def writable(client: Client) -> Selected:
    """The selected mailbox, if it may be changed. Raises Failure(NOT_ALLOWED) after EXAMINE."""
    selected = client.mailbox
    if selected.read_only:
        raise Failure(FailureKind.NOT_ALLOWED, "The mailbox was opened read-only.")
    return selected
