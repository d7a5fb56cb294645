"""The MIME tree: offsets into exact bytes, for any input."""

import email
import email.message
import mmap
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.mime import part as parts
from pillarbox.mime.message import Limits, Message, Part, parse
from pillarbox.mime.preview import leaves
from pillarbox.testing.letters import letters

TWO = (
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n--b\r\n\r\none\r\n"
    b"--b \t\r\nContent-Type: text/html\r\n\r\n<p>two\r\n\r\n--b--\r\nepilogue\r\n--b\r\nnot a part"
)


def bodies(message: Message) -> list[bytes]:
    return [message.data[child.body_start : child.end] for child in message.root.children]


def check_offsets(part: Part, low: int, high: int) -> None:
    """0 <= header_start <= body_start <= end, and children in order inside their parent."""
    assert low <= part.header_start <= part.body_start <= part.end <= high
    at = part.body_start
    for child in part.children:
        check_offsets(child, at, part.end)
        at = child.end
    if part.message is not None:
        assert part.type == b"message"
        assert part.message.root.header_start == part.body_start
        assert part.message.root.end == part.end
        check_offsets(part.message.root, part.body_start, part.end)
    assert bool(part.children) == (part.type == b"multipart")


def test_the_line_end_before_a_boundary_belongs_to_the_boundary() -> None:
    message = parse(TWO)
    assert bodies(message) == [b"one", b"<p>two\r\n"]
    assert [child.subtype for child in message.root.children] == [b"plain", b"html"]
    assert [child.lines for child in message.root.children] == [0, 1]
    assert message.root.end == len(TWO)


def test_bare_line_feeds() -> None:
    assert bodies(parse(TWO.replace(b"\r\n", b"\n"))) == [b"one", b"<p>two\n"]


def test_a_missing_last_boundary() -> None:
    assert bodies(parse(TWO[: TWO.index(b"--b--")])) == [b"one", b"<p>two\r\n\r\n"]
    assert bodies(parse(TWO[: TWO.index(b"\r\n--b--")])) == [b"one", b"<p>two\r\n"]


def test_an_outer_boundary_ends_what_is_open_inside() -> None:
    data = (
        b"Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n"
        b"--i\r\n\r\nx\r\n--o\r\n\r\ny\r\n--o--"
    )
    root = parse(data).root
    assert [child.subtype for child in root.children] == [b"mixed", b"plain"]
    inner = root.children[0].children[0]
    assert data[inner.body_start : inner.end] == b"x"


def test_the_same_boundary_inside_and_outside() -> None:
    data = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/alternative; boundary=b\r\n"
        b"\r\n--b\r\n\r\nx\r\n--b--\r\n--b\r\n\r\ny\r\n--b--"
    )
    root = parse(data).root
    assert len(root.children) == 2
    assert len(root.children[0].children) == 1


def test_an_embedded_message() -> None:
    data = b"Content-Type: message/rfc822\r\n\r\nSubject: in\r\nContent-Type: text/plain\r\n\r\na\r\nb\r\n"
    root = parse(data).root
    assert root.message is not None
    assert root.lines == 5
    assert root.message.root.lines == 2
    assert root.message.root.header.field(b"subject") == b"in"
    assert parse(data.replace(b"rfc822", b"global")).root.message is not None


