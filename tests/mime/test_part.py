"""Parts by their IMAP number. The tree is the example of RFC 9051 section 6.4.5.1."""

import pytest

from pillarbox.mime.message import parse
from pillarbox.mime.part import Undecodable, What, decode, filename, find, section, text

LETTER = b"""Subject: outer
Content-Type: multipart/mixed; boundary=o

--o
Content-Type: text/plain

part one
--o
Content-Type: application/octet-stream
Content-Transfer-Encoding: base64

cGFydCB0d28=
--o
Content-Type: message/rfc822

Subject: third
Content-Type: multipart/mixed; boundary=i

--i
Content-Type: text/plain

three one
--i
Content-Type: application/octet-stream

three two
--i--
--o
Content-Type: multipart/mixed; boundary=j

--j
Content-Type: image/gif

four one
--j
Content-Type: message/rfc822

Subject: four two

four two text
--j--
--o--
""".replace(b"\n", b"\r\n")
MESSAGE = parse(LETTER)
NOTHING: None = None


def get(path: tuple[int, ...], what: What = What.WHOLE) -> bytes | None:
    found = section(MESSAGE, path, what)
    return None if found is None else LETTER[slice(*found)]


def test_the_whole_and_its_halves() -> None:
    assert get(()) == LETTER
    header, text_ = get((), What.HEADER), get((), What.TEXT)
    assert header is not None and text_ is not None
    assert header + text_ == LETTER
    assert header.endswith(b"boundary=o\r\n\r\n")
    assert get((), What.MIME) is None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ((1,), b"part one"),
        ((2,), b"cGFydCB0d28="),
        ((3, 1), b"three one"),
        ((3, 2), b"three two"),
        ((4, 1), b"four one"),
        ((4, 2), b"Subject: four two\r\n\r\nfour two text"),
        ((4, 2, 1), b"four two text"),
        ((0,), None),
        ((5,), None),
        ((1, 1), None),
        ((3, 3), None),
        ((3, 1, 1), None),
        ((4, 2, 2), None),
        ((4, 2, 1, 1), None),
    ],
)
def test_numbers(path: tuple[int, ...], expected: bytes | None) -> None:
    assert get(path) == expected


def test_headers_of_parts_and_of_embedded_messages() -> None:
    assert get((1,), What.MIME) == b"Content-Type: text/plain\r\n\r\n"
    assert get((1,), What.HEADER) is None
    assert get((1,), What.TEXT) is None
    assert get((3,), What.HEADER) == b"Subject: third\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n"
    assert (get((3,), What.TEXT) or b"").startswith(b"--i\r\n")
    assert get((4, 2), What.MIME) == b"Content-Type: message/rfc822\r\n\r\n"
    assert get((4, 2), What.HEADER) == b"Subject: four two\r\n\r\n"
    assert get((4, 2), What.TEXT) == b"four two text"
    assert get((4, 2, 1), What.MIME) == b"Subject: four two\r\n\r\n"
    assert get((9,), What.MIME) is None


def test_part_one_of_a_plain_letter_is_its_body() -> None:
    message = parse(b"Subject: x\r\n\r\nbody")
    assert section(message, (1,), What.WHOLE) == (14, 18)
    assert section(message, (1,), What.MIME) == (0, 14)
    assert section(message, (2,), What.WHOLE) is None
    assert section(message, (1, 1), What.WHOLE) is None


def test_a_letter_that_is_an_embedded_message() -> None:
    data = b"Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nbody"
    message = parse(data)
    assert data[slice(*section(message, (1,), What.HEADER) or ())] == b"Subject: x\r\n\r\n"
    assert data[slice(*section(message, (1, 1), What.WHOLE) or ())] == b"body"


def test_decoded_contents() -> None:
    two = find(MESSAGE, (2,))
    assert two is not None
    assert decode(MESSAGE, two) == b"part two"
    assert text(MESSAGE, two) == "part two"
    message = parse(b"Content-Transfer-Encoding: x-made-up\r\n\r\nbody")
    assert decode(message, message.root) is Undecodable.UNKNOWN_ENCODING
    assert text(message, message.root) == "body"
    message = parse(b"Content-Type: text/plain; charset=koi8-r\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xd0\xd2")
    assert text(message, message.root) == "пр"


def test_containers_are_never_decoded() -> None:
    data = b"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: base64\r\n\r\n--b\r\n\r\nx"
    message = parse(data)
    assert decode(message, message.root) == b"--b\r\n\r\nx"


def test_file_names() -> None:
    def name(fields: bytes) -> str | None:
        return filename(parse(fields + b"\r\n\r\n").root)

    assert name(b"Content-Type: x/y; name=a\r\nContent-Disposition: attachment; filename=b") == "b"
    assert name(b"Content-Type: x/y; name*=utf-8''%C3%A9") == "é"
    assert name(b"Content-Disposition: attachment") is None
