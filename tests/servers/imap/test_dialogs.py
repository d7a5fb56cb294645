"""Every dialog in tests/dialogs/imap, on the store in memory and on a real one.

Settings of a dialog: `state:` raw (nothing happens before the first line), greeted, authenticated (the default), or
selected; `mail:` how many messages lie in the inbox; `peer:` the clients' address; `octets:` and `messages:` the quota;
`enable:` yes for clients that speak IMAP4rev2. Commands: `! deliver MAILBOX COUNT`, `! letter MAILBOX NAME`, `! wait
SECONDS`, `! sweep`.
"""

import asyncio
from pathlib import Path

import pytest

from pillarbox.base.clock import FixedClock
from pillarbox.model.store import MailStore
from pillarbox.testing.dialog import Peer, Player, Script
from pillarbox.testing.imaphouse import PASSWORD, ImapHouse, ImapPeer, house
from pillarbox.testing.memorystore import MemoryStore
from pillarbox.testing.realstore import real_store

DIALOGS = Path(__file__).parent.parent.parent / "dialogs" / "imap"
LETTERS = DIALOGS / "letters"
SCRIPTS = sorted(DIALOGS.glob("*.txt"))


def letter(number: int) -> bytes:
    return (
        f"From: Bob <bob@example.test>\r\nTo: alice@example.test\r\nSubject: Letter {number}\r\n"
        f"Date: Tue, 14 Nov 2023 22:13:{number % 60:02} +0000\r\nMessage-ID: <{number}@example.test>\r\n"
        f"\r\nThis is letter {number}.\r\n"
    ).encode()


class Stage:
    """The server for one script."""

    def __init__(self, one: ImapHouse, settings: dict[str, str]) -> None:
        self.house = one
        self.settings = settings
        self.written = 0

    async def furnish(self) -> None:
        await self.deliver("INBOX", int(self.settings.get("mail", "0")))

    async def deliver(self, mailbox: str, count: int) -> None:
        for _ in range(count):
            self.written += 1
            await self.house.deliver(letter(self.written), mailbox=mailbox)

    async def open(self, number: int) -> Peer:
        state = self.settings.get("state", "authenticated")
        one = await self.house.connect(self.settings.get("peer", "127.0.0.1"))
        if state == "raw":
            return one
        one.take()
        if state in ("authenticated", "selected"):
            await self.must(one, f"login LOGIN alice@example.test {PASSWORD}")
            if self.settings.get("enable") == "yes":
                await self.must(one, "enable ENABLE IMAP4rev2")
        if state == "selected":
            await self.must(one, "select SELECT INBOX")
        return one

    @staticmethod
    async def must(one: ImapPeer, command: str) -> None:
        answer = await one.command(command)
        assert b" OK " in answer.splitlines()[-1], answer

    async def direct(self, text: str) -> None:
        words = text.split()
        if words[0] == "deliver":
            await self.deliver(words[1], int(words[2]))
        elif words[0] == "letter":
            data = (LETTERS / words[2]).read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            await self.house.deliver(data, mailbox=words[1], trace=b"Return-Path: <bob@example.test>\r\n")
        elif words[0] == "wait":
            self.house.clock.advance(float(words[1]))
        elif words[0] == "sweep":
            for one in self.house.peers:
                one.connection.wake()
            await self.house.wake_all()
        else:
            raise ValueError(f"nobody knows how to {text}")


async def play(path: Path, store: MailStore, spool: Path, clock: FixedClock) -> None:
    script = Script.parse(path.read_text())
    settings = script.settings
    octets, messages = int(settings.get("octets", "0")), int(settings.get("messages", "0"))
    async with house(store, spool, octets, messages, clock=clock) as one:
        stage = Stage(one, settings)
        await stage.furnish()
        await Player(stage.open, stage.direct).play(script)


every_dialog = pytest.mark.parametrize("path", SCRIPTS, ids=[path.stem for path in SCRIPTS])


@every_dialog
def test_in_memory(path: Path, tmp_path: Path) -> None:
    clock = FixedClock()
    asyncio.run(play(path, MemoryStore(clock), tmp_path, clock))


@every_dialog
def test_on_the_real_store(path: Path, tmp_path: Path) -> None:
    async def run() -> None:
        clock = FixedClock()
        with real_store(tmp_path, clock) as store:
            await play(path, store, tmp_path, clock)

    asyncio.run(run())
