"""Collation: i;unicode-casemap by RFC 5051's own examples and rules, and folding for searches."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.mime.casemap import casemap, fold


@pytest.mark.parametrize(
    ("text", "key"),
    [("aB1", "AB1"), ("\u01c4", "DZ\u030c".replace("Z", "z")), ("é", "E\u0301"), ("ß", "ß"), ("ς", "Σ"), ("", "")],
)
def test_keys(text: str, key: str) -> None:
    assert casemap(text) == key


@given(st.text())
def test_ascii_is_compared_as_ascii_casemap_does(text: str) -> None:
    ascii_only = text.encode("ascii", "ignore").decode()
    assert casemap(ascii_only) == casemap(ascii_only.lower()) == ascii_only.upper()


@given(st.text(), st.text())
def test_what_the_collation_calls_equal_is_found(one: str, other: str) -> None:
    assert (casemap(one) != casemap(other)) or fold(one) == fold(other)
    assert fold(one + other).startswith(fold(one)) or not (one + other).isascii()


@pytest.mark.parametrize(("one", "other"), [("ß", "SS"), ("É", "e\u0301"), ("ﬁ", "FI"), ("ı", "I"), ("Ω", "\u2126")])
def test_folding_finds(one: str, other: str) -> None:
    assert fold(one) == fold(other)
