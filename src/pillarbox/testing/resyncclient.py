"""A mail program that keeps a copy of a mailbox and comes back to it by QRESYNC (RFC 7162), believing every word.

`ResyncClient` is one connection with its copy (`Copy`), which can be put away and taken up by another connection later.
What the rules do not allow is an AssertionError: EXPUNGE after ENABLE QRESYNC, a FETCH response without UID or MODSEQ,
VANISHED of a message that is not there, VANISHED (EARLIER) of one that is.
"""

import re
from dataclasses import dataclass, field

from pillarbox.testing.imaphouse import ImapPeer

_FETCH = re.compile(rb"\* (\d+) FETCH \(UID (\d+) (?:FLAGS \(([^)]*)\) )?MODSEQ \((\d+)\)\)")
_VANISHED = re.compile(rb"\* VANISHED (\(EARLIER\) )?([0-9:,]+)")
_CODE = re.compile(rb"(?:\*|[a-z]\d+) OK \[(UIDVALIDITY|HIGHESTMODSEQ|UIDNEXT) (\d+)\]")
_EXISTS = re.compile(rb"\* (\d+) EXISTS")
_TAGGED = re.compile(rb"[a-z]\d+ (OK|NO|BAD) .*")


@dataclass
class Copy:
    """What is kept between connections: the flags of each message by uid, and the state they are of."""

    uid_validity: int = 0
    modseq: int = 0
    messages: dict[int, frozenset[bytes]] = field(default_factory=dict)

    def put_away(self) -> "Copy":
        return Copy(self.uid_validity, self.modseq, dict(self.messages))


class ResyncClient:
    """One connection; see the module."""

    def __init__(self, peer: ImapPeer, copy: Copy) -> None:
        self.peer = peer
        self.copy = copy
        self.exists = 0
        self.earlier: list[int] = []
        """What VANISHED (EARLIER) named in the last answer."""
        self.told: list[int] = []
        """The uids of the FETCH responses of the last answer."""
        self._count = 0
        self._coming = False
        self._codes: dict[bytes, int] = {}

    async def say(self, text: str) -> None:
        """A command that goes well, and its answer."""
        self._count += 1
        self.earlier, self.told = [], []
        answer = await self.peer.command(f"q{self._count} {text}")
        lines = answer.split(b"\r\n")
        assert lines.pop() == b"", "the server stopped in the middle of a line"
        for line in lines:
            self._line(line)
        assert lines and lines[-1].startswith(b"q%d OK" % self._count), answer

    async def come(self, verb: str, known: str = "", match: str = "") -> None:
        """SELECTs the mailbox, from the copy where there is one, and fetches what is new.

        `known` and `match` are QRESYNC's arguments, with parentheses around the latter, or nothing.
        """
        copy = self.copy
        before = copy.uid_validity
        self._coming = True
        if before:
            arguments = " ".join(filter(None, (str(before), str(copy.modseq), known, match)))
            await self.say(f"{verb} INBOX (QRESYNC ({arguments}))")
        else:
            await self.say(f"{verb} INBOX")
        self._coming = False
        earlier, told = self.earlier, self.told
        if self._codes[b"UIDVALIDITY"] != before:
            copy.messages.clear()
            copy.uid_validity = self._codes[b"UIDVALIDITY"]
        copy.modseq = self._codes[b"HIGHESTMODSEQ"]
        await self.fetch_new()
        self.earlier, self.told = earlier, told

    async def fetch_new(self) -> None:
        """Learns of messages beyond the last one that is known."""
        first = max(self.copy.messages, default=0) + 1
        await self.say(f"UID FETCH {first}:* (UID FLAGS MODSEQ)")

    async def catch_up(self) -> None:
        """Learns all there is to know, as a mail program does that stays connected."""
        await self.say("NOOP")
        await self.fetch_new()

    def _line(self, line: bytes) -> None:
        if (found := _FETCH.fullmatch(line)) is not None:
            number, uid = int(found[1]), int(found[2])
            assert 1 <= number <= self.exists, f"a number that is not there: {line!r}"
            self.told.append(uid)
            if found[3] is not None:
                self.copy.messages[uid] = frozenset(found[3].split())
        elif (found := _VANISHED.fullmatch(line)) is not None:
            self._vanished(_uids(found[2]), found[1] is not None)
        elif (found := _EXISTS.fullmatch(line)) is not None:
            count = int(found[1])
            assert self._coming or count >= self.exists, "EXISTS takes messages away"
            self.exists = count
        elif (found := _CODE.match(line)) is not None:
            self._codes[found[1]] = int(found[2])
        else:
            known = line.startswith((b"* OK", b"* FLAGS", b"* 0 RECENT", b"* ENABLED")) or _TAGGED.fullmatch(line)
            assert known, f"not understood: {line!r}"

    def _vanished(self, uids: list[int], earlier: bool) -> None:
        if earlier:
            self.earlier += uids
        else:
            self.exists -= len(uids)
            assert self.exists >= 0, "more is gone than there was"
        for uid in uids:
            self.copy.messages.pop(uid, None)


def _uids(text: bytes) -> list[int]:
    uids: list[int] = []
    for part in text.split(b","):
        low, _, high = part.partition(b":")
        uids += range(int(low), int(high or low) + 1)
    return uids
