"""Dialogs as text: what clients send and what they must get back, several connections in one script.

    # A comment. Settings come first, one `name: value` a line, then the dialog.
    mail: 3
    C: a NOOP
    S: a OK ...
    C2: b STORE 1 +FLAGS (\\Deleted)
    S2: * 1 FETCH (UID $uid FLAGS (\\Deleted))
    S2: b OK ...
    ! deliver INBOX 2

- `C:` and `S:` are connection 1, `C2:` and `S2:` connection 2, and so on. A connection is opened when it first speaks
  or is heard.
- In `S` lines `...` stands for any text, and `$name` for a word: the first use catches it, later uses (in `C` lines
  too) mean what was caught. Everything else is literal.
- `{=}` or `{=+}` at the end of a line announces the lines that follow with `| ` in front; the number is counted. Each
  ends with CRLF, the last one not if it begins with `|- `. Sent after `{=}`, they wait for a "+" line, which nobody
  else gets to see.
- `<0x00>` is an octet in hexadecimal, in both directions.
- `! word ...` asks the test's own `direct` to do something.
- All output must be expected: what is left over when that connection speaks again, or at the end, is an error.
  `S: <closed>` means that the server has closed the connection.

`Script.parse` raises ValueError for what is none of this; `play` raises `Mismatch` with the line's number.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

_STEP = re.compile(r"([CS])(\d*):(?: (.*))?")
_SETTING = re.compile(r"([a-z-]+): *(.*)")
_OCTET = re.compile(rb"<0x([0-9A-Fa-f]{2})>")
_SPECIAL = re.compile(rb"\.\.\.|\$([a-z_]\w*)")
_COUNT = re.compile(rb"\{=(\+?)\}$")


class Mismatch(AssertionError):
    """The server did not say what the script expects."""


class Peer(Protocol):
    """One client's end of a connection."""

    @property
    def closed(self) -> bool: ...

    async def send(self, data: bytes) -> None:
        """Gives bytes to the server and lets it work until it waits."""

    def take(self) -> bytes:
        """What the server has sent since the last call."""


@dataclass(slots=True)
class Step:
    """One line of a script with the literals that belong to it. `kind` is "C", "S" or "!"."""

    line: int
    kind: str
    connection: int
    parts: list[bytes] = field(default_factory=list)
    """Text, then literal, text, literal, text ...; the last one is text."""


class Script(NamedTuple):
    """A dialog and its settings."""

    settings: dict[str, str]
    steps: list[Step]

    @classmethod
    def parse(cls, text: str) -> "Script":
        settings: dict[str, str] = {}
        steps: list[Step] = []
        literal: list[bytes] | None = None
        for number, line in enumerate(text.splitlines(), 1):
            if line[:1] == "|":
                if not steps or steps[-1].kind == "!":
                    raise ValueError(f"line {number}: a literal belongs to no line")
                literal = literal if literal is not None else []
                literal.append(_content(line))
                continue
            if literal is not None:
                steps[-1].parts.append(b"".join(literal))
                literal = None
            if not line.strip() or line[0] == "#":
                continue
            found = _STEP.fullmatch(line)
            if found is not None:
                _add(steps, number, found[1], int(found[2] or 1), _octets(found[3] or ""))
            elif line[0] == "!":
                steps.append(Step(number, "!", 0, [line[1:].strip().encode()]))
            elif (setting := _SETTING.fullmatch(line)) is not None and not steps:
                settings[setting[1]] = setting[2]
            else:
                raise ValueError(f"line {number}: not a line of a dialog: {line!r}")
        if literal is not None:
            steps[-1].parts.append(b"".join(literal))
        return cls(settings, steps)


def _octets(text: str) -> bytes:
    return _OCTET.sub(lambda found: bytes([int(found[1], 16)]), text.encode())


def _content(line: str) -> bytes:
    if line.startswith("|-"):
        return _octets(line[2:].removeprefix(" "))
    return _octets(line[1:].removeprefix(" ")) + b"\r\n"


