"""Letters of one conversation get one thread, whatever the order in which they come."""

from itertools import permutations
from typing import Any

import pytest

from pillarbox.testing.storecontract import inbox, put


def _letter(name: str, subject: str, *references: str) -> bytes:
    listed = " ".join(f"<{each}>" for each in references)
    return f"Message-ID: <{name}>\r\nSubject: {subject}\r\nReferences: {listed}\r\n\r\n".encode()


CONVERSATION = [
    _letter("root", "Lunch"),
    _letter("one", "Re: Lunch", "root"),
    _letter("two", "RE: lunch", "root"),
]


async def _threads(store: Any, engine: Any, letters: list[bytes]) -> list[int]:
    await put(store, await inbox(store), *letters)
    with engine.read() as cursor:
        return [row[0] for row in cursor.execute("SELECT thread_id FROM email ORDER BY id")]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_answers_join_in_any_order(database: Any, order: tuple[int, ...]) -> None:
    async def test(store: Any, engine: Any) -> None:
        assert len(set(await _threads(store, engine, [CONVERSATION[number] for number in order]))) == 1

    database.run(test)


def test_a_chain_without_its_beginning_joins(database: Any) -> None:
    names = [f"n{number}" for number in range(12)]
    chain = [_letter(names[number], "Re: Long", *names[:number]) for number in range(3, 12)]
    bare = _letter("reply", "Re: Long", "n11")

    async def test(store: Any, engine: Any) -> None:
        assert len(set(await _threads(store, engine, [*chain, bare]))) == 1

    database.run(test)


def test_another_subject_or_no_identifier_begins_a_thread(database: Any) -> None:
    letters = [
        *CONVERSATION[:2],
        _letter("new", "Dinner", "root"),
        b"Subject: Lunch\r\n\r\na",
        b"Subject: Lunch\r\n\r\nb",
    ]

    async def test(store: Any, engine: Any) -> None:
        first, second, *rest = await _threads(store, engine, letters)
        assert first == second
        assert len({first, *rest}) == 4

    database.run(test)
