"""One at a time, also between processes, also after one was killed."""

import subprocess
import sys
from pathlib import Path

import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.recovery.exclusive import exclusively

HOLDER = """
import sys
from pathlib import Path
from pillarbox.recovery.exclusive import exclusively
with exclusively(Path(sys.argv[1]), "another backup"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_killed_process_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"held\n"
        with pytest.raises(Failure, match="another backup is running") as caught, exclusively(path, "another backup"):
            pass
        assert caught.value.kind is FailureKind.IN_USE
        process.kill()
        process.wait()
    with exclusively(path, "another backup"):
        pass


def test_it_is_let_go_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError), exclusively(tmp_path / "lock", "another backup"):
        raise KeyError
    with exclusively(tmp_path / "lock", "another backup"):
        pass
