"""Hostile letters cost no more than their size: a megabyte of anything is read in about a second.

The bound is ten times what is usual on a slow machine; a quadratic scan of a megabyte takes minutes.
"""

import time

import pytest

from pillarbox.mime.message import parse
from pillarbox.mime.part import text
from pillarbox.mime.prepared import prepare

MEGABYTE = 1_000_000
MULTIPART = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"


def fill(piece: bytes) -> bytes:
    return piece * (MEGABYTE // len(piece))


BODIES = [
    b"\n--b",
    b"\n--b\n",
    b"\n--b--",
    b"\n--b:\n",
    b"\n--b\nA: b\n\n",
    b"\n--b\nContent-Type: multipart/mixed; boundary=b\n\n",
    b"\n--b\nContent-Type: multipart/digest; boundary=b\n\n",
    b"\n--",
    b"-",
    b"\n",
    b"\r",
    b"\0",
]
HEADERS = [
    b"(",
    b")",
    b"<",
    b">",
    b'"',
    b"\\",
    b",",
    b";",
    b":",
    b"@",
    b"[",
    b"]",
    b"=?",
    b"?=",
    b"=?a?q?",
    b"=?a?q??=",
    b" ",
    b"\t",
    b"a ",
    b". ",
    b"a.",
    b"a@b,",
    b"a <a@b>,",
    b"<(",
    b'<"',
    b'"a',
    b"(\\",
    b"a:",
    b"a:;",
    b"<a",
    b"Re: ",
    b"[a]",
    b"[fwd: ",
    b"(fwd)",
    b"; a=b",
    b"; a*0=b",
    b"; a*0*=%",
    b"; a",
    b';a="',
    b"=",
    b"\n ",
    b"\r\n ",
    b"1",
    b"-",
    b"/",
    b"a/",
    b"<a@b> ",
    b"\xc3",
    b"\xc3\xa9",
    b"\0",
    b"=?iso-2022-jp?B?GyRC?=",
    b"*",
    b"'",
]
NAMES = [
    b"From",
    b"Subject",
    b"Date",
    b"Content-Type",
    b"Content-Disposition",
    b"References",
    b"Message-ID",
    b"To",
]
BLOCKS = [
    b"a",
    b":",
    b"a:\n",
    b"a\n",
    b" \n",
    b"a :\n",
    b"From a\n",
    b"a:\n b\n",
    b"a \n",
    b"From a\nb:\n",
    b"\r\n ",
    b"a\t",
]
MARKUP = [
    b"<",
    b"<!--",
    b"<style>",
    b"<a ",
    b"&",
    b"&#",
    b"&#9",
    b"<p>",
    b">",
    b"</",
    b"<b></b>",
    b"<title",
    b" <",
]


def seconds(letter: bytes) -> float:
    start = time.thread_time()
    prepare(letter)
    return time.thread_time() - start


@pytest.mark.parametrize("piece", BODIES)
def test_bodies(piece: bytes) -> None:
    assert seconds(MULTIPART + fill(piece)) < 5


@pytest.mark.parametrize("piece", HEADERS)
def test_field_values(piece: bytes) -> None:
    for name in NAMES:
        letter = name + b": " + (b"x/y; " if name.startswith(b"Content") else b"") + piece * (100_000 // len(piece))
        assert seconds(letter + b"\r\n\r\nbody") < 2.5, name


@pytest.mark.parametrize("piece", [b"(", b"<", b"a@b,", b'"', b"=?", b";", b","])
def test_whole_megabytes_in_a_field(piece: bytes) -> None:
    assert seconds(b"To: " + fill(piece) + b"\r\n\r\nbody") < 5


@pytest.mark.parametrize("piece", BLOCKS)
def test_header_blocks(piece: bytes) -> None:
    assert seconds(fill(piece) + b"\r\n\r\nbody") < 5


@pytest.mark.parametrize("piece", MARKUP)
def test_markup(piece: bytes) -> None:
    assert seconds(b"Content-Type: text/html\r\n\r\n" + fill(piece)) < 5


@pytest.mark.parametrize("encoding", [b"base64", b"quoted-printable", b"x-uuencode"])
@pytest.mark.parametrize("piece", [b"=", b"A=", b"=\n", b" ", b" \n", b"\t ", b"A", b"begin \n", b"\n"])
def test_encoded_texts(encoding: bytes, piece: bytes) -> None:
    message = parse(b"Content-Transfer-Encoding: " + encoding + b"\r\n\r\n" + fill(piece))
    start = time.thread_time()
    text(message, message.root)
    assert time.thread_time() - start < 5


def test_deep_nesting_over_many_lines() -> None:
    letter = b"Content-Type: message/rfc822\r\n\r\n" * 100 + fill(b"\n")
    assert seconds(letter) < 5
    head = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(100))
    assert seconds(head + fill(b"\n--b50x\n")) < 5


def test_many_parts_with_late_empty_lines() -> None:
    letter = MULTIPART + (b"--b\r\nx\n" * 2000 + b"\r\n\r\n") * 60
    assert seconds(letter) < 5
