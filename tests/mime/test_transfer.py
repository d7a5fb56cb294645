"""Content transfer encodings, tolerant of everything."""

import base64
import binascii
import quopri

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.mime.transfer import decode, decode_base64, decode_quoted_printable, decode_uuencode


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"YWJj", b"abc"),
        (b"YW Jj\r\n!!", b"abc"),
        (b"YWI", b"ab"),
        (b"YWI=", b"ab"),
        (b"YQ", b"a"),
        (b"Y", b""),
        (b"YQ==YWI=", b"aab"),
        (b"====", b""),
        (b"", b""),
        (b"YWJj\xff\0", b"abc"),
    ],
)
def test_base64(data: bytes, expected: bytes) -> None:
    assert decode_base64(data) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a=3Db", b"a=b"),
        (b"a=\r\nb", b"ab"),
        (b"a=\nb", b"ab"),
        (b"a= \t\r\nb", b"ab"),
        (b"a  \r\nb \nc", b"a\r\nb\nc"),
        (b"a=3db", b"a=b"),
        (b"a=ZZ", b"a=ZZ"),
        (b"a=", b"a"),
        (b"under_score", b"under_score"),
    ],
)
def test_quoted_printable(data: bytes, expected: bytes) -> None:
    assert decode_quoted_printable(data) == expected


def test_uuencode() -> None:
    lines = [binascii.b2a_uu(b"hello world" * 4), binascii.b2a_uu(b"bye")]
    data = b"text before\nbegin 644 x\n" + b"".join(lines) + b"`\nend\nafter"
    assert decode_uuencode(data) == b"hello world" * 4 + b"bye"
    assert decode_uuencode(data.replace(b"\n", b"\r\n")) == b"hello world" * 4 + b"bye"
    assert decode_uuencode(b"begin x\n\xff\xfe\n\nend") == b""


def test_an_unknown_encoding_is_said_to_be_so() -> None:
    assert decode(b"x", b"x-made-up") is None
    assert decode(b"x", b"8bit") == b"x"


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_what_is_encoded_is_decoded(data: bytes) -> None:
    assert decode(base64.encodebytes(data), b"base64") == data
    assert decode(quopri.encodestring(data, quotetabs=True), b"quoted-printable") == data


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=100), st.sampled_from([b"base64", b"quoted-printable", b"x-uuencode"]))
def test_anything_is_decoded(data: bytes, encoding: bytes) -> None:
    assert isinstance(decode(data, encoding), bytes)
    assert isinstance(decode(b"begin 1 x\n" + data, encoding), bytes)
