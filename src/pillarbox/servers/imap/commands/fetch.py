"""FETCH and UID FETCH (RFC 9051 section 6.4.5; CHANGEDSINCE and VANISHED: RFC 7162 sections 3.1.4 and 3.2.6).

Messages come from the store in pages, so that others are served between them; what is sent waits for a slow client.
Small contents are gathered, large ones streamed in pieces. A message that is gone is left out, which a FETCH by
sequence number says at its end (EXPUNGEISSUED, RFC 5530): EXPUNGE itself may not be sent there.
"""

import asyncio
from array import array
from bisect import bisect_left
from collections.abc import AsyncIterator, Sequence

from pillarbox.base.failure import FailureKind
from pillarbox.model.change import FlagsSince
from pillarbox.model.content import Content
from pillarbox.model.email import Flag, FlagChange, FlagMode, Message
from pillarbox.model.failure import Failure
from pillarbox.model.ids import EmailId
from pillarbox.net.handler import ConnectionClosed
from pillarbox.servers.imap.fetch_content import SMALL, Extent, Source, answer
from pillarbox.servers.imap.fetch_plan import Plan, plan
from pillarbox.servers.imap.resync import changes_since, gone_since
from pillarbox.servers.imap.state import Client, Refusal, Selected
from pillarbox.servers.imap.sync import sync_if_stale
from pillarbox.servers.imap.targets import resolve
from pillarbox.wire.imap import codes
from pillarbox.wire.imap.commands.fetch import Fetch
from pillarbox.wire.imap.fetch_items import Attribute, FetchItem
from pillarbox.wire.imap.responses import Status
from pillarbox.wire.imap.view import View

_PAGE = 500

Trouble = Refusal | Failure
"""What kept single contents from being sent: told at the end, once, after all others were sent."""


async def fetch(client: Client, command: Fetch) -> None:
    selected = client.mailbox
    if command.vanished and not client.session.qresync:
        raise Refusal("QRESYNC must be enabled first.", status=Status.BAD)
    if command.changed_since is not None or Attribute.MODSEQ in command.items:
        client.enable_condstore()
    if command.uid:
        await sync_if_stale(client)
    uids = resolve(selected, command.messages, command.uid)
    how = plan(_items(selected, command), selected.texts)
    if command.partial is not None and command.changed_since is None:
        uids = command.partial.of(uids)
    pages = client.store.fetch(selected.id, uids, how.wanted)
    if command.changed_since is not None and not selected.deleted:
        changes = await changes_since(client, selected, command.changed_since)
        if command.vanished:
            client.untagged(gone_since(selected, command.messages, command.changed_since, changes))
        changed: Sequence[FlagsSince] = [change for change in changes.changed if _holds(uids, change.uid)]
        if command.partial is not None:
            changed = command.partial.of(changed)
        uids = [change.uid for change in changed]
        pages = _states(changed) if how.bare else client.store.fetch(selected.id, uids, how.wanted)
    there = 0
    trouble: Trouble | None = None
    if len(uids):
        async for page in pages:
            there += len(page)
            trouble = await _page(client, selected, how, page) or trouble
    if trouble is not None:
        raise trouble
    await sync_if_stale(client, expunges=command.uid)
    gone = there < len(uids) and not command.uid
    client.ok(command.tag, "Fetched.", codes.EXPUNGEISSUED if gone else b"")


def _holds(uids: Sequence[int], uid: int) -> bool:
    """Whether rising uids have this one among them; what has changed is mostly little."""
    at = bisect_left(uids, uid)
    return at < len(uids) and uids[at] == uid


def _items(selected: Selected, command: Fetch) -> tuple[FetchItem, ...]:
    """What to answer: a client that wants modification sequences gets them in every FETCH response (RFC 7162 3.1)."""
    if selected.condstore and Attribute.MODSEQ not in command.items:
        return (*command.items, Attribute.MODSEQ)
    return command.items


async def _states(changed: Sequence[FlagsSince]) -> AsyncIterator[list[Message]]:
    """Messages of which no more is asked than the changes say."""
    for at in range(0, len(changed), _PAGE):
        some = changed[at : at + _PAGE]
        yield [Message(each.uid, EmailId(0), each.flags, each.keywords, each.modseq) for each in some]


