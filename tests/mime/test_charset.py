"""Bytes to text, whatever the label says."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.mime.charset import decode, guess


@pytest.mark.parametrize(
    ("data", "charset", "expected"),
    [
        (b"abc", None, "abc"),
        (b"abc", b"us-ascii", "abc"),
        (b"caf\xc3\xa9", b"us-ascii", "café"),
        (b"caf\xe9", b"us-ascii", "café"),
        (b"caf\xe9", b"ISO-8859-1", "café"),
        (b"caf\xe9", b"utf-8", "café"),
        (b"\x80", b"iso-8859-1", "€"),
        (b"\x81", b"windows-1252", "\x81"),
        (b"\xa4", b"iso-8859-15", "€"),
        (b"\xd0\xd2", b"koi8-r", "пр"),
        (b"\xd0\xd2", b"koi8-u", "пр"),
        (b"+AOk-", b"utf-7", "é"),
        (b"+2AA-", b"utf-7", "�"),
        (b"a\0", b"utf-16le", "a"),
        (b"caf\xc3\xa9", b"no-such-charset", "café"),
        (b"abc", b"rot13", "abc"),
        (b"\\x41", b"unicode_escape", "\\x41"),
        (b"YWJj", b"base64", "YWJj"),
        (b"\xb0\xa1", b"ks_c_5601-1987", "가"),
        (b"caf\xc3\xa9", b"../utf-8", "café"),
    ],
)
def test_known_answers(data: bytes, charset: bytes | None, expected: str) -> None:
    assert decode(data, charset) == expected


@pytest.mark.parametrize("charset", [b"utf-8", None, b"shift_jis", b"gb18030", b"iso-2022-jp", b"utf-16"])
def test_a_cut_character_is_left_out(charset: bytes | None) -> None:
    name = (charset or b"utf-8").decode()
    data = "テスト".encode(name)
    for size in range(len(data)):
        assert "テスト".startswith(decode(data[:size], charset, cut=True))


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=40),
    st.sampled_from([b"utf-7", b"utf-16", b"hz", b"iso-2022-kr", b"\xff", b"big5", b"idna"]),
)
def test_anything_becomes_text_that_can_be_stored(data: bytes, charset: bytes) -> None:
    decode(data, charset).encode("utf-8")
    decode(data, charset, cut=True).encode("utf-8")
    guess(data).encode("utf-8")
