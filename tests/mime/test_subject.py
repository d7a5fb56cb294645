"""The base subject of RFC 5256."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.mime.subject import base_subject


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Hello", "Hello"),
        ("Re: Hello", "Hello"),
        ("RE: re: Fwd: FW: Hello", "Hello"),
        ("Re [2]: Hello", "Hello"),
        ("Re[2]: Hello", "Hello"),
        ("[list] Re: Hello", "Hello"),
        ("Re: [list] Hello", "Hello"),
        ("[a][b] Re: [c] Hello (fwd) (fwd)", "Hello"),
        ("[fwd: Re: Hello]", "Hello"),
        ("[Fwd: [Fwd: Hello (fwd)]]", "Hello"),
        ("[only]", "[only]"),
        ("Re: [only]", "[only]"),
        ("  many \t spaces ", "many spaces"),
        ("Regarding: x", "Regarding: x"),
        ("Re:", ""),
        ("", ""),
        ("(fwd)", ""),
        ("[fwd:]", ""),
    ],
)
def test_known_answers(subject: str, expected: str) -> None:
    assert base_subject(subject) == expected


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(["Re: ", "re", ":", "[x]", "[fwd: ", "]", "(fwd)", " ", "a", "["])).map("".join))
def test_a_base_subject_is_its_own(subject: str) -> None:
    base = base_subject(subject)
    assert base_subject(base) == base
