"""Flags in both directions."""

import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.model.email import Flag
from pillarbox.model.failure import Failure
from pillarbox.servers.imap.flags import MOST_KEYWORDS, FlagTexts, parse_flags


def test_system_flags_are_bits_and_the_rest_words() -> None:
    assert parse_flags(["\\Seen", "$Work", "\\Deleted", "later"]) == (
        Flag.SEEN | Flag.DELETED,
        frozenset({"$Work", "later"}),
    )


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["\\Nonsense"], FailureKind.INVALID),
        (["x" * 256], FailureKind.TOO_MANY),
        ([f"k{number}" for number in range(MOST_KEYWORDS + 1)], FailureKind.TOO_MANY),
    ],
)
def test_what_is_refused(names: list[str], kind: FailureKind) -> None:
    with pytest.raises(Failure) as caught:
        parse_flags(names)
    assert caught.value.kind is kind


def test_texts_are_rendered_once_and_new_keywords_noticed() -> None:
    texts = FlagTexts()
    assert texts[0, ""] == b"()"
    assert texts[31, "$Forwarded"] == b"(\\Answered \\Flagged \\Deleted \\Seen \\Draft $Forwarded)"
    assert not texts.unannounced
    assert texts[1, "a b"] is texts[1, "a b"]
    assert texts.unannounced
    lines = texts.announcement(False).split(b"\r\n")
    assert lines[0].endswith(b" a b)")
    assert lines[1].startswith(b"* OK [PERMANENTFLAGS (")
    assert b" a b \\*)]" in lines[1]
    assert not texts.unannounced
    assert b"[PERMANENTFLAGS ()]" in texts.announcement(True)


def test_a_client_that_makes_up_keywords_does_not_fill_the_memory() -> None:
    texts = FlagTexts()
    for number in range(10_000):
        assert texts[0, f"k{number}"] == b"(k%d)" % number
    assert len(texts) <= 4096
    assert len(texts.keywords) <= 1100
