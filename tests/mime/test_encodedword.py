"""Encoded words, both ways."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.mime.encodedword import decode, encode


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"plain", "plain"),
        (b"=?US-ASCII?Q?Keith_Moore?=", "Keith Moore"),
        (b"=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?=", "Keld Jørn Simonsen"),
        (b"=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=", "If you can read this yo"),
        (b"(=?ISO-8859-1?Q?a?= b)", "(a b)"),
        (b"(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)"),
        (b"(=?ISO-8859-1?Q?a?=  \t =?ISO-8859-1?Q?b?=)", "(ab)"),
        (b"(=?ISO-8859-1?Q?a_b?=)", "(a b)"),
        (b"(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)"),
        (b"=?utf-8*en?q?caf=C3=A9?=", "café"),
        (b"=?utf-8?B?ww?= =?utf-8?B?qQ?=", "é"),  # the same without padding
        (b"=?utf-8?Q?=C3?= =?utf-8?Q?=A9?=", "é"),  # a character split over two words
        (b"=?utf-8?Q?a b?=", "a b"),
        (b"=?nonsense?Q?=C3=A9?=", "é"),
        (b"=?zlib?Q?abc?=", "abc"),
        (b"=?base64?B?YWJj?=", "abc"),
        (b"=?utf-8?Q?=FF?=", "ÿ"),
        (b"=?utf-8?X?abc?=", "=?utf-8?X?abc?="),
        (b"=?utf-8?Q?abc", "=?utf-8?Q?abc"),
        (b"caf\xc3\xa9", "café"),
        (b"caf\xe9 \x93x\x94", "café “x”"),
        (b"=?iso-2022-jp?B?GyRCJUYlOSVIGyhC?=", "テスト"),
        (b"=?gb2312?B?suLK1A==?=", "测试"),
        (b"a\0b\x07", "a b "),
        (b"x=?utf-8?q?y?=z", "xyz"),
    ],
)
def test_known_answers(value: bytes, expected: str) -> None:
    assert decode(value) == expected


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80).filter(lambda text: text.isprintable()))
def test_what_is_encoded_is_decoded(text: str) -> None:
    encoded = encode(text)
    assert encoded.isascii()
    assert decode(encoded.replace(b"\r\n", b"")) == text
    if b"=?" in encoded:
        assert all(len(line) <= 76 for line in encoded.split(b"\r\n"))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from([b"=?", b"?=", b"utf-8", b"?q?", b"?B?", b"=C3", b" ", b"a", b"\xff", b"*en", b"w6k="]))
)
def test_any_bytes_give_text_that_can_be_stored(pieces: list[bytes]) -> None:
    decode(b"".join(pieces)).encode("utf-8")
