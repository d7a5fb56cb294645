"""The reader of dialogs itself: what it takes, and that it notices."""

import asyncio

import pytest

from pillarbox.testing.dialog import Mismatch, Player, Script


class Parrot:
    """Answers a line with itself, "quit" by closing; "{n}" with a "+" line."""

    def __init__(self) -> None:
        self.closed = False
        self._out = b""

    async def send(self, data: bytes) -> None:
        self.closed |= data.startswith(b"quit")
        if data.endswith(b"}\r\n") and b"+" not in data:
            self._out += b"+ go on\r\n"
        elif not self.closed:
            self._out += b"said " + data

    def take(self) -> bytes:
        out, self._out = self._out, b""
        return out


def play(text: str) -> list[str]:
    asked: list[str] = []

    async def opened(number: int) -> Parrot:
        return Parrot()

    async def direct(words: str) -> None:
        asked.append(words)

    asyncio.run(Player(opened, direct).play(Script.parse(text)))
    return asked


def test_lines_words_and_any_text() -> None:
    play("C: one two three\nS: said one ... three\nC: $x\nS: said $x\nC: a b\nS: said $first $second\nC: $second $first\n"
         "S: said b a\n")  # fmt: skip


def test_settings_comments_and_directions() -> None:
    text = "# comment\nstate: raw\nmail: 3\n\n! do this\nC: a\nS: said a\n! and that\n"
    assert Script.parse(text).settings == {"state": "raw", "mail": "3"}
    assert play(text) == ["do this", "and that"]


def test_literals_both_ways() -> None:
    play("C: x {=+}\n| one\n|- two\nC: end\nS: said x {8+}\nS: said one\nS: twosaid end\n")


def test_a_waiting_literal_is_asked_for() -> None:
    play("C: x {=}\n| one\nC:\nS: said one\nS: said \n")


def test_a_closed_connection() -> None:
    play("C: quit\nS: <closed>\n")


@pytest.mark.parametrize(
    "text",
    [
        "C: a\nS: said b\n",
        "C: a\n",
        "C: a\nC: b\nS: said a\nS: said b\n",
        "C: a\nS: said a\nS: more\n",
        "C: a\nS: <closed>\n",
        "C: a\nS: said $x\nC: b\nS: said $x\n",
        "S2: something\n",
    ],
)
def test_what_does_not_fit_is_noticed(text: str) -> None:
    with pytest.raises(Mismatch):
        play(text)


@pytest.mark.parametrize("text", ["nonsense\n", "| literal\n", "C: a\nstate: raw\n"])
def test_what_is_no_dialog(text: str) -> None:
    with pytest.raises(ValueError, match="line"):
        Script.parse(text)
