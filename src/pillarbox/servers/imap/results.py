"""What a SEARCH or SORT answers of what it found: all of it or the part asked for, and what `$` is from then on.

Results are sequences in the order of the result (rising for SEARCH); the options are the client's.
"""

from collections.abc import Sequence

from pillarbox.model.email import Wanted
from pillarbox.model.ids import MailboxId
from pillarbox.servers.imap.state import Client
from pillarbox.wire.imap.commands.search import Returns
from pillarbox.wire.imap.nouns import SearchReturn
from pillarbox.wire.imap.responses import Result
from pillarbox.wire.imap.search_keys import ModSeq, SearchKey, every_key
from pillarbox.wire.imap.view import View

_ENDS = frozenset({SearchReturn.MIN, SearchReturn.MAX, SearchReturn.PARTIAL})
_WHOLE = frozenset({SearchReturn.ALL, SearchReturn.COUNT})
_SPOKEN = _ENDS | _WHOLE | {SearchReturn.RELEVANCY}
_SCORE = 100
"""Relevancy of whatever matches: a match here is always a full one (RFC 6203 section 4)."""


def result(returns: Returns, numbers: Sequence[int], modseq: int | None = None) -> Result | None:
    """The answer in numbers, or None where none was asked for."""
    options, partial = returns
    if not options & _SPOKEN:
        return None
    part = None if partial is None else (partial, partial.of(numbers))
    scored = 0
    if SearchReturn.RELEVANCY in options:
        scored = len(numbers) if part is None else len(part[1])
    return Result(
        low=numbers[0] if numbers and SearchReturn.MIN in options else None,
        high=numbers[-1] if numbers and SearchReturn.MAX in options else None,
        all_=numbers if SearchReturn.ALL in options else None,
        partial=part,
        count=len(numbers) if SearchReturn.COUNT in options else None,
        relevancy=[_SCORE] * scored,
        modseq=modseq,
    )


def meant(returns: Returns | None, uids: Sequence[int]) -> Sequence[int]:
    """The messages that an answer is about: with MIN, MAX or PARTIAL, and nothing that is about all, only those.

    What `$` is (RFC 5182 section 2.4, RFC 9394 section 3.2), and of which the highest MODSEQ is told.
    """
    if returns is None or not returns.options & _ENDS or returns.options & _WHOLE:
        return uids
    chosen = set(uids[:1]) if SearchReturn.MIN in returns.options else set()
    if SearchReturn.MAX in returns.options:
        chosen.update(uids[-1:])
    if returns.partial is not None:
        chosen.update(returns.partial.of(uids))
    return sorted(chosen)


async def highest_modseq(client: Client, mailbox: MailboxId, key: SearchKey, uids: Sequence[int]) -> int | None:
    """The highest MODSEQ of these messages, where the client searched by MODSEQ and any was found (RFC 7162
    section 3.1.5)."""
    if not any(isinstance(each, ModSeq) for each in every_key(key)):
        return None
    client.enable_condstore()
    highest = 0
    async for page in client.store.fetch(mailbox, sorted(uids), Wanted(0)):
        highest = max(highest, *(message.modseq for message in page))
    return highest or None


def known(view: View, uids: Sequence[int]) -> tuple[Sequence[int], Sequence[int]]:
    """Those of the uids (rising) that the client has been told of, and their sequence numbers."""
    numbers = view.sequences(uids)
    all_uids = view.uids
    return (uids if len(numbers) == len(uids) else [all_uids[number - 1] for number in numbers]), numbers


def known_in_order(view: View, uids: Sequence[int]) -> tuple[Sequence[int], Sequence[int]]:
    """The same for uids in any order."""
    all_uids = view.uids
    if uids and len(uids) == len(view) and all_uids[-1] - all_uids[0] == len(view) - 1:
        before = all_uids[0] - 1  # the usual case: all messages, no gap between uids
        numbered = [uid - before for uid in uids]
        if min(numbered) > 0 and max(numbered) <= len(view):
            return uids, numbered
    numbers = dict(zip(view.uids, range(1, len(view) + 1), strict=True))
    there = [uid for uid in uids if uid in numbers]
    return there, [numbers[uid] for uid in there]
