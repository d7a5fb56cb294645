"""The DATA reader: unstuffing, limits, smuggling, whole, byte by byte and with trailing data."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.wire.lines import LineBuffer
from pillarbox.wire.session import NEED_DATA
from pillarbox.wire.smtp import replies
from pillarbox.wire.smtp.commands import BodyChunk, BodyEnd, BodyFailed
from pillarbox.wire.smtp.data import CHUNK_SIZE, DataReader, lines_fit

BIG = 1 << 30


def receive(pieces: list[bytes], size_limit: int = BIG, line_limit: int = 1000) -> tuple[bytes | replies.Reply, bytes]:
    """The message or the failure, and what was left behind it; NEED_DATA is an assertion error."""
    buffer, reader, content, most = LineBuffer(), DataReader(size_limit, line_limit), b"", 0
    feed = iter(pieces)
    while True:
        event = reader.read(buffer)
        if event is NEED_DATA:
            most = max(most, len(buffer))
            assert most <= line_limit + 2
            buffer.receive(next(feed))
        elif isinstance(event, BodyChunk):
            assert 0 < len(event.data) <= CHUNK_SIZE
            content += event.data
        else:
            rest = buffer.take(BIG) + b"".join(feed)
            if isinstance(event, BodyFailed):
                return event.reply, rest
            assert isinstance(event, BodyEnd) and event.size == len(content)
            return content, rest


def byte_by_byte(data: bytes) -> list[bytes]:
    return [data[index : index + 1] for index in range(len(data))]


MESSAGES = [
    (b".\r\n", b""),
    (b"\r\n.\r\n", b"\r\n"),
    (b"a\r\n.\r\n", b"a\r\n"),
    (b"..\r\n.\r\n", b".\r\n"),
    (b"..a\r\n..\r\n...\r\n.\r\n", b".a\r\n.\r\n..\r\n"),
    (b".a\r\n.\r\n", b"a\r\n"),
    (b"a.\r\nb\r\n.\r\n", b"a.\r\nb\r\n"),
    (b"a\r\n\r\n..\r\n\r\n.\r\n", b"a\r\n\r\n.\r\n\r\n"),
    (b"x" * 998 + b"\r\n.\r\n", b"x" * 998 + b"\r\n"),
    (b".." + b"x" * 997 + b"\r\n.\r\n", b"." + b"x" * 997 + b"\r\n"),
    (b"\0\xff\r\n.\r\n", b"\0\xff\r\n"),
]


@pytest.mark.parametrize(("data", "content"), MESSAGES)
def test_messages(data: bytes, content: bytes) -> None:
    assert receive([data]) == (content, b"")
    assert receive(byte_by_byte(data)) == (content, b"")
    assert receive([data + b"QUIT\r\n"]) == (content, b"QUIT\r\n")
    assert receive(byte_by_byte(data + b".\r\n")) == (content, b".\r\n")


BARE, LONG, LARGE = replies.BODY_BARE_NEWLINE, replies.BODY_LINE_TOO_LONG, replies.MESSAGE_TOO_LARGE
FALSE_ENDS = [
    b"\n.\n", b"\r\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\n\n.\r\n", b"\r\n.\r.\r\n", b"\r\n\0.\n",
]  # fmt: skip


@pytest.mark.parametrize("false_end", FALSE_ENDS)
def test_what_is_almost_the_end_never_ends_a_message_and_refuses_it(false_end: bytes) -> None:
    smuggled = b"MAIL FROM:<evil@b.test>\r\nRCPT TO:<a@b.test>\r\nDATA\r\nevil\r\n"
    data = b"good" + false_end + smuggled + b".\r\n"
    assert receive([data]) == (BARE, b"")
    assert receive(byte_by_byte(data)) == (BARE, b"")
    assert receive([data + b"QUIT\r\n"]) == (BARE, b"QUIT\r\n")


@pytest.mark.parametrize("data", [b"\n.\r\n", b"\r.\r\n", b".\n.\r\n", b".\r.\r\n", b"\n\r\n", b".\n\r\n"])
def test_a_message_that_begins_with_an_almost_end(data: bytes) -> None:
    assert receive([data + b"\r\n.\r\n"])[0] is BARE
    assert receive(byte_by_byte(data + b"\r\n.\r\n"))[0] is BARE


@pytest.mark.parametrize(
    ("data", "failure"),
    [
        (b"x" * 999 + b"\r\n.\r\n", LONG),
        (b"a\r\n" * 500 + b"x" * 999 + b"\r\nb\r\n.\r\n", LONG),
        (b"x" * 100_000 + b"\r\n.\r\n", LONG),
        (b"x" * 700 + b"\r\n" + b"y" * 700 + b"\r\n.\r\n", LARGE),
    ],
)
def test_limits(data: bytes, failure: replies.Reply) -> None:
    size_limit = 1200 if failure is LARGE else BIG
    assert receive([data + b"QUIT\r\n"], size_limit) == (failure, b"QUIT\r\n")
    assert receive(byte_by_byte(data + b"QUIT\r\n"), size_limit) == (failure, b"QUIT\r\n")


def test_a_failed_message_is_dropped_in_bounded_memory() -> None:
    buffer, reader = LineBuffer(), DataReader(1000, 1000)
    for _ in range(50):
        buffer.receive(b"x" * 100_000)
        assert reader.read(buffer) is NEED_DATA
        assert len(buffer) < 5
    buffer.receive(b"\r\n.\r\n")
    assert reader.read(buffer) == BodyFailed(LONG)


def test_a_message_that_came_in_one_piece_is_one_chunk() -> None:
    body = b"a line of text\r\n" * 300
    buffer, reader = LineBuffer(), DataReader(BIG, 1000)
    buffer.receive(body + b".\r\n")
    assert reader.read(buffer) == BodyChunk(body)
    assert reader.read(buffer) == BodyEnd(len(body))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from([b"", b".", b"..", b"a", b".a", b"a.", b"\0\xff", b"x" * 90]), max_size=30),
    st.lists(st.integers(1, 40), max_size=6),
)
def test_stuffed_messages_come_out_as_they_were_however_they_are_cut(lines: list[bytes], cuts: list[int]) -> None:
    content = b"".join(line + b"\r\n" for line in lines)
    stuffed = b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in lines) + b".\r\n"
    pieces, rest = [], stuffed
    for cut in cuts:
        pieces.append(rest[:cut])
        rest = rest[cut:]
    assert receive([*(piece for piece in pieces if piece), rest]) == (content, b"")


def simple(data: bytes) -> bytes | None:
    """What the reader must find, written the slow way: the content, or None where it is refused."""
    end = (b"\r\n" + data).find(b"\r\n.\r\n")
    text = data[:end]
    if b"\r" in text.replace(b"\r\n", b"") or b"\n" in text.replace(b"\r\n", b""):
        return None
    return b"".join(line.removeprefix(b".") for line in text.splitlines(keepends=True))


def test_random_line_ends_against_a_slow_reader() -> None:
    chance = random.Random("data")
    for _ in range(4000):
        data = b"".join(chance.choices([b"\r", b"\n", b".", b"a", b"\r\n", b"\r\n."], k=chance.randrange(14)))
        data += b"\r\n.\r\n"
        end = (b"\r\n" + data).find(b"\r\n.\r\n") + 3
        expected = simple(data)
        for pieces in ([data], byte_by_byte(data)):
            content, rest = receive(pieces)
            assert (content if isinstance(content, bytes) else None) == expected, data
            assert rest == data[end:], data


def test_large_messages_take_linear_time() -> None:
    def seconds(lines: int, piece: int) -> float:
        data = b".." + b"text" * 10 + b"\r\n"
        data = data * lines + b".\r\n"
        begin = time.thread_time()
        buffer, reader, received = LineBuffer(), DataReader(BIG, 1000), 0
        for start in range(0, len(data), piece):
            buffer.receive(data[start : start + piece])
            while isinstance(event := reader.read(buffer), BodyChunk):
                received += len(event.data)
        assert received == lines * 43
        return time.thread_time() - begin

    for piece in (7, 65536, 1 << 30):
        few = min(seconds(5_000, piece) for _ in range(3))
        assert seconds(50_000, piece) < few * 60 + 0.05


def test_lines_fit() -> None:
    assert lines_fit(b"", 5)
    assert lines_fit(b"abc\r\n" * 10, 5)
    assert not lines_fit(b"abc\r\nabcd\r\nabc\r\n", 5)
    assert not lines_fit(b"abcd\r\n", 5)
