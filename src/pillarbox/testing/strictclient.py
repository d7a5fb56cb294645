"""A mail program that believes every word: it keeps its picture of a mailbox by untagged responses alone.

`StrictClient.hear` takes what the server sent and applies it by the rules of RFC 9051 sections 7.4 and 7.5; anything
those rules do not allow is an AssertionError: an EXPUNGE while FETCH, STORE or SEARCH by number is answered or while no
command is, a shrinking EXISTS, a number beyond the end, a UID that changes or does not rise. For sessions that fetch
flags and UIDs but no contents.
"""

import re
from dataclasses import dataclass

_EXISTS = re.compile(rb"\* (\d+) EXISTS")
_EXPUNGE = re.compile(rb"\* (\d+) EXPUNGE")
_FETCH = re.compile(rb"\* (\d+) FETCH \((?:UID (\d+) ?)?(?:FLAGS \(([^)]*)\))?(?: ?MODSEQ \(\d+\))?\)")
_SEARCH = re.compile(rb"\* SEARCH((?: \d+)*)")
_TAGGED = re.compile(rb"([a-z]\w*) (OK|NO|BAD) (.*)")
_NUMBERED = ("FETCH", "STORE", "SEARCH")


@dataclass
class Known:
    """What the client knows of one message; None: nothing."""

    uid: int | None = None
    flags: frozenset[bytes] | None = None


class StrictClient:
    """One client's picture of its selected mailbox."""

    def __init__(self) -> None:
        self.messages: list[Known] = []
        self.found: list[int] = []
        """The numbers of the last SEARCH response."""
        self.status = b""
        """How the last command ended: OK, NO or BAD."""
        self._verb = ""
        self._in_progress = False

    def begin(self, command: str) -> None:
        """A command is sent: its verb decides what the answer may contain."""
        self._verb = command.split()[0].upper()
        self._in_progress = True

    def hear(self, data: bytes) -> None:
        """Takes whole lines from the server."""
        lines = data.split(b"\r\n")
        assert lines.pop() == b"", "the server stopped in the middle of a line"
        for line in lines:
            self._line(line)

    def _line(self, line: bytes) -> None:
        if (found := _FETCH.fullmatch(line)) is not None:
            self._fetch(int(found[1]), found[2], found[3])
        elif (found := _EXPUNGE.fullmatch(line)) is not None:
            self._expunge(int(found[1]))
        elif (found := _EXISTS.fullmatch(line)) is not None:
            count = int(found[1])
            assert count >= len(self.messages), "EXISTS takes messages away"
            self.messages += [Known() for _ in range(count - len(self.messages))]
        elif (found := _SEARCH.fullmatch(line)) is not None:
            self.found = [int(number) for number in found[1].split()]
        elif (found := _TAGGED.fullmatch(line)) is not None:
            assert self._in_progress, f"an answer to nothing: {line!r}"
            self.status, self._in_progress = found[2], False
        else:
            assert line.startswith((b"* OK", b"* FLAGS", b"* 0 RECENT", b"+ ")), f"not understood: {line!r}"

    def _fetch(self, number: int, uid: bytes | None, flags: bytes | None) -> None:
        assert 1 <= number <= len(self.messages), "FETCH of a number that is not there"
        message = self.messages[number - 1]
        if uid is not None:
            assert message.uid in (None, int(uid)), f"message {number} was {message.uid} and is now {uid!r}"
            message.uid = int(uid)
            known = [each.uid for each in self.messages if each.uid is not None]
            assert known == sorted(set(known)), "UIDs do not rise"
        if flags is not None:
            message.flags = frozenset(flags.split())

    def _expunge(self, number: int) -> None:
        assert self._in_progress, "EXPUNGE while no command is in progress"
        assert self._verb not in _NUMBERED, f"EXPUNGE while {self._verb} by number is answered"
        assert 1 <= number <= len(self.messages), "EXPUNGE of a number that is not there"
        del self.messages[number - 1]

    def stored(self, numbers: list[int], mode: str, flags: frozenset[bytes]) -> None:
        """A silent STORE went well: what the client knows of these messages changes without a word."""
        for number in numbers:
            message = self.messages[number - 1]
            if message.flags is not None:
                changed = {"+": message.flags | flags, "-": message.flags - flags, "": flags}
                message.flags = changed[mode]
