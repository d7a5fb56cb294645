"""SASLprep, with the examples of RFC 4013 section 3."""

import pytest

from pillarbox.directory.saslprep import saslprep


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u00a0b", "a b"),
        ("\u0627\u0031\u0628", "\u0627\u0031\u0628"),
        ("correct \U0001f40e battery", "correct \U0001f40e battery"),
        ("", ""),
    ],
)
def test_mapped(text: str, prepared: str) -> None:
    assert saslprep(text) == prepared


@pytest.mark.parametrize("text", ["\x07", "\u0627\u0031", "\u0627a\u0628", "a\u200eb", "\ud800", "\ue000", "\ufffd"])
def test_prohibited(text: str) -> None:
    with pytest.raises(ValueError, match=r"character|letters"):
        saslprep(text)
