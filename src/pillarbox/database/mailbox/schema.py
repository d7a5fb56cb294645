"""The tables of a mailbox database.

- `counter` gives ids (of mailboxes, emails and contents alike) and UIDVALIDITYs; neither is ever given twice.
- `account` and `mailbox` carry their own totals, kept in the write that changes them; `verify` counts them again.
- `content` is what a letter is, once however many have it: its hash and what was prepared of it. Its bytes are in
  `chunk` (id = content's id * 65536 + number), so that reading envelopes never touches them. A content without a
  hash is not finished, or nobody's any more, and waits to be swept.
- `email` never changes. `placement` puts it into a mailbox; flags and keywords are kept on the placements (the same
  on all of one email, but for the deleted flag), so that reading a mailbox's flags is one scan. An email that lies
  nowhere is a `deleted_item`, which keeps its flags.
- `expunged` remembers which uid went at which modseq.
- `mailbox_removal` and `account_removal` are what was deleted and is still being cleared away in small writes.

Paths and (email, mailbox) pairs are unique. For paths the code sees to it and not an index: several renames of one
commit may come out as two names changed for each other, which a replay could not do one after the other.
"""

from collections.abc import Iterator

from pillarbox.database.mailbox.verify import verify
from pillarbox.model.logged import Cursor

CLUSTERED = "WITHOUT ROWID"
"""Rows stored in the order of the primary key; SQLite's word for it."""

TABLES = (
    """
    CREATE TABLE counter (
        name TEXT NOT NULL PRIMARY KEY,
        value INTEGER NOT NULL
    )
    """,
    """
    CREATE TABLE account (
        id INTEGER NOT NULL PRIMARY KEY,
        modseq INTEGER NOT NULL,
        octets INTEGER NOT NULL,
        messages INTEGER NOT NULL,
        octet_limit INTEGER NOT NULL,
        message_limit INTEGER NOT NULL
    )
    """,
    """
    CREATE TABLE mailbox (
        id INTEGER NOT NULL PRIMARY KEY,
        account_id INTEGER NOT NULL,
        path TEXT NOT NULL,
        role TEXT,
        selectable INTEGER NOT NULL,
        uid_validity INTEGER NOT NULL,
        uid_next INTEGER NOT NULL,
        messages INTEGER NOT NULL,
        unseen INTEGER NOT NULL,
        deleted INTEGER NOT NULL,
        size INTEGER NOT NULL,
        modseq INTEGER NOT NULL
    )
    """,
    "CREATE INDEX mailbox_path ON mailbox (account_id, path)",
    f"""
    CREATE TABLE subscription (
        account_id INTEGER NOT NULL,
        path TEXT NOT NULL,
        PRIMARY KEY (account_id, path)
    ) {CLUSTERED}
    """,
    """
    CREATE TABLE content (
        id INTEGER NOT NULL PRIMARY KEY,
        hash BLOB,
        size INTEGER NOT NULL,
        stored_at INTEGER NOT NULL,
        header_size INTEGER NOT NULL,
        envelope BLOB NOT NULL,
        body BLOB NOT NULL,
        bodystructure BLOB NOT NULL,
        fields BLOB NOT NULL,
        subject TEXT NOT NULL,
        base_subject TEXT NOT NULL,
        message_id BLOB NOT NULL,
        refs BLOB NOT NULL,
        sent_at INTEGER,
        from_text TEXT NOT NULL,
        to_text TEXT NOT NULL,
        cc_text TEXT NOT NULL,
        preview TEXT NOT NULL,
        has_attachment INTEGER NOT NULL
    )
    """,
    "CREATE UNIQUE INDEX content_hash ON content (hash)",
    "CREATE INDEX content_unfinished ON content (stored_at) WHERE hash IS NULL",
    """
    CREATE TABLE chunk (
        id INTEGER NOT NULL PRIMARY KEY,
        form INTEGER NOT NULL,
        checksum INTEGER NOT NULL,
        data BLOB NOT NULL
    )
    """,
    """
    CREATE TABLE email (
        id INTEGER NOT NULL PRIMARY KEY,
        account_id INTEGER NOT NULL,
        content_id INTEGER NOT NULL,
        thread_id INTEGER NOT NULL,
        message_key INTEGER NOT NULL,
        received_at INTEGER NOT NULL,
        size INTEGER NOT NULL,
        trace BLOB NOT NULL
    )
    """,
    "CREATE INDEX email_message ON email (account_id, message_key)",
    "CREATE INDEX email_content ON email (content_id)",
    f"""
    CREATE TABLE placement (
        mailbox_id INTEGER NOT NULL,
        uid INTEGER NOT NULL,
        email_id INTEGER NOT NULL,
        content_id INTEGER NOT NULL,
        flags INTEGER NOT NULL,
        keywords TEXT NOT NULL,
        modseq INTEGER NOT NULL,
        received_at INTEGER NOT NULL,
        size INTEGER NOT NULL,
        trace_size INTEGER NOT NULL,
        saved_at INTEGER NOT NULL,
        PRIMARY KEY (mailbox_id, uid)
    ) {CLUSTERED}
    """,
    "CREATE INDEX placement_modseq ON placement (mailbox_id, modseq)",
    "CREATE UNIQUE INDEX placement_email ON placement (email_id, mailbox_id)",
    f"""
    CREATE TABLE expunged (
        mailbox_id INTEGER NOT NULL,
        modseq INTEGER NOT NULL,
        uid INTEGER NOT NULL,
        PRIMARY KEY (mailbox_id, modseq, uid)
    ) {CLUSTERED}
    """,
    """
    CREATE TABLE deleted_item (
        email_id INTEGER NOT NULL PRIMARY KEY,
        account_id INTEGER NOT NULL,
        deleted_at INTEGER NOT NULL,
        deleted_from TEXT NOT NULL,
        flags INTEGER NOT NULL,
        keywords TEXT NOT NULL
    )
    """,
    "CREATE INDEX deleted_item_account ON deleted_item (account_id)",
    "CREATE INDEX deleted_item_age ON deleted_item (deleted_at)",
    """
    CREATE TABLE mailbox_removal (
        mailbox_id INTEGER NOT NULL PRIMARY KEY,
        account_id INTEGER NOT NULL,
        path TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE account_removal (
        account_id INTEGER NOT NULL PRIMARY KEY
    )
    """,
)


class MailboxSchema:
    """`pillarbox.model.logged.Schema` of a mailbox database."""

    name = "mailbox"
    version = 1

    def create(self, cursor: Cursor) -> None:
        for statement in TABLES:
            cursor.execute(statement)
        cursor.execute("INSERT INTO counter (name, value) VALUES ('id', 0)")
        cursor.execute("INSERT INTO counter (name, value) VALUES ('uid_validity', 0)")

    def migrate(self, cursor: Cursor, from_version: int) -> None:
        raise AssertionError(f"there is no version {from_version} to come from")

    def verify(self, cursor: Cursor) -> Iterator[str]:
        return verify(cursor)
