"""Log lines on standard error: text for people, JSON for programs; one line an event, UTC, fields after the event.

`make_log` gives the `base.log.Log` of a process. A line below the level costs next to nothing.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from pillarbox.base.log import Log

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_FIRST = ("session", "peer", "protocol")


def make_log(form: str, level: str) -> Log:
    """A log in `form` ("text" or "json") of lines at `level` and above."""
    processors: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    processors.append(structlog.processors.JSONRenderer() if form == "json" else _text)
    log: Log = structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        cache_logger_on_first_use=True,
    )
    return log


def _text(logger: object, method: str, event: MutableMapping[str, Any]) -> str:
    """2026-01-31T12:00:00Z info message accepted session=… peer=… size=5000"""
    line = [str(event.pop("timestamp")), str(event.pop("level")), str(event.pop("event"))]
    trace = event.pop("exception", None)
    line += [f"{name}={_value(event.pop(name))}" for name in _FIRST if name in event]
    line += [f"{name}={_value(value)}" for name, value in event.items()]
    return " ".join(line) + (f"\n{trace}" if trace else "")


def _value(value: object) -> str:
    text = str(value)
    return repr(text) if not text or " " in text or not text.isprintable() else text
