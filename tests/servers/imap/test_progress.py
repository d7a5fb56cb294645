"""The client of a long search is told that it goes on (INPROGRESS)."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from pillarbox.model.ids import MailboxId, Uid
from pillarbox.model.search import Criterion
from pillarbox.testing.imaphouse import house
from pillarbox.testing.memorystore import MemoryStore


class SlowStore(MemoryStore):
    """Searches until it is told to end."""

    def __init__(self) -> None:
        super().__init__()
        self.end = asyncio.Event()

    async def search(self, mailbox: MailboxId, criterion: Criterion) -> list[Uid]:
        await self.end.wait()
        return await super().search(mailbox, criterion)


def test_it_is_told_until_the_search_ends(tmp_path: Path) -> None:
    async def run() -> None:
        store = SlowStore()
        async with house(store, tmp_path) as one:
            one.services = one.services._replace(progress_seconds=0.001)
            peer = await one.login()
            peer.handler.client.services = one.services
            store.end.set()
            await peer.command("a SELECT INBOX")
            store.end.clear()
            searching = asyncio.ensure_future(peer.command("b SEARCH ALL"))
            told = b'* OK [INPROGRESS ("b" NIL NIL)] Still at it.\r\n'
            heard = b""
            while heard.count(told) < 3:
                await asyncio.sleep(0.001)
                heard += peer.take()
            store.end.set()
            answer = heard + await searching
            lines: Sequence[bytes] = answer.splitlines()
            assert set(lines[:-2]) == {told.strip()}
            assert lines[-2:] == [b"* SEARCH", b"b OK Searched."]
            await asyncio.sleep(0.005)
            assert peer.take() == b""

    asyncio.run(run())
