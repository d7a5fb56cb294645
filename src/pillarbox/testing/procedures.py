"""The handbook's procedures, executed: the commands of a page, section by section, against a real server.

A page's section is what stands below a heading of the second level. Its ```sh blocks are run one after the other, as a
person would type them; `systemctl` starts and stops the server at hand. Its ```toml blocks are put into the settings.
"""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pillarbox.testing.server import Server

_BLOCK = re.compile(r"^```(sh|toml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A block of a section: `sh` or `toml`, and what is in it."""

    language: str
    text: str


def sections(page: Path) -> dict[str, list[Block]]:
    """All sections that have blocks, by their titles."""
    found: dict[str, list[Block]] = {}
    for part in re.split(r"^## ", page.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        title, _, text = part.partition("\n")
        blocks = [Block(*match.groups()) for match in _BLOCK.finditer(text)]
        if blocks:
            found[title] = blocks
    return found


class Procedure:
    """One section, gone through block by block.

    `words` says what stands for what: places of the page for those of the test. They may be added to as a person would
    who reads a number from one command and types it into the next. `other` is the server that `ssh … systemctl` means.
    """

    def __init__(
        self, blocks: list[Block], server: Server, tools: Path, words: Mapping[str, str], other: Server | None = None
    ) -> None:
        self._blocks = list(blocks)
        self._server = server
        self._other = other
        self._tools = tools
        self.words = dict(words)
        tools.mkdir(exist_ok=True)
        program = tools / "pillarbox"
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m pillarbox "$@"\n')
        program.chmod(0o700)

    @property
    def left(self) -> int:
        """Blocks that were not executed yet."""
        return len(self._blocks)

    def next(self, count: int = 1) -> str:
        """Executes the next blocks; all that was printed. Raises RuntimeError where a command fails."""
        return "".join(self._execute(self._blocks.pop(0)) for _ in range(count))

    def _execute(self, block: Block) -> str:
        text = self._put_in(block.text)
        if block.language == "toml":
            for section, values in tomllib.loads(text).items():
                for key, value in values.items():
                    self._server.set(section, key, value)
            return ""
        return "".join(self._run(line) for line in text.splitlines() if line.strip())

    def _put_in(self, text: str) -> str:
        longest_first = sorted(self.words, key=len, reverse=True)
        return re.sub("|".join(map(re.escape, longest_first)), lambda found: self.words[found[0]], text)

    def _run(self, line: str) -> str:
        match line.split():
            case ["systemctl", "start", _]:
                self._server.start() if self._other is None else self._server.start_again()
            case ["systemctl", "stop", _]:
                self._server.stop()
            case ["systemctl", "restart", _]:
                self._server.stop()
                self._server.start()
            case ["ssh", _, "systemctl", "start", _] if self._other is not None:
                self._other.start_again()
            case ["systemctl", "reload", _]:
                os.kill(self._server.pid, 1)
            case _:
                return self._shell(line)
        return ""

    def _shell(self, line: str) -> str:
        environment = os.environ | {
            "PATH": f"{self._tools}:{os.environ['PATH']}", "PILLARBOX_DIR": str(self._server.path), "COLUMNS": "200",
        }  # fmt: skip
        done = subprocess.run(
            ["sh", "-euc", line], env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{line}\nended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr
