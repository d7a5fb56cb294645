"""The command line, run in this process on one site, for tests."""

import json
from pathlib import Path
from typing import Any

from typer import Typer
from typer.testing import CliRunner, Result

from pillarbox.model.failure import Failure


class Line:
    """Runs commands of `app` on one site."""

    def __init__(self, app: Typer, site: Path) -> None:
        self.site = site
        self._app = app

    def __call__(self, *words: str, input: str = "") -> str:
        """What a command that succeeds prints."""
        result = self.run(*words, input=input)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.stdout

    def run(self, *words: str, input: str = "") -> Result:
        """How a command ends."""
        return CliRunner().invoke(self._app, ["-C", str(self.site), *words], input=input)

    def json(self, *words: str) -> Any:
        """What a command prints for programs."""
        return json.loads(self(*words, "--json"))

    def refused(self, *words: str, input: str = "") -> str:
        """Why a command is refused."""
        result = self.run(*words, input=input)
        if isinstance(result.exception, Failure):
            return result.exception.public
        assert isinstance(result.exception, SystemExit) and result.exit_code != 0, result.output
        return result.output
