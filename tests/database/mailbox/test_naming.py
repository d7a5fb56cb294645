"""Names of mailboxes, and keywords."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.base.failure import FailureKind
from pillarbox.database.mailbox import keywords, naming
from pillarbox.model.email import FlagMode
from pillarbox.model.failure import Failure


@pytest.mark.parametrize(
    ("path", "cleaned"),
    [
        ("inbox", "INBOX"),
        ("iNbOx/Work", "INBOX/Work"),
        ("Work/inbox", "Work/inbox"),
        ("Inboxes", "Inboxes"),
        ("cafe\u0301", "caf\u00e9"),
        ("a b.c&d", "a b.c&d"),
        ("x" * 255, "x" * 255),
        ("/".join("a" * 20), "/".join("a" * 20)),
    ],
)
def test_names_are_cleaned(path: str, cleaned: str) -> None:
    assert naming.clean(path) == cleaned


@pytest.mark.parametrize(
    "path",
    ["", "/", "a/", "/a", "a//b", "a\0", "a\nb", "\x7f", "\ud800", "x" * 256, "é" * 128, "/".join("a" * 21),
     "/".join(["x" * 250] * 4)],
)  # fmt: skip
def test_bad_names_are_refused(path: str) -> None:
    with pytest.raises(Failure) as caught:
        naming.clean(path)
    assert caught.value.kind is FailureKind.INVALID
    assert naming.clean_or_inbox(path) == "INBOX"


@given(st.text())
def test_cleaning_twice_changes_nothing(path: str) -> None:
    cleaned = naming.clean_or_inbox(path)
    assert naming.clean(cleaned) == cleaned


def test_levels_above() -> None:
    assert naming.above("a/b/c") == ["a", "a/b"]
    assert naming.is_below("a/b", "a")
    assert not naming.is_below("ab", "a")


@pytest.mark.parametrize(
    ("stored", "mode", "words", "result"),
    [
        ("", FlagMode.ADD, {"b", "a"}, "a b"),
        ("Work", FlagMode.ADD, {"WORK", "x"}, "Work x"),
        ("Work x", FlagMode.REMOVE, {"work"}, "x"),
        ("Work x", FlagMode.REPLACE, {"work"}, "Work"),
        ("Work x", FlagMode.REPLACE, set(), ""),
        ("Work x", FlagMode.ADD, set(), "Work x"),
        ("", FlagMode.ADD, {"Foo", "foo"}, "Foo"),
    ],
)
def test_keywords_keep_their_first_spelling(stored: str, mode: FlagMode, words: set[str], result: str) -> None:
    assert keywords.change(stored, mode, frozenset(words)) == result


def test_keywords_are_found_whole_and_in_any_case() -> None:
    assert keywords.join(["b", "B", "a"]) == "B a"
    assert keywords.contains("Work x", "wORK")
    assert not keywords.contains("Work x", "wor")
