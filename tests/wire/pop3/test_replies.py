"""Replies as bytes, and dot-stuffing that every client can take apart."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.wire.pop3 import replies
from pillarbox.wire.pop3.replies import Continue, DotStuffer, Err, Listing, Ok, encode


def test_replies() -> None:
    assert encode(Ok()) == b"+OK\r\n"
    assert encode(Ok("2 320")) == b"+OK 2 320\r\n"
    assert encode(Err("", "No")) == b"-ERR No\r\n"
    assert encode(Err("IN-USE", "Busy")) == b"-ERR [IN-USE] Busy\r\n"
    assert encode(Continue(b"")) == b"+ \r\n"
    assert encode(Continue(b"a")) == b"+ YQ==\r\n"
    assert encode(Listing("2 messages", [b"1 10", b"2 20"])) == b"+OK 2 messages\r\n1 10\r\n2 20\r\n.\r\n"
    assert encode(Listing("", [])) == b"+OK\r\n.\r\n"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=400), st.booleans())
def test_any_text_stays_one_line_within_the_limit(text: str, utf8: bool) -> None:
    for reply in (Ok(text), Err("SYS/TEMP", text)):
        encoded = encode(reply, utf8)
        assert len(encoded) <= 512
        assert encoded.count(b"\r") == encoded.count(b"\n") == 1 and encoded.endswith(b"\r\n")


def test_the_sessions_own_answers_are_one_line() -> None:
    own = [value for value in vars(replies).values() if isinstance(value, (Ok, Err))]
    assert len(own) > 20
    assert all(encode(answer).count(b"\n") == 1 for answer in own)


def stuff(pieces: list[bytes]) -> bytes:
    stuffer = DotStuffer()
    return b"".join([stuffer.stuff(piece) for piece in pieces] + [stuffer.end()])


@pytest.mark.parametrize(
    ("message", "sent"),
    [
        (b"", b".\r\n"),
        (b"a\r\n", b"a\r\n.\r\n"),
        (b"a", b"a\r\n.\r\n"),
        (b".", b"..\r\n.\r\n"),
        (b".\r\n", b"..\r\n.\r\n"),
        (b"a\r\n.\r\n..b\r\n", b"a\r\n..\r\n...b\r\n.\r\n"),
        (b"a.b\r\n", b"a.b\r\n.\r\n"),
        (b"a\n.\nb", b"a\r\n..\r\nb\r\n.\r\n"),
        (b"\n.", b"\r\n..\r\n.\r\n"),
        (b"a\r", b"a\r\r\n.\r\n"),
        (b"a\r.\r\n", b"a\r.\r\n.\r\n"),
    ],
)
def test_stuffing_whole_and_byte_by_byte(message: bytes, sent: bytes) -> None:
    assert stuff([message]) == sent
    assert stuff([message[index : index + 1] for index in range(len(message))]) == sent
    assert stuff([b"", message, b""]) == sent


def client(data: bytes) -> tuple[bytes, bytes]:
    """What a client takes for the message, and for the next reply. It ends lines at any LF, as many do."""
    message = b""
    while True:
        line, _, data = data.partition(b"\n")
        if line == b".\r":
            return message, data
        message += line.removeprefix(b".") + b"\n"


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.sampled_from([b"\r\n", b"\r\n.", b"\n", b"\r", b".", b"..", b"a", b"\0\xff", b"\n.\r\n"]), max_size=30),
    st.lists(st.integers(0, 20), max_size=6),
)
def test_any_message_ends_where_it_ends_for_every_client_however_it_is_cut(
    tokens: list[bytes], cuts: list[int]
) -> None:
    message = b"".join(tokens)
    pieces, rest = [], message
    for cut in cuts:
        pieces.append(rest[:cut])
        rest = rest[cut:]
    sent = stuff([*pieces, rest])
    assert sent == stuff([message])
    received, behind = client(sent + b"+OK next\r\n")
    assert behind == b"+OK next\r\n"
    crlf = message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    assert received == crlf + (b"" if not crlf or crlf.endswith(b"\n") else b"\r\n")


def test_large_messages_take_linear_time() -> None:
    def seconds(lines: int) -> float:
        message = b".text\n" * lines
        begin = time.thread_time()
        stuff([message[start : start + 1000] for start in range(0, len(message), 1000)])
        return time.thread_time() - begin

    few = min(seconds(10_000) for _ in range(3))
    assert seconds(100_000) < few * 60 + 0.05