async def _page(client: Client, selected: Selected, how: Plan, page: list[Message]) -> Trouble | None:
    """Answers for one page."""
    seen: frozenset[int] = frozenset()
    if how.sees and not selected.read_only:
        page, seen = await _see(client, selected, page)
    numbers = numbers_of(selected.view, page)
    rows = how.rows(numbers, page)
    if selected.texts.unannounced:
        client.untagged(selected.texts.announcement(selected.read_only))
    if seen and not how.tells_flags:
        rows = [_with_flags(selected, row, message, seen) for row, message in zip(rows, page, strict=True)]
    if not how.contents:
        rows.append(b"")
        client.untagged(b")\r\n".join(rows))
        await client.connection.drain()
        return None
    return await _contents(client, selected, how, page, rows)


def numbers_of(view: View, page: Sequence[Message]) -> Sequence[int]:
    """The sequence numbers of a page; in one step where its messages lie side by side."""
    first = view.sequence_of(page[0].uid)
    uids = array("I", [message.uid for message in page])
    if first is not None and view.uids[first - 1 : first - 1 + len(uids)] == uids:
        return range(first, first + len(uids))
    return view.sequences(uids)


async def _see(client: Client, selected: Selected, page: list[Message]) -> tuple[list[Message], frozenset[int]]:
    """Sets \\Seen where it is not; the page as it is then, and the uids that changed."""
    unseen = [message.uid for message in page if not message.flags & Flag.SEEN]
    if not unseen:
        return page, frozenset()
    done = await client.store.set_flags(selected.id, unseen, FlagChange(FlagMode.ADD, Flag.SEEN))
    states = {state.uid: state for state in done.states}
    selected.told.update((state.uid, state.modseq) for state in done.states)
    changed = []
    for message in page:
        state = states.get(message.uid)
        if state is not None:
            message = message._replace(flags=state.flags, keywords=state.keywords, modseq=state.modseq)
        changed.append(message)
    return changed, frozenset(states)


def _with_flags(selected: Selected, row: bytes, message: Message, seen: frozenset[int]) -> bytes:
    """A row's start with the flags added, where fetching changed them and they were not asked for."""
    if message.uid not in seen:
        return row
    space = b"" if row.endswith(b"(") else b" "
    return b"%b%bFLAGS %b" % (row, space, selected.texts[message.flags, message.keywords])


async def _contents(
    client: Client, selected: Selected, how: Plan, page: list[Message], rows: list[bytes]
) -> Trouble | None:
    trouble: Trouble | None = None
    gathered: list[bytes] = []
    size = 0
    for message, row in zip(page, rows, strict=True):
        content = message.content
        if content is None:
            continue
        try:
            pieces = await answer(Source(selected, message, content), how.contents)
        except (Refusal, Failure) as caught:
            pieces = []
            if not isinstance(caught, Failure) or caught.kind is not FailureKind.NOT_FOUND:
                trouble = caught
        if pieces or not row.endswith(b"("):
            gathered.append(row if row.endswith(b"(") or not pieces else row + b" ")
            for piece in pieces:
                if isinstance(piece, bytes):
                    gathered.append(piece)
                    size += len(piece)
                else:
                    await _flush(client, gathered)
                    size = 0
                    await _stream(client, content, piece)
            gathered.append(b")\r\n")
        if size >= SMALL:
            await _flush(client, gathered)
            size = 0
    await _flush(client, gathered)
    return trouble


async def _flush(client: Client, gathered: list[bytes]) -> None:
    """Gives what was gathered to the connection, waits while too much is queued, and lets others have a turn."""
    client.untagged(b"".join(gathered))
    gathered.clear()
    await client.connection.drain()
    await asyncio.sleep(0)


async def _stream(client: Client, content: Content, extent: Extent) -> None:
    """Sends a large literal. Where its bytes turn out damaged midway, only ending the connection tells the client."""
    try:
        for piece in content.pieces(extent.start, extent.size):
            client.untagged(_clean(piece))
            await client.connection.drain()
            await asyncio.sleep(0)
    except Failure as failure:
        client.connection.log("content damaged while being sent", reason=failure.public)
        raise ConnectionClosed from failure


def _clean(piece: bytes) -> bytes:
    """A literal may hold no NUL (RFC 9051 section 4.3): it goes out as SUB, which keeps the size."""
    return piece.replace(b"\0", b"\x1a") if b"\0" in piece else piece
