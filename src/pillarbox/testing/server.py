"""A whole server in processes of its own, for tests and benchmarks: a site, its people, started, killed, stopped.

Ports are the standard ones plus an offset that no other test on this machine uses at the same time. Everything lies
in the directory given; leaving the `with` block ends every process.
"""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

HOST = "127.0.0.1"
_METRICS = 9925
_OFFSETS = range(11000, 22000, 1000)


@contextmanager
def port_offset() -> Iterator[int]:
    """An offset for this test alone, held by a file lock; waits up to five minutes for one."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        for offset in _OFFSETS:
            path = Path(tempfile.gettempdir(), f"pillarbox-test-ports-{offset}.lock")
            with open(path, "w", encoding="ascii") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    socket.create_server((HOST, offset + _METRICS)).close()
                except OSError:
                    continue
                yield offset
                return
        time.sleep(0.2)
    raise TimeoutError("no free ports for a test server")


class Server:
    """One site and the server process that serves it."""

    def __init__(self, path: Path, offset: int, workers: int = 2) -> None:
        self.path = path
        self.offset = offset
        self.workers = workers
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    def port(self, standard: int) -> int:
        """The port of a service, by its standard number."""
        return standard + self.offset

    def command(self, *words: str, input: str = "", check: bool = True) -> str:
        """Runs `pillarbox -C SITE …`; its standard output. Raises RuntimeError with its standard error."""
        done = subprocess.run(
            [sys.executable, "-m", "pillarbox", "-C", str(self.path), *words],
            input=input, capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        if check and done.returncode:
            raise RuntimeError(f"{words} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def init(self, people: Sequence[str] = ("alice", "bob"), password: str = "pass") -> None:
        """Makes the site for example.test and its people, all with the same password."""
        subprocess.run(
            [sys.executable, "-m", "pillarbox", "init", str(self.path), "--domain", "example.test",
             "--port-offset", str(self.offset)],
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip
        self.set("server", "workers", self.workers)
        for name in people:
            self.command("user", "add", f"{name}@example.test", "--password-stdin", input=f"{password}\n")

    def set(self, section: str, key: str, value: object) -> None:
        """Changes one setting in the settings file."""
        file = self.path / "pillarbox.toml"
        lines = file.read_text().splitlines()
        at = lines.index(f"[{section}]")
        for number in range(at, len(lines)):
            if lines[number].startswith(f"{key} = "):
                lines[number] = f"{key} = {json.dumps(value)}"
                break
        file.write_text("\n".join(lines) + "\n")

    def start(self) -> None:
        """Starts serving and waits until all is well."""
        self._start(self.healthy)

    def start_unhealthy(self) -> None:
        """Starts serving and waits until every worker serves, though something else is wrong."""
        self._start(lambda: "is not serving" not in (self.health() or "is not serving"))

    def follow(self) -> None:
        """Starts as a standby that serves once it is promoted, and waits until it says how it is."""
        self._start(lambda: (self.path / "run" / "standby.json").exists(), "standby", "--then-serve")

    def start_again(self) -> None:
        """Starts serving, as it was; it may find out that it is a standby now, and follow."""
        self._start(lambda: self.healthy() or (self.path / "run" / "standby.json").exists())

    def _start(self, ready: Callable[[], bool], *words: str) -> None:
        if self._log is None:
            self._log = open(self.path / "server.log", "ab")  # noqa: SIM115 - closed by stop
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pillarbox", "-C", str(self.path), *(words or ("serve",))],
            stdout=self._log, stderr=self._log, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while self._process.poll() is not None or not ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not come up:\n{self.log()[-4000:]}")
            time.sleep(0.05)

    def healthy(self) -> bool:
        """Whether the server says that all of it is well."""
        return '"healthy": true' in self.health()

    def health(self) -> str:
        """What /healthz says, "" where it cannot be asked."""
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self.port(_METRICS)}/healthz", timeout=2) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return error.read().decode()
        except OSError:
            return ""

    def metrics(self) -> str:
        """What /metrics says."""
        with urllib.request.urlopen(f"http://{HOST}:{self.port(_METRICS)}/metrics", timeout=5) as answer:
            return str(answer.read().decode())

    def worker_pids(self) -> list[int]:
        """The process ids of the workers."""
        assert self._process
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        return [int(word) for word in children.split()]

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL to every process of the server at once, as a power cut would."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            # One that waits for a disk dies only when that is over, and has its ports until then.
            deadline = time.monotonic() + 60
            with suppress(ProcessLookupError):
                while time.monotonic() < deadline:
                    os.killpg(self._process.pid, 0)
                    time.sleep(0.02)
            self._process = None

    def stop(self, patience: float = 30) -> int:
        """SIGTERM; the exit code once all is down."""
        code = 0
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                code = self._process.wait(patience)
            finally:
                if self._process.poll() is None:
                    os.killpg(self._process.pid, signal.SIGKILL)
                    self._process.wait()
                self._process = None
        if self._log is not None:
            self._log.close()
            self._log = None
        return code

    def log(self) -> str:
        """All that the server logged."""
        return (self.path / "server.log").read_text(errors="replace")

    def json(self, *words: str) -> Any:
        """A command's answer with --json."""
        return json.loads(self.command(*words, "--json"))


@contextmanager
def server(path: Path, *, people: Sequence[str] = ("alice", "bob"), workers: int = 2) -> Iterator[Server]:
    """A running server with a site of its own."""
    with port_offset() as offset:
        one = Server(path, offset, workers)
        one.init(people)
        try:
            one.start()
            yield one
        finally:
            one.stop()
