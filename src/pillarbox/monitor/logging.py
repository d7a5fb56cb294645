"""Log lines: structlog, as text for people or as JSON for programs, to stderr.

Text is `time level event key=value …`, coloured only on a terminal; JSON is one object a line. Times are
UTC, ISO 8601 with milliseconds. Control characters from a peer never reach the terminal or start a line of their own.
A line that cannot be written (a full disk, a closed pipe) is dropped: logging never stops the server.
"""

import json
import logging
import re
import sys
import traceback
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TextIO, cast

import structlog

from pillarbox.base.clock import MICROSECONDS, Clock, SystemClock
from pillarbox.base.log import Log

LEVELS: Mapping[str, int] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
FORMATS = ("text", "json")

_COLOURS: Mapping[str, str] = {"debug": "\x1b[2m", "info": "\x1b[32m", "warning": "\x1b[33m", "error": "\x1b[31m"}
_RESET = "\x1b[0m"
_PLAIN = re.compile(r"[!#-<>-\[\]-~\u00a1-\u1fff\u2030-\ud7ff\uf900-\uffef]+")
"""A value written without quotes: no space, quote, backslash or "=", and nothing that moves a terminal's cursor."""

Processor = Callable[[Any, str, MutableMapping[str, Any]], str]


class LineWriter:
    """The end of the way: one write a line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, message: str) -> None:
        with suppress(OSError, ValueError):
            self._stream.write(message + "\n")
            self._stream.flush()

    debug = info = warning = error = msg


def make_log(format: str, level: str, stream: TextIO | None = None, clock: Clock | None = None) -> Log:
    """A log. `format` is "text" or "json", `level` the lowest of debug, info, warning and error that is written."""
    stream = stream if stream is not None else sys.stderr
    stamp = _Stamp(clock if clock is not None else SystemClock())
    render: Processor = _json_renderer(stamp) if format == "json" else _text_renderer(stamp, stream.isatty())
    log = structlog.wrap_logger(
        LineWriter(stream),
        processors=[render],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        context_class=dict,
        cache_logger_on_first_use=True,
    )
    return cast(Log, log.bind())


class _Stamp:
    """The time as text; the part down to the second is made once a second."""

    __slots__ = ("_clock", "_second", "_text")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._second = -1
        self._text = ""

    def __call__(self) -> str:
        second, microseconds = divmod(self._clock.now(), MICROSECONDS)
        if second != self._second:
            self._second = second
            self._text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S.")
        return f"{self._text}{microseconds // 1000:03d}Z"


def _json_renderer(stamp: _Stamp) -> Processor:
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode

    def render(logger: Any, level: str, fields: MutableMapping[str, Any]) -> str:
        line = {"time": stamp(), "level": level, "event": fields.pop("event")}
        error = fields.pop("exc_info", None)
        line.update(fields)
        if error is not None:
            line["traceback"] = _traceback(error)
        return encode(line)

    return render


def _text_renderer(stamp: _Stamp, colour: bool) -> Processor:
    names = {level: f"{_COLOURS[level]}{level:7}{_RESET}" if colour else f"{level:7}" for level in LEVELS}

    def render(logger: Any, level: str, fields: MutableMapping[str, Any]) -> str:
        event = fields.pop("event")
        error = fields.pop("exc_info", None)
        words = [stamp(), names[level], event if event.isprintable() else ascii(event)]
        for key, value in fields.items():
            text = value if type(value) is str else str(value)
            words.append(f"{key}={text}" if _PLAIN.fullmatch(text) else f"{key}={_quoted(text)}")
        line = " ".join(words)
        return f"{line}\n{_indented(_traceback(error))}" if error is not None else line

    return render


def _quoted(text: str) -> str:
    """In double quotes; what is not printable as an escape."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return json.dumps(text, ensure_ascii=not text.isprintable())


def _traceback(error: object) -> str:
    if isinstance(error, BaseException):
        return "".join(traceback.format_exception(error)).rstrip()
    return str(error)


def _indented(text: str) -> str:
    """Every line under its log line; a peer's words in it cannot look like a line of their own."""
    lines = text.splitlines()
    return "\n".join("    " + (line if line.isprintable() else ascii(line)) for line in lines)


class _Forwarder(logging.Handler):
    """Hands on what libraries log."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        write = self._log.error if record.levelno >= logging.ERROR else self._log.warning
        fields: dict[str, object] = {"logger": record.name, "text": record.getMessage()}
        if record.exc_info and record.exc_info[1] is not None:
            fields["exc_info"] = record.exc_info[1]
        write("library message", **fields)


def adopt_standard_logging(log: Log) -> None:
    """What the standard library and others log at warning and above comes here too. For a process's start."""
    root = logging.getLogger()
    root.handlers[:] = [_Forwarder(log)]
    root.setLevel(logging.WARNING)
