"""What TOP cuts out of a message, wherever its pieces begin and end, and how little of it is read."""

from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.servers.pop3.reading import top_of
from pillarbox.testing.memorystore import MemoryContent

BEGINNING = 64 * 1024  # what is read first


class Counted(MemoryContent):
    """Counts the octets that were read."""

    octets = 0

    def read(self, start: int, length: int) -> bytes:
        data = super().read(start, length)
        self.octets += len(data)
        return data

    def pieces(self, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        for piece in super().pieces(start, length):
            self.octets += len(piece)
            yield piece


def expected(header: bytes, body: bytes, lines: int) -> bytes:
    return header + b"".join(body.splitlines(keepends=True)[:lines])


@settings(max_examples=300, deadline=None)
@given(
    padding=st.sampled_from([0, 1, BEGINNING - 12, BEGINNING - 8, BEGINNING - 6, BEGINNING, 5 * BEGINNING]),
    in_header=st.booleans(),
    body=st.lists(st.sampled_from([b"\r\n", b"a", b".", b"long line"]), max_size=12).map(b"".join),
    lines=st.integers(0, 14),
)
def test_header_and_lines(padding: int, in_header: bool, body: bytes, lines: int) -> None:
    header = b"A: " + b"x" * (padding if in_header else 0) + b"\r\n\r\n"
    if not in_header and padding:
        body = b"y" * padding + b"\r\n" + body
    content = MemoryContent(header + body)
    assert b"".join(top_of(content, len(header), lines)) == expected(header, body, lines)


def test_a_header_without_a_body() -> None:
    for data in (b"", b"A: b\r\n", b"A: b", b"\r\n"):
        for lines in (0, 1, 5):
            assert b"".join(top_of(MemoryContent(data), len(data), lines)) == data


def test_the_rest_is_not_read() -> None:
    header = b"A: b\r\n\r\n"
    content = Counted(header + b"0123456789\r\n" * 1_000_000)
    assert len(b"".join(top_of(content, len(header), 100))) == len(header) + 1200
    assert content.octets == BEGINNING
