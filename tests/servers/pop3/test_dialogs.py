"""Every dialog in tests/dialogs/pop3, on the store in memory and on a real one.

Settings of a dialog: `state:` raw (nothing happens before the first line), greeted, or transaction (the default);
`mail:` how many messages lie in alice's inbox; `peer:` the clients' address; `errors:`, `login-delay:` and `expire-days:`
as in [pop3]. Commands: `! deliver COUNT`, `! letter NAME`, `! expunge NUMBER`, `! wait SECONDS`, and what may happen to
a connection: `! vanish N`, `! timeout N`, `! shutdown N`.
"""

import asyncio
from pathlib import Path

import pytest

from pillarbox.base.settings import Pop3
from pillarbox.model.store import MailStore
from pillarbox.testing.dialog import Peer, Player, Script
from pillarbox.testing.imaphouse import PASSWORD
from pillarbox.testing.memorystore import MemoryStore
from pillarbox.testing.pop3house import Pop3House, Pop3Peer, pop3_house
from pillarbox.testing.realstore import real_store

DIALOGS = Path(__file__).parent.parent.parent / "dialogs" / "pop3"
SCRIPTS = sorted(DIALOGS.glob("*.txt"))


def letter(number: int) -> bytes:
    return (
        f"From: Bob <bob@example.test>\r\nTo: alice@example.test\r\nSubject: Letter {number}\r\n"
        f"Date: Tue, 14 Nov 2023 22:13:{number % 60:02} +0000\r\nMessage-ID: <{number}@example.test>\r\n"
        f"\r\nThis is letter {number}.\r\n"
    ).encode()


class Stage:
    """The server for one script."""

    def __init__(self, one: Pop3House, settings: dict[str, str]) -> None:
        self.house = one
        self.settings = settings
        self.written = 0
        self.peers: dict[int, Pop3Peer] = {}

    async def deliver(self, count: int) -> None:
        for _ in range(count):
            self.written += 1
            await self.house.deliver(letter(self.written))

    async def open(self, number: int) -> Peer:
        state = self.settings.get("state", "transaction")
        one = self.peers[number] = await self.house.connect(self.settings.get("peer", "127.0.0.1"))
        if state != "raw":
            one.take()
        if state == "transaction":
            await one.command("USER alice@example.test")
            answer = await one.command(f"PASS {PASSWORD}")
            assert answer.startswith(b"+OK"), answer
        return one

    async def direct(self, text: str) -> None:
        word, argument = text.split()
        if word == "deliver":
            await self.deliver(int(argument))
        elif word == "letter":
            await self.house.deliver((DIALOGS / "letters" / argument).read_bytes())
        elif word == "expunge":
            uids = await self.house.uids()
            await self.house.store.remove((await self.house.inbox()).id, [uids[int(argument) - 1]])
        elif word == "wait":
            self.house.clock.advance(float(argument))
        else:
            await self.end(word, self.peers[int(argument)])

    async def end(self, how: str, one: Pop3Peer) -> None:
        if how == "timeout":
            await one.handler.timed_out()
        elif how == "shutdown":
            await one.handler.shutting_down()
        elif how != "vanish":
            raise ValueError(f"nobody knows how to {how}")
        assert how == "vanish" or one.session.closing
        one.close()


async def play(path: Path, store: MailStore, directory: Path) -> None:
    script = Script.parse(path.read_text())
    given = script.settings
    settings = Pop3(
        errors=int(given.get("errors", "20")),
        login_delay=int(given.get("login-delay", "0")),
        expire_days=int(given.get("expire-days", "-1")),
    )
    async with pop3_house(store, directory, settings) as one:
        stage = Stage(one, given)
        await stage.deliver(int(given.get("mail", "0")))
        await Player(stage.open, stage.direct).play(script)


every_dialog = pytest.mark.parametrize("path", SCRIPTS, ids=[path.stem for path in SCRIPTS])


@every_dialog
def test_in_memory(path: Path, tmp_path: Path) -> None:
    asyncio.run(play(path, MemoryStore(), tmp_path))


@every_dialog
def test_on_the_real_store(path: Path, tmp_path: Path) -> None:
    async def run() -> None:
        with real_store(tmp_path) as store:
            await play(path, store, tmp_path)

    asyncio.run(run())
