"""One connection between two servers: messages over TLS."""

import asyncio
import ssl

from pillarbox.app.standby.trust import Trust
from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.recovery.standby.messages import Frames, Message, encode

PATIENCE = 20.0
"""Seconds of silence after which the other side counts as gone; each says something every second."""

_READ = 1 << 18
_CONNECT_SECONDS = 5.0


class Talk:
    """Messages in and out of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._frames = Frames()

    async def next(self, patience: float = PATIENCE) -> Message | None:
        """The next message; None where the other side ended. Raises Failure INVALID, OSError or TimeoutError."""
        while (message := self._frames.next_message()) is None:
            async with asyncio.timeout(patience):
                data = await self._reader.read(_READ)
            if not data:
                return None
            self._frames.receive_data(data)
        return message

    def at_hand(self) -> Message | None:
        """The next message if it is here already."""
        return self._frames.next_message()

    def say(self, message: Message) -> None:
        self._writer.write(encode(message))

    async def drain(self) -> None:
        """Wait while the other side does not take what was said."""
        await self._writer.drain()

    def knows(self, trust: Trust) -> bool:
        """Whether the other side is one of our peers."""
        connection: ssl.SSLObject | None = self._writer.get_extra_info("ssl_object")
        return trust.knows(connection)

    def close(self) -> None:
        self._writer.close()


async def dial(address: str, trust: Trust) -> Talk:
    """A connection to a peer. Raises Failure UNAVAILABLE."""
    host, port = parse_address(address)
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(host, port, ssl=trust.client, limit=1 << 20)
    except ssl.SSLError as error:
        raise Failure(
            FailureKind.UNAVAILABLE, f"{address} and this server do not trust each other: {error.reason}", error
        ) from error
    except (OSError, TimeoutError) as error:
        raise Failure(FailureKind.UNAVAILABLE, f"{address} does not answer: {error or 'time is over'}") from error
    talk = Talk(reader, writer)
    if not talk.knows(trust):
        talk.close()
        raise Failure(FailureKind.UNAVAILABLE, f"{address} showed a certificate that is not among our peers")
    return talk


def parse_address(text: str) -> tuple[str, int]:
    """ "host:port" or "[IPv6]:port". Raises Failure INVALID."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        raise Failure(FailureKind.INVALID, f'[standby] needs an address like "b.example.org:4190", not {text!r}')
    return host.strip("[]"), int(port)
