"""Names for what the log speaks of by number: paths of mailboxes, subjects of contents, accounts.

What the log itself brought is remembered first (`saw_…`), the database as it is now answers for the rest; it may be
missing or damaged, then the log alone does.
"""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import apsw

from pillarbox.database.connection import connect_reader

Row = Sequence[Any]
_SUBJECT, _MESSAGE_ID = 9, 11  # columns of `content`


class Lookup:
    """See the module."""

    def __init__(self, file: Path, vfs: str | None) -> None:
        self._connection: apsw.Connection | None = None
        if file.exists():
            with suppress(apsw.Error):
                self._connection = connect_reader(file, vfs)
        self._mailboxes: dict[int, tuple[int, str]] = {}
        self._renames: dict[int, list[tuple[int, str, str]]] = {}
        self._contents: dict[int, tuple[str, str]] = {}
        self._emails: dict[int, int] = {}

    def close(self) -> None:
        """Lets go of the database."""
        if self._connection is not None:
            self._connection.close(force=True)

    def saw_mailbox(self, row: Row) -> None:
        """A mailbox was made or deleted."""
        self._mailboxes[row[0]] = (row[1], row[2])

    def saw_rename(self, mailbox: int, lsn: int, before: str, after: str) -> None:
        """Record `lsn` gave a mailbox another path."""
        self._renames.setdefault(mailbox, []).append((lsn, before, after))

    def saw_content(self, row: Row) -> None:
        """A content was stored, or swept."""
        self._contents[row[0]] = (row[_SUBJECT], bytes(row[_MESSAGE_ID]).decode("utf-8", "replace"))

    def saw_email(self, row: Row) -> None:
        """An email was made, or removed for good."""
        self._emails[row[0]] = row[2]

    def account(self, mailbox: int) -> int:
        """Whose mailbox it is, 0 where nobody knows."""
        return self._mailbox(mailbox)[0]

    def path(self, mailbox: int, lsn: int) -> str:
        """A mailbox's path when record `lsn` was written."""
        renames = self._renames.get(mailbox, ())
        for at, before, _ in renames:
            if lsn <= at:
                return before
        return renames[-1][2] if renames else self._mailbox(mailbox)[1]

    def subject(self, content: int) -> tuple[str, str]:
        """A content's subject and Message-ID, blank where nobody knows."""
        if content not in self._contents:
            row = self._one("SELECT subject, message_id FROM content WHERE id = ?", content)
            self._contents[content] = (row[0], bytes(row[1]).decode("utf-8", "replace")) if row else ("", "")
        return self._contents[content]

    def content_of(self, email: int) -> int:
        """An email's content, 0 where nobody knows."""
        if email not in self._emails:
            row = self._one("SELECT content_id FROM email WHERE id = ?", email)
            self._emails[email] = row[0] if row else 0
        return self._emails[email]

    def content_at(self, mailbox: int, uid: int) -> int:
        """The content of the message that lies there now, 0 where none does."""
        if not uid:
            return 0
        row = self._one("SELECT content_id FROM placement WHERE mailbox_id = ? AND uid = ?", mailbox, uid)
        return row[0] if row else 0

    def _mailbox(self, mailbox: int) -> tuple[int, str]:
        if mailbox not in self._mailboxes:
            row = self._one("SELECT account_id, path FROM mailbox WHERE id = ?", mailbox) or self._one(
                "SELECT account_id, path FROM mailbox_removal WHERE mailbox_id = ?", mailbox
            )
            self._mailboxes[mailbox] = (row[0], row[1]) if row else (0, "")
        return self._mailboxes[mailbox]

    def _one(self, statement: str, *values: int) -> Any:
        if self._connection is None:
            return None
        try:
            return self._connection.execute(statement, values).fetchone()
        except apsw.Error:  # damaged: the log has to do
            return None
