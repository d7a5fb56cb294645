"""A place in a command's text, and the error that says why the text is wrong.

`Cursor` moves over one framed command; `utf8` tells whether mailbox names are UTF-8 (IMAP4rev2 or UTF8=ACCEPT
is enabled) or modified UTF-7. `ParseError` never quotes the client's text: it may hold a password.
"""

import re


class ParseError(Exception):
    """The command is wrong: `reason` is for the client and the log, `code` an optional response code.

    `refused` makes the answer NO (understood, not possible) instead of BAD.
    """

    def __init__(self, reason: str, code: bytes = b"", refused: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.refused = refused


_WORD = re.compile(rb"[A-Za-z][A-Za-z0-9.=\-]*")


class Cursor:
    """`data` and the offset of the next octet to read, `pos`."""

    __slots__ = ("data", "pos", "utf8")

    def __init__(self, data: bytes, pos: int = 0, utf8: bool = False) -> None:
        self.data = data
        self.pos = pos
        self.utf8 = utf8

    def match(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        """Match here and step over it, or None."""
        found = pattern.match(self.data, self.pos)
        if found is not None:
            self.pos = found.end()
        return found

    def take(self, pattern: re.Pattern[bytes], what: str) -> bytes:
        """Match here and step over it. ParseError naming `what` if it does not match."""
        found = pattern.match(self.data, self.pos)
        if found is None:
            raise self.error(what)
        self.pos = found.end()
        return found[0]

    def accept(self, token: bytes) -> bool:
        """Step over `token` if it stands here."""
        if self.data.startswith(token, self.pos):
            self.pos += len(token)
            return True
        return False

    def expect(self, token: bytes, what: str) -> None:
        """Step over `token`. ParseError naming `what` if it is not here."""
        if not self.data.startswith(token, self.pos):
            raise self.error(what)
        self.pos += len(token)

    def space(self) -> None:
        """SP, exactly one."""
        if self.data[self.pos : self.pos + 1] != b" ":
            raise self.error("a space")
        self.pos += 1

    def peek(self) -> bytes:
        """The next octet, b"" at the end."""
        return self.data[self.pos : self.pos + 1]

    def word(self, what: str) -> bytes:
        """A keyword of letters, digits, dots, hyphens and equal signs, in capitals."""
        return self.take(_WORD, what).upper()

    def end(self) -> None:
        """The command ends here. ParseError if more follows; one trailing space is forgiven (old clients)."""
        rest = len(self.data) - self.pos
        if rest and not (rest == 1 and self.data[-1:] == b" "):
            raise ParseError(f"unexpected text at octet {self.pos + 1}")

    def error(self, what: str) -> ParseError:
        """The error that something else was expected here."""
        if self.pos >= len(self.data):
            return ParseError(f"{what} expected, but the command ends")
        return ParseError(f"{what} expected at octet {self.pos + 1}")
