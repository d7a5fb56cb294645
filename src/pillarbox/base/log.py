"""Where log lines go, handed in as a value. `monitor/logging.py` makes the real one.

A line is an event, a short phrase in plain words that is always the same for the same thing ("message accepted"),
and fields that vary. An exception given as the field `exc_info` is written with its traceback.
"""

from typing import Protocol


class Log(Protocol):
    """Writes log lines; never raises, never waits for long."""

    def debug(self, event: str, /, **fields: object) -> object: ...

    def info(self, event: str, /, **fields: object) -> object: ...

    def warning(self, event: str, /, **fields: object) -> object: ...

    def error(self, event: str, /, **fields: object) -> object: ...


class NoLog:
    """Writes nothing."""

    def debug(self, event: str, /, **fields: object) -> None: ...

    def info(self, event: str, /, **fields: object) -> None: ...

    def warning(self, event: str, /, **fields: object) -> None: ...

    def error(self, event: str, /, **fields: object) -> None: ...