def test_an_encoded_embedded_message_is_a_file() -> None:
    root = parse(b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogeA==").root
    assert (root.type, root.subtype, root.message) == (b"application", b"octet-stream", None)


def test_the_parts_of_a_digest_are_messages() -> None:
    data = b"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: in\r\n\r\nx\r\n--b--"
    child = parse(data).root.children[0]
    assert child.message is not None
    assert child.message.root.header.field(b"subject") == b"in"


@pytest.mark.parametrize(
    "data",
    [
        b"Content-Type: multipart/mixed\r\n\r\ntext",
        b'Content-Type: multipart/mixed; boundary=""\r\n\r\n--\r\ntext',
        b'Content-Type: multipart/mixed; boundary="  "\r\n\r\n--\r\ntext',
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\ntext",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b--\r\ntext",
    ],
)
def test_a_multipart_without_parts_is_a_text(data: bytes) -> None:
    root = parse(data).root
    assert (root.type, root.subtype, root.children) == (b"text", b"plain", [])
    assert data[root.body_start : root.end].endswith(b"text")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", []),
        (b"\r\n\r\n", []),
        (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b", [b""]),
        (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n--b\r\n--b--", [b"", b""]),
        (b"Content-Type: multipart/mixed; boundary=b\r\n--b\r\nno empty lines\r\n--b--", [b"no empty lines"]),
        (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nA: b\r\n--b--", [b""]),
        (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--bb\r\n\r\nx\r\n--b\r\n\r\ny", [b"y"]),
        (b"Content-Type: multipart/mixed; boundary=b--\r\n\r\n--b--\r\n\r\nx\r\n--b----\r\n", [b"x"]),
        (
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n\0x\0\r\n--b--\0\r\n",
            [b"\0x\0\r\n--b--\0\r\n"],
        ),
    ],
)
def test_odd_letters(data: bytes, expected: list[bytes]) -> None:
    message = parse(data)
    check_offsets(message.root, 0, len(data))
    assert bodies(message) == expected


def test_limits() -> None:
    data = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 50
    assert len(parse(data, Limits(parts=11)).root.children) == 10
    assert len(parse(data, Limits(dashed_lines=7)).root.children) == 7
    nested = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(300))
    depth, part = 0, parse(nested).root
    while part.children:
        depth, part = depth + 1, part.children[0]
    assert depth == 100
    assert part.type == b"text"
    part = parse(b"Content-Type: message/rfc822\r\n\r\n" * 300).root
    depth = 0
    while part.message is not None:
        depth, part = depth + 1, part.message.root
    assert depth == 100
    assert part.type == b"application"


def test_a_mapped_file_gives_the_same_tree(tmp_path: Path) -> None:
    def shape(part: Part) -> object:
        inner = shape(part.message.root) if part.message else None
        return (
            part.header_start,
            part.body_start,
            part.end,
            part.lines,
            [shape(c) for c in part.children],
            inner,
        )

    path = tmp_path / "letter"
    for letter in letters(40, seed=7):
        path.write_bytes(letter)
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            message = parse(mapped)
            assert shape(message.root) == shape(parse(letter).root)
            for leaf, other in zip(leaves(message.root), leaves(parse(letter).root), strict=True):
                assert parts.decode(message, leaf) == parts.decode(parse(letter), other)


def compare(message: Message, part: Part, other: email.message.Message) -> None:
    """The standard library sees the same tree, fields and contents."""
    assert [name.decode() for name in part.header.names] == [name.lower() for name in other]
    assert f"{part.type.decode()}/{part.subtype.decode()}" == other.get_content_type()
    for name in ("subject", "content-type", "message-id"):
        theirs = str(other.get(name, "")).replace("\r\n", "").strip()
        assert (part.header.field(name.encode()) or b"").decode() == theirs
    if part.message is not None:
        compare(part.message, part.message.root, other.get_payload()[0])
    elif part.children:
        theirs = other.get_payload()
        assert len(part.children) == len(theirs)
        for child, payload in zip(part.children, theirs, strict=True):
            compare(message, child, payload)
    else:
        assert parts.decode(message, part) == other.get_payload(decode=True)


def test_the_standard_library_agrees() -> None:
    for letter in letters(150, seed=3):
        message = parse(letter)
        check_offsets(message.root, 0, len(letter))
        compare(message, message.root, email.message_from_bytes(letter))


LINES = st.sampled_from(
    [
        b"Content-Type: multipart/mixed; boundary=a",
        b"Content-Type: multipart/digest; boundary=b",
        b"Content-Type: message/rfc822",
        b"Content-Transfer-Encoding: base64",
        b"Subject: x",
        b" folded",
        b"",
        b"--a",
        b"--a--",
        b"--b",
        b"--b--",
        b"--",
        b"text",
        b"\0\xff",
    ]
)


@settings(max_examples=600, deadline=None)
@given(st.lists(st.tuples(LINES, st.sampled_from([b"\r\n", b"\n", b"\r", b""])), max_size=40))
def test_any_bytes_give_a_tree(lines: list[tuple[bytes, bytes]]) -> None:
    data = b"".join(line + ending for line, ending in lines)
    message = parse(data)
    check_offsets(message.root, 0, len(data))
    assert message.root.header_start == 0
    assert message.root.end == len(data)
    assert parts.section(message, (), parts.What.WHOLE) == (0, len(data))
