"""Sorted results and threads, remembered while their mailbox stays as it is: webmail asks for them page by page.

What is remembered is keyed by the question and holds for one modseq of the mailbox, which every change in it raises.
The least recently asked for goes first; all together hold at most `most` messages. For one thread.
"""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from pillarbox.database.mailbox.sql import one
from pillarbox.model.ids import MailboxId
from pillarbox.model.logged import LoggedDatabase

T = TypeVar("T")
MOST = 300_000


class Remembered(Generic[T]):
    """Answers by question."""

    def __init__(self, database: LoggedDatabase, most: int = MOST) -> None:
        self._database = database
        self._most = most
        self._held = 0
        self._answers: OrderedDict[tuple[MailboxId, Hashable], tuple[int, int, T]] = OrderedDict()

    def modseq(self, mailbox: MailboxId) -> int:
        """What the mailbox is at, -1 where there is none. To be asked before an answer is looked for."""
        with self._database.read() as cursor:
            row = one(cursor.execute("SELECT modseq FROM mailbox WHERE id = ? AND selectable = 1", (mailbox,)))
        return -1 if row is None else int(row[0])

    def get(self, mailbox: MailboxId, question: Hashable, modseq: int) -> T | None:
        """The answer as of this modseq, if it is remembered."""
        found = self._answers.get((mailbox, question))
        if found is None or found[0] != modseq:
            return None
        self._answers.move_to_end((mailbox, question))
        return found[2]

    def put(self, mailbox: MailboxId, question: Hashable, modseq: int, size: int, answer: T) -> None:
        """Remembers an answer about `size` messages, which nobody may change."""
        self._forget((mailbox, question))
        if modseq < 0 or size > self._most:
            return
        self._answers[mailbox, question] = (modseq, size, answer)
        self._held += size
        while self._held > self._most:
            self._forget(next(iter(self._answers)))

    def _forget(self, key: tuple[MailboxId, Hashable]) -> None:
        found = self._answers.pop(key, None)
        if found is not None:
            self._held -= found[1]
