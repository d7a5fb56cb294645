"""SASLprep: the examples of RFC 4013 section 3, and what it is for."""

import pytest

from pillarbox.base.saslprep import saslprep


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("\u0007", None),
        ("\u0627\u0031", None),
        ("\u0627\u0031\u0628", "\u0627\u0031\u0628"),
        ("", ""),
        ("\u00ad", ""),
        ("with\u00a0space", "with space"),
        ("e\u0301", "\u00e9"),
        ("a\ue000", None),
        ("a\u0627", None),
        ("\U0001f600", "\U0001f600"),
        ("\u2095", "\u2095"),
    ],
)
def test_rfc_4013_section_3(text: str, prepared: str | None) -> None:
    assert saslprep(text) == prepared
