"""One running server for the client tests of a process, and the clients they drive."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pillarbox.testing.server import Server, server


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with people alice, bob, carol and dave, all with the password "pass"."""
    with server(tmp_path_factory.mktemp("site") / "site", people=["alice", "bob", "carol", "dave"]) as one:
        yield one


class Client:
    """Runs a mail client; where it is not installed, the test says so and is skipped."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def run(self, *words: str, input: bytes = b"", check: bool = True) -> subprocess.CompletedProcess[bytes]:
        """Runs it with an empty home; its standard output and error as bytes."""
        if not shutil.which(words[0]):
            pytest.skip(f"{words[0]} is not installed: `make clients` as root installs it")
        environment = {"HOME": str(self.home), "PATH": "/usr/bin:/bin:/usr/sbin", "LANG": "C.UTF-8", "TERM": "dumb"}
        done = subprocess.run(words, input=input, capture_output=True, timeout=300, env=environment, cwd=self.home)
        if check:
            assert done.returncode == 0, f"{words}: {done.stdout.decode()}\n{done.stderr.decode()}"
        return done


@pytest.fixture
def client(tmp_path: Path) -> Client:
    return Client(tmp_path)
