"""Strings as IMAP writes them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.mime.imapstring import nstring, string
from pillarbox.testing.imaplist import read_list


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"", b'""'),
        (b"abc", b'"abc"'),
        (b'a"b\\c', b'"a\\"b\\\\c"'),
        (b"a\rb", b"{3}\r\na\rb"),
        (b'a"\nb', b'{4}\r\na"\nb'),
        (b"a\0b", b'"a?b"'),
        (b"caf\xc3\xa9", b"{5}\r\ncaf\xc3\xa9"),
        (b"caf\xe9", b"{5}\r\ncaf\xc3\xa9"),
    ],
)
def test_known_answers(value: bytes, expected: bytes) -> None:
    assert string(value) == expected


def test_nothing_is_nil() -> None:
    assert nstring(None) == b"NIL"
    assert nstring(b"NIL") == b'"NIL"'


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=40))
def test_any_value_is_valid_imap(value: bytes) -> None:
    (read,) = read_list(b"(" + string(value) + b")")
    assert isinstance(read, bytes)
    if value.isascii() and b"\0" not in value:
        assert read == value
