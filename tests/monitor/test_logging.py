"""Log lines, as people and as programs read them."""

import io
import json
import logging

import pytest

from pillarbox.base.clock import FixedClock
from pillarbox.monitor.logging import adopt_standard_logging, make_log


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_text() -> None:
    stream = io.StringIO()
    make_log("text", "info", stream, FixedClock()).info("message accepted", session="k3x", size=12, sender="a@b.test")
    assert (
        stream.getvalue() == "2023-11-14T22:13:20.000Z info    message accepted session=k3x size=12 sender=a@b.test\n"
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("", 'x=""'),
        ("two words", 'x="two words"'),
        ('a"b', 'x="a\\"b"'),
        ("a=b", 'x="a=b"'),
        ("line\r\nbreak", 'x="line\\r\\nbreak"'),
        ("\x1b[31mred", 'x="\\u001b[31mred"'),
        ("\u202eright to left", 'x="\\u202eright to left"'),
        ("bücher", "x=bücher"),
        (None, "x=None"),
        (b"\x00", "x=\"b'\\\\x00'\""),
    ],
)
def test_what_a_peer_said_cannot_look_like_anything_else(value: object, written: str) -> None:
    stream = io.StringIO()
    make_log("text", "info", stream, FixedClock()).info("said", x=value)
    assert stream.getvalue().endswith(f"said {written}\n")
    assert stream.getvalue().count("\n") == 1


def test_json() -> None:
    stream = io.StringIO()
    make_log("json", "info", stream, FixedClock()).warning("it rains", session="k3x", n=1, other=b"\x00")
    assert json.loads(stream.getvalue()) == {
        "time": "2023-11-14T22:13:20.000Z",
        "level": "warning",
        "event": "it rains",
        "session": "k3x",
        "n": 1,
        "other": "b'\\x00'",
    }


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_traceback_stays_with_its_line(form: str) -> None:
    stream = io.StringIO()
    try:
        raise ValueError("bad\nnews")
    except ValueError as error:
        make_log(form, "info", stream, FixedClock()).error("internal error", session="k3x", exc_info=error)
    first, *rest = stream.getvalue().splitlines()
    assert "internal error" in first and "ValueError" in stream.getvalue()
    assert all(line.startswith("    ") for line in rest)
    assert form == "text" or json.loads(stream.getvalue())["traceback"].endswith("ValueError: bad\nnews")


def test_lines_below_the_level_are_not_written() -> None:
    stream = io.StringIO()
    log = make_log("text", "warning", stream, FixedClock())
    for write in (log.debug, log.info, log.warning, log.error):
        write("x")
    assert [line.split()[1] for line in stream.getvalue().splitlines()] == ["warning", "error"]


def test_colours_only_on_a_terminal() -> None:
    terminal = Terminal()
    make_log("text", "info", terminal, FixedClock()).info("x")
    assert "\x1b[" in terminal.getvalue()


def test_a_stream_that_fails_stops_nobody() -> None:
    stream = io.StringIO()
    log = make_log("text", "info", stream, FixedClock())
    stream.close()
    log.info("x")


def test_what_libraries_log_comes_here_too() -> None:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    try:
        adopt_standard_logging(make_log("text", "info", stream, FixedClock()))
        logging.getLogger("asyncio").error("lost %s", "something")
        logging.getLogger("asyncio").info("not this")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    assert 'error   library message logger=asyncio text="lost something"' in stream.getvalue()
    assert stream.getvalue().count("\n") == 1