def _add(steps: list[Step], number: int, kind: str, connection: int, text: bytes) -> None:
    """A new step, or the rest of the one whose literal has just ended."""
    last = steps[-1] if steps else None
    if last is not None and len(last.parts) % 2 == 0 and (last.kind, last.connection) == (kind, connection):
        last.parts.append(text)
    else:
        steps.append(Step(number, kind, connection, [text]))


class Player:
    """Plays one script."""

    def __init__(self, open_peer: Callable[[int], Awaitable[Peer]], direct: Callable[[str], Awaitable[None]]) -> None:
        self._open = open_peer
        self._direct = direct
        self._peers: dict[int, Peer] = {}
        self._unread: dict[int, bytes] = {}
        self._caught: dict[bytes, bytes] = {}

    async def play(self, script: Script) -> None:
        """Runs all steps. Raises Mismatch."""
        for step in script.steps:
            if step.kind == "!":
                await self._direct(self._filled(step.parts[0]).decode())
                continue
            if step.connection not in self._peers:
                self._peers[step.connection] = await self._open(step.connection)
            if step.kind == "C":
                await self._say(step)
            else:
                self._hear(step)
        for connection in self._peers:
            self._nothing_left(connection, "the end")

    async def _say(self, step: Step) -> None:
        self._nothing_left(step.connection, f"line {step.line}")
        peer = self._peers[step.connection]
        parts = [self._filled(part) for part in step.parts]
        for index in range(0, len(parts), 2):
            literal = parts[index + 1] if index + 1 < len(parts) else None
            text = parts[index]
            if literal is None:
                await peer.send(text + b"\r\n")
                continue
            count = _COUNT.search(text)
            if count is None:
                raise ValueError(f"line {step.line}: a literal without {{=}}")
            await peer.send(text[: count.start()] + b"{%d%b}\r\n" % (len(literal), count[1]))
            if not count[1]:
                answer = peer.take()
                if not answer.startswith(b"+"):
                    raise Mismatch(f"line {step.line}: the literal was not asked for: {answer!r}")
            await peer.send(literal)

    def _hear(self, step: Step) -> None:
        peer = self._peers[step.connection]
        unread = self._unread.get(step.connection, b"") + peer.take()
        if step.parts == [b"<closed>"]:
            self._unread[step.connection] = unread
            if unread or not peer.closed:
                raise Mismatch(f"line {step.line}: the connection is not closed; unread: {unread!r}")
            return
        pattern, names = self._pattern(step)
        found = pattern.match(unread)
        if found is None:
            raise Mismatch(f"line {step.line}: expected {b''.join(step.parts)!r}\n  got {unread[:2000]!r}")
        self._unread[step.connection] = unread[found.end() :]
        for name in names:
            self._caught[name] = found[name.decode()]

    def _pattern(self, step: Step) -> tuple[re.Pattern[bytes], list[bytes]]:
        """The expression for one response, and the names it catches."""
        names: list[bytes] = []
        out: list[bytes] = []
        for index, part in enumerate(step.parts):
            if index % 2:
                out.append(re.escape(part))
                continue
            if index + 1 < len(step.parts):
                part = _COUNT.sub(b"{%d}\r\n" % len(step.parts[index + 1]), part)
            at = 0
            for special in _SPECIAL.finditer(part):
                out.append(re.escape(part[at : special.start()]))
                out.append(self._special(special[1], names))
                at = special.end()
            out.append(re.escape(part[at:]))
        return re.compile(b"".join(out) + rb"\r\n"), names

    def _special(self, name: bytes | None, names: list[bytes]) -> bytes:
        if name is None:
            return rb"[^\r\n]*"
        if name in self._caught:
            return re.escape(self._caught[name])
        if name in names:
            return b"(?P=" + name + b")"
        names.append(name)
        return b"(?P<" + name + rb">[^\s()\[\]]+)"

    def _filled(self, part: bytes) -> bytes:
        return re.sub(rb"\$([a-z_]\w*)", lambda found: self._caught.get(found[1], found[0]), part)

    def _nothing_left(self, connection: int, where: str) -> None:
        left = self._unread.get(connection, b"") + self._peers[connection].take()
        self._unread[connection] = b""
        if left:
            raise Mismatch(f"before {where}, connection {connection}: nobody expected {left[:2000]!r}")
