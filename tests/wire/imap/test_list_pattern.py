"""LIST patterns, held against regular expressions."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.wire.imap.list_pattern import ListPattern, join_reference


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("*", "a/b/c", True),
        ("%", "a", True),
        ("%", "a/b", False),
        ("", "", True),
        ("", "a", False),
        ("a/%", "a/b", True),
        ("a/%", "a/b/c", False),
        ("a/%", "a", False),
        ("a*", "a", True),
        ("%/b", "a/b", True),
        ("%/%", "a/b", True),
        ("%/%", "a/b/c", False),
        ("*b", "a/b", True),
        ("*b", "a/c", False),
        ("a%c", "abc", True),
        ("a%c", "a/c", False),
        ("%*", "a/b", True),
        ("*%", "a/b", True),
        ("inbox", "INBOX", True),
        ("InBo%", "INBOX", True),
        ("in*x", "INBOX", True),
        ("inbox/%", "INBOX/a", True),
        ("inbox/A", "INBOX/a", False),
        ("*box/a", "INBOX/a", True),
        ("inboxes", "INBOXES", False),
        ("INBOXES", "INBOXES", True),
        ("a.c", "abc", False),
        ("Entwürfe", "Entwürfe", True),
    ],
)
def test_known_matches(pattern, name, fits):
    assert ListPattern(pattern).matches(name) is fits


def regex(pattern):
    parts = {"*": ".*", "%": "[^/]*"}
    return re.compile("".join(parts.get(char, re.escape(char)) for char in pattern), re.DOTALL)


@settings(max_examples=500, deadline=None)
@given(st.text("ab/%*", max_size=10), st.text("ab/", max_size=12))
def test_agrees_with_a_regular_expression(pattern, name):
    assert ListPattern(pattern).matches(name) is (regex(pattern).fullmatch(name) is not None)


@settings(max_examples=300, deadline=None)
@given(st.text("INBOXinbox/%*", max_size=8), st.sampled_from(["INBOX", "INBOX/i", "INBOX/I/b", "INBOXI"]))
def test_inbox_is_matched_without_regard_to_case(pattern, name):
    first = "INBOX" if name[:6] in ("INBOX", "INBOX/") else ""
    parts = {"*": ".*", "%": "[^/]*"}
    body = "".join(parts.get(char, re.escape(char)) for char in pattern)
    expected = re.compile(body).fullmatch(name) is not None
    if first:
        spellings = {first[:k].swapcase() + first[k:] for k in range(6)}
        spellings |= {"".join(c.lower() if mask >> i & 1 else c for i, c in enumerate(first)) for mask in range(32)}
        expected = any(re.compile(body).fullmatch(spelling + name[5:]) for spelling in spellings)
    assert ListPattern(pattern).matches(name) is expected


def test_many_wildcards_take_no_time():
    assert not ListPattern("*a" * 2000 + "b").matches("a" * 250)
    assert not ListPattern("%a" * 2000 + "b").matches("a" * 250)


def test_parents_that_fit():
    assert ListPattern("%").matching_parents("a/b/c") == ["a"]
    assert ListPattern("*").matching_parents("a/b/c") == ["a", "a/b"]
    assert ListPattern("a/%").matching_parents("a/b/c") == ["a/b"]
    assert ListPattern("x").matching_parents("a/b/c") == []


@pytest.mark.parametrize(
    ("reference", "pattern", "joined"),
    [("", "%", "%"), ("a/", "%", "a/%"), ("a/", "/b", "a/b"), ("a", "b", "ab"), ("a/", "", "a/")],
)
def test_the_reference_goes_in_front(reference, pattern, joined):
    assert join_reference(reference, pattern) == joined
