"""What a worker process is told when it is born, and what it tells the supervisor.

The supervisor hands a worker its listening sockets by file descriptor and one end of a socket pair, the lifeline:
the worker writes one JSON line for each thing it has to say, and when the other end closes it knows that its
supervisor is gone and stops too.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple


class Assignment(NamedTuple):
    """One worker's work: `sockets` are file descriptors by the listener's name (a field of `settings.Listeners`)."""

    site: str
    slot: int
    sockets: dict[str, list[int]]
    lifeline: int

    @property
    def site_path(self) -> Path:
        return Path(self.site)

    def encode(self) -> str:
        return json.dumps(self._asdict())

    @classmethod
    def decode(cls, text: str) -> "Assignment":
        return cls(**json.loads(text))


class Report(NamedTuple):
    """A worker's state: whether it accepts connections, and what is wrong with its databases (sentences)."""

    ready: bool
    troubles: list[str]

    def encode(self) -> bytes:
        return json.dumps(self._asdict()).encode() + b"\n"

    @classmethod
    def decode(cls, line: bytes) -> "Report":
        values: dict[str, Any] = json.loads(line)
        return cls(bool(values["ready"]), [str(text) for text in values["troubles"]])
