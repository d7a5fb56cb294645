"""What reads a maildrop: STAT, LIST, UIDL, RETR, TOP and NOOP (RFC 1939 sections 5 and 7).

A message is streamed piece by piece under back-pressure, never held whole. Its beginning is read before the answer, so
that a message that is gone or damaged is refused; where damage shows only later the connection is cut within the
message, for the client must not take what it got for the whole.

Headers in UTF-8 are sent as they are stored whether the client said UTF8 or not: refusing them, as RFC 6856 allows,
would keep mail from every client older than that, and such headers are common in mail that never heard of SMTPUTF8.
"""

from collections.abc import Iterator

from pillarbox.base.metrics import Metric
from pillarbox.model.content import Content
from pillarbox.model.email import Message, Wanted
from pillarbox.model.failure import Failure
from pillarbox.servers.pop3.state import Client, Refusal
from pillarbox.wire.pop3 import replies
from pillarbox.wire.pop3.commands import List, Noop, Retr, Stat, Top, Uidl
from pillarbox.wire.pop3.replies import DotStuffer, Err, Listing, Ok

MESSAGES_RETRIEVED = Metric("messages_retrieved", "Messages sent whole by RETR.", ("protocol",))

_BEGINNING = 64 * 1024  # octets read before the answer

_MARKED = Err("", "The message is marked as deleted")
_GONE = Err("", "The message is gone: another session deleted it")


async def noop(client: Client, command: Noop) -> None:
    client.send(Ok())


async def stat(client: Client, command: Stat) -> None:
    client.send(Ok(f"{client.drop.count} {client.drop.octets}"))


async def list_(client: Client, command: List) -> None:
    drop = client.drop
    if command.number is not None:
        client.send(Ok(drop.scan_line(existing(client, command.number))))
        return
    lines = (drop.scan_line(number).encode() for number in drop.numbers())
    client.send(Listing(f"{drop.count} messages ({drop.octets} octets)", lines))


async def uidl(client: Client, command: Uidl) -> None:
    drop = client.drop
    if command.number is not None:
        client.send(Ok(drop.unique_line(existing(client, command.number))))
        return
    client.send(Listing("", (drop.unique_line(number).encode() for number in drop.numbers())))


async def retr(client: Client, command: Retr) -> None:
    content, _ = await _find(client, command.number)
    if await _stream(client, f"{content.size} octets", _whole(content)):
        client.retrieved += 1
        client.drop.retrieved(command.number)
        client.services.counters.count(MESSAGES_RETRIEVED, protocol="pop3")


async def top(client: Client, command: Top) -> None:
    content, header_size = await _find(client, command.number)
    await _stream(client, "", top_of(content, header_size, command.lines))


def existing(client: Client, number: int) -> int:
    """The number, where a message has it that is not marked as deleted. Raises Refusal."""
    if not client.drop.exists(number):
        raise Refusal(replies.NO_SUCH_MESSAGE)
    if client.drop.marked(number):
        raise Refusal(_MARKED)
    return number


async def _find(client: Client, number: int) -> tuple[Content, int]:
    """A message's bytes, and how many of them are its header with the empty line. Raises Refusal."""
    drop = client.drop
    uid = drop.uid(existing(client, number))
    found: list[Message] = []
    async for page in client.store.fetch(drop.mailbox, [uid], Wanted.CONTENT):
        found += page
    if not found or found[0].content is None:
        raise Refusal(_GONE)
    return found[0].content, found[0].header_size


async def _stream(client: Client, text: str, pieces: Iterator[bytes]) -> bool:
    """Answers with a message; whether all of it was sent. Raises Failure where nothing was, and ConnectionClosed."""
    connection = client.connection
    piece = next(pieces, b"")
    client.send(Ok(text))
    stuffer = DotStuffer()
    try:
        while piece:
            connection.write(stuffer.stuff(piece))
            client.octets += len(piece)
            await connection.drain()
            piece = next(pieces, b"")
    except Failure as failure:
        connection.log("message broken off", kind=failure.kind.value, reason=failure.public, cause=repr(failure.cause))
        client.session.farewell(replies.CRASHED)  # not written: it would be read as part of the message
        return False
    connection.write(stuffer.end())
    return True


def _whole(content: Content) -> Iterator[bytes]:
    """All of a message."""
    yield content.read(0, _BEGINNING)
    if content.size > _BEGINNING:
        yield from content.pieces(_BEGINNING)


def top_of(content: Content, header_size: int, lines: int) -> Iterator[bytes]:
    """The header and the first `lines` lines of the body; nothing behind them is read."""
    at = 0
    for piece in _whole(content):
        body = min(max(header_size - at, 0), len(piece))
        breaks = piece.count(b"\n", body)
        if breaks < lines:
            lines -= breaks
            end = len(piece)
        else:
            end = body
            for _ in range(lines):
                end = piece.index(b"\n", end) + 1
            lines = 0
        yield piece[:end]
        at += len(piece)
        if lines == 0 and at >= header_size:
            return
