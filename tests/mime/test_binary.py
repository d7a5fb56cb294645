"""Binary parts with NULs are kept in base64, everything else as it is."""

from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.mime import transfer
from pillarbox.mime.binary import without_nuls
from pillarbox.mime.message import parse
from pillarbox.mime.part import find

HEAD = b"Subject: x\r\nMIME-Version: 1.0\r\n"


def content(data: bytes, path: tuple[int, ...]) -> bytes | None:
    part = find(parse(data), path)
    assert part is not None
    return transfer.decode(data[part.body_start : part.end], part.encoding)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_the_content_stays_the_same(body: bytes) -> None:
    letter = HEAD + b"Content-Type: image/x\r\ncontent-transfer-encoding : binary\r\nX: y\r\n\r\n\0" + body
    made = without_nuls(letter)
    assert b"\0" not in made
    assert content(made, (1,)) == b"\0" + body
    assert made.startswith(HEAD + b"Content-Type: image/x\r\nContent-Transfer-Encoding: base64\r\nX: y\r\n\r\n")
    assert without_nuls(made) == made


def test_each_part_for_itself() -> None:
    inner = b"Content-Transfer-Encoding:\r\n binary\r\n\r\nc\0d"
    letter = (
        HEAD + b"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        b"--b\r\nContent-Transfer-Encoding: binary\r\n\r\nplain\r\n"
        b"--b\r\nContent-Transfer-Encoding: binary\r\n\r\na\0b\r\n"
        b"--b\r\nContent-Type: message/rfc822\r\n\r\n" + inner + b"\r\n"
        b"--b\r\n\r\nundeclared \0\r\n--b--\r\n"
    )
    made = without_nuls(letter)
    assert content(made, (1,)) == b"plain"
    assert content(made, (2,)) == b"a\0b"
    assert content(made, (3, 1)) == b"c\0d"
    assert made.count(b"base64") == 2
    assert made.endswith(b"--b\r\n\r\nundeclared \0\r\n--b--\r\n")


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_any_octets(data: bytes) -> None:
    assert isinstance(without_nuls(data), bytes)
