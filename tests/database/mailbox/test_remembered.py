"""Answers are remembered for one modseq, and the oldest forgotten first."""

from typing import Any

from pillarbox.database.mailbox.remembered import Remembered
from pillarbox.model.ids import MailboxId

BOX = MailboxId(1)


def test_an_answer_holds_for_its_modseq(database: Any) -> None:
    async def test(store: Any, engine: Any) -> None:
        remembered: Remembered[str] = Remembered(engine, most=10)
        assert remembered.modseq(MailboxId(999)) == -1
        remembered.put(BOX, "q", 5, 4, "a")
        assert remembered.get(BOX, "q", 5) == "a"
        assert remembered.get(BOX, "q", 6) is None
        assert remembered.get(MailboxId(2), "q", 5) is None
        remembered.put(BOX, "gone", -1, 1, "b")
        assert remembered.get(BOX, "gone", -1) is None

    database.run(test)


def test_the_one_asked_for_least_lately_goes_first(database: Any) -> None:
    async def test(store: Any, engine: Any) -> None:
        remembered: Remembered[str] = Remembered(engine, most=10)
        for question in ("a", "b"):
            remembered.put(BOX, question, 1, 5, question)
        assert remembered.get(BOX, "a", 1) == "a"
        remembered.put(BOX, "c", 1, 5, "c")
        assert [remembered.get(BOX, question, 1) for question in "abc"] == ["a", None, "c"]
        remembered.put(BOX, "d", 1, 11, "d")
        assert remembered.get(BOX, "d", 1) is None
        remembered.put(BOX, "a", 2, 5, "new")
        assert [remembered.get(BOX, "a", 2), remembered.get(BOX, "c", 1)] == ["new", "c"]

    database.run(test)
