"""Threads against RFC 5256 step by step (`testing.memorythreads`), on random references, and on hostile ones."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.database.mailbox.forest import Letter, threads
from pillarbox.mime.casemap import casemap
from pillarbox.mime.prepared import Prepared, prepare
from pillarbox.mime.subject import base_subject
from pillarbox.model.ids import AccountId
from pillarbox.model.search import Forest, Threading
from pillarbox.testing.memoryboxes import Email, Placement
from pillarbox.testing.memorythreads import forest

EMPTY = prepare(b"")
SECOND = 1_000_000
SUBJECTS = ["", "a", "Re: a", "A", "[list] a", "Fwd: b", "b", "b (fwd)", "[list] b", "re: c", "Re: Re: c", "[fwd: c]"]


def letters_of(mails: list[tuple[int, list[int], str, int]]) -> list[Prepared]:
    """Letters from (number of the Message-ID or 0, numbers referred to, subject, time)."""
    return [
        EMPTY._replace(
            message_id=b"<%d@x>" % own if own else b"",
            references=tuple([b"<%d@x>" % each for each in references]),
            subject=subject,
            base_subject=base_subject(subject),
            sent_at=sent * SECOND,
        )
        for own, references, subject, sent in mails
    ]


def ours(prepared: list[Prepared], threading: Threading) -> Forest:
    letters = [
        Letter(uid, 1000 - uid * 7 % 13, (each.sent_at or 0) // SECOND, casemap(each.base_subject), each.subject,
               each.message_id, b" ".join(each.references))
        for uid, each in enumerate(prepared, 1)
    ]  # fmt: skip
    return threads(letters, threading)


def theirs(prepared: list[Prepared], threading: Threading) -> Forest:
    placements = [
        Placement(
            uid=uid,
            email=Email(uid, AccountId(1), b"", b"", each, (1000 - uid * 7 % 13) * SECOND),
            modseq=1,
            saved_at=0,
        )
        for uid, each in enumerate(prepared, 1)
    ]
    return forest(placements, threading)


mails = st.tuples(
    st.integers(0, 8), st.lists(st.integers(1, 9), max_size=4), st.sampled_from(SUBJECTS), st.integers(0, 5)
)


@settings(max_examples=1500, deadline=None)
@given(st.lists(mails, max_size=12), st.sampled_from(Threading))
def test_as_the_rfc_has_it(drawn: list[tuple[int, list[int], str, int]], threading: Threading) -> None:
    prepared = letters_of(drawn)
    assert ours(prepared, threading) == theirs(prepared, threading)


@pytest.mark.parametrize("seed", range(30))
def test_as_the_rfc_has_it_in_larger_mailboxes(seed: int) -> None:
    rng = random.Random(seed)
    drawn = [
        (rng.randint(0, 60), rng.choices(range(1, 70), k=rng.randint(0, 5)), rng.choice(SUBJECTS), rng.randint(0, 30))
        for _ in range(80)
    ]
    prepared = letters_of(drawn)
    for threading in Threading:
        assert ours(prepared, threading) == theirs(prepared, threading)


def test_every_message_is_there_once() -> None:
    rng = random.Random(5)
    drawn = [(rng.randint(1, 900), rng.choices(range(1, 1000), k=3), rng.choice(SUBJECTS), 1) for _ in range(1000)]
    for threading in Threading:
        found = ours(letters_of(drawn), threading)
        assert sorted(uid for uid in found.uids if uid) == list(range(1, 1001))


def chain(order: list[int], count: int) -> list[Letter]:
    return [
        Letter(uid, uid, number, "S", "s", b"<%d@x>" % number, b"<%d@x>" % (number - 1) if number else b"")
        for uid, number in enumerate(order, 1)
    ]


def pairs_first(count: int) -> list[int]:
    """Every second link of the chain before the others."""
    return [*range(1, count, 2), *range(0, count, 2)]


def shuffled(count: int) -> list[int]:
    order = list(range(count))
    random.Random(1).shuffle(order)
    return order


@pytest.mark.parametrize(
    "order",
    [range, lambda count: range(count - 1, -1, -1), pairs_first, shuffled],
    ids=["oldest first", "newest first", "pairs first", "shuffled"],
)
def test_one_chain_of_a_hundred_thousand(order) -> None:
    count = 100_000
    began = time.process_time()
    found = threads(chain(list(order(count)), count), Threading.REFERENCES)
    assert time.process_time() - began < 10
    assert found.depths == list(range(count))


def test_hostile_relinking_takes_linear_time() -> None:
    """A deep trunk, and another chain whose letters are one after the other put under its end, with all below them."""
    count = 5_000
    trunk = [
        Letter(number + 1, 0, 0, "", "", b"<%d@x>" % number, b"<%d@x>" % (number - 1) if number else b"")
        for number in range(count)
    ]
    side = [b"<s%d@x>" % number for number in range(count)]
    linked = [
        Letter(count + 1 + at, 0, 0, "", "", b"<l%d@x>" % at, b" ".join(side[at : at + 101]))
        for at in range(0, count, 100)
    ]
    moved = [
        Letter(3 * count + number, 0, 0, "", "", name, b"<%d@x>" % (count - 1)) for number, name in enumerate(side)
    ]
    began = time.process_time()
    found = threads([*trunk, *linked, *moved], Threading.REFERENCES)
    assert time.process_time() - began < 5
    assert len([uid for uid in found.uids if uid]) == 2 * count + len(linked)
