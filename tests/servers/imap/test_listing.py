"""Which names LIST and LSUB answer with, held against a slow reading of the rules."""

import fnmatch

from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.model.ids import MailboxId, ModSeq
from pillarbox.model.mailbox import Mailbox, Role
from pillarbox.servers.imap.listing import levels_above, list_rows, lsub_rows
from pillarbox.wire.imap.list_pattern import ListPattern
from pillarbox.wire.imap.nouns import ListReturn, ListSelect

NAMES = ["INBOX", "a", "a/b", "a/b/c", "b", "b/x", "c"]


def mailbox(path: str, role: Role | None = None) -> Mailbox:
    return Mailbox(MailboxId(1), path, role, True, False, 1, 1, 0, 0, 0, 0, ModSeq(1))


def matches(pattern: str, name: str) -> bool:
    """The pattern for names without special letters, "%" tried level by level."""
    if pattern == "%":
        return "/" not in name
    return fnmatch.fnmatchcase(name, pattern)


@settings(max_examples=300, deadline=None)
@given(
    existing=st.frozensets(st.sampled_from(NAMES)),
    subscribed=st.frozensets(st.sampled_from([*NAMES, "a/gone", "d/gone"])),
    pattern=st.sampled_from(["*", "%", "a*", "a/b", "b", "INBOX"]),
)
def test_recursivematch_against_the_rules(existing: frozenset[str], subscribed: frozenset[str], pattern: str) -> None:
    """RFC 5258 section 3.5: a name that matches is told if it is subscribed, or if something subscribed that is not
    itself told lies below it; CHILDINFO says that something subscribed lies below."""
    # Every level above a mailbox exists, as in the store.
    existing |= {level for name in existing for level in levels_above(name)}
    rows = list_rows(
        [ListPattern(pattern)],
        frozenset({ListSelect.SUBSCRIBED, ListSelect.RECURSIVEMATCH}),
        frozenset(),
        [mailbox(name) for name in sorted(existing)],
        subscribed,
    )
    everywhere = existing | subscribed | {level for name in subscribed for level in levels_above(name)}
    expected = {}
    for name in everywhere:
        if not matches(pattern, name):
            continue
        below = {other for other in subscribed if other.startswith(name + "/")}
        hidden = {other for other in below if not matches(pattern, other)}
        if name in subscribed or hidden:
            expected[name] = bool(below)
    assert {row.name: row.childinfo for row in rows} == expected
    for row in rows:
        assert ("\\NonExistent" in row.attributes) == (row.name not in existing)
        assert ("\\Subscribed" in row.attributes) == (row.name in subscribed)


def test_the_inbox_comes_first_and_uses_are_told() -> None:
    boxes = [mailbox("Archive", Role.ARCHIVE), mailbox("INBOX", Role.INBOX), mailbox("INBOX/old")]
    rows = list_rows([ListPattern("*")], frozenset(), frozenset({ListReturn.CHILDREN}), boxes, frozenset())
    assert [(row.name, row.attributes) for row in rows] == [
        ("INBOX", ("\\HasChildren",)),
        ("Archive", ("\\HasNoChildren", "\\Archive")),
        ("INBOX/old", ("\\HasNoChildren",)),
    ]


def test_two_patterns_tell_a_name_once() -> None:
    rows = list_rows([ListPattern("a*"), ListPattern("%")], frozenset(), frozenset(), [mailbox("a")], frozenset())
    assert [row.name for row in rows] == ["a"]


def test_lsub_tells_of_a_level_in_place_of_what_is_below() -> None:
    rows = lsub_rows(ListPattern("%"), [mailbox("a"), mailbox("a/b"), mailbox("b")], ["a/b", "b"])
    assert [(row.name, row.attributes) for row in rows] == [("a", ("\\Noselect",)), ("b", ())]
