"""Telling a client that its command is still being worked on (INPROGRESS, RFC 9585)."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from pillarbox.servers.imap.state import Client
from pillarbox.wire.imap import codes, responses
from pillarbox.wire.imap.responses import Status


@contextmanager
def telling_progress(client: Client, tag: bytes) -> Iterator[None]:
    """Says so every `Services.progress_seconds`, until what is within ends. Not for what sends a response in parts."""
    loop = asyncio.get_running_loop()
    seconds = client.services.progress_seconds

    def tell() -> None:
        client.untagged(responses.status_line(b"*", Status.OK, "Still at it.", codes.inprogress(tag)))
        timers.append(loop.call_later(seconds, tell))
        del timers[0]

    timers = [loop.call_later(seconds, tell)]
    try:
        yield
    finally:
        timers[0].cancel()
