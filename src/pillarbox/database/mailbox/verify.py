"""Going over everything in a mailbox database: bytes against their hashes, counters against a count, rows that must
agree. Yields one sentence for each thing that is wrong; changes nothing."""

from collections.abc import Iterator
from hashlib import sha256

from pillarbox.database.mailbox.contents import CHUNKS, Unpacker
from pillarbox.database.mailbox.sql import one
from pillarbox.model.failure import Failure
from pillarbox.model.logged import Cursor

_RULES = (
    (
        "account {0} says {1} octets in {2} messages, but has {3} in {4}",
        """
        SELECT a.id, a.octets, a.messages, coalesce(sum(m.size), 0) AS octets_there, coalesce(sum(m.messages), 0)
        FROM account a LEFT JOIN mailbox m ON m.account_id = a.id
        GROUP BY a.id, a.octets, a.messages
        HAVING a.octets <> coalesce(sum(m.size), 0) OR a.messages <> coalesce(sum(m.messages), 0)
        """,
    ),
    (
        "account {0} is at modseq {1}, but its mailbox {2} at {3}",
        "SELECT a.id, a.modseq, m.id, m.modseq FROM account a JOIN mailbox m ON m.account_id = a.id "
        "WHERE m.modseq > a.modseq",
    ),
    (
        "mailbox {0} says (messages, unseen, deleted, octets) = ({1}, {2}, {3}, {4}), but has ({5}, {6}, {7}, {8})",
        """
        SELECT * FROM (
            SELECT m.id, m.messages, m.unseen, m.deleted, m.size, count(p.uid) AS n,
                coalesce(sum(p.flags & 1 = 0), 0) AS u, coalesce(sum(p.flags & 8 <> 0), 0) AS d,
                coalesce(sum(p.size), 0) AS s
            FROM mailbox m LEFT JOIN placement p ON p.mailbox_id = m.id
            GROUP BY m.id, m.messages, m.unseen, m.deleted, m.size
        ) AS counted WHERE messages <> n OR unseen <> u OR deleted <> d OR size <> s
        """,
    ),
    (
        "mailbox {0} is at modseq {1} and uid {2}, but its message {3} at modseq {4}",
        "SELECT m.id, m.modseq, m.uid_next, p.uid, p.modseq FROM mailbox m JOIN placement p ON p.mailbox_id = m.id "
        "WHERE p.modseq > m.modseq OR p.uid >= m.uid_next",
    ),
    (
        "mailbox {0} is at modseq {1} and uid {2}, but its message {3} went at modseq {4}",
        "SELECT m.id, m.modseq, m.uid_next, x.uid, x.modseq FROM mailbox m JOIN expunged x ON x.mailbox_id = m.id "
        "WHERE x.modseq > m.modseq OR x.uid >= m.uid_next",
    ),
    (
        "account {0} has {2} mailboxes named {1!r}",
        "SELECT account_id, path, count(*) FROM mailbox GROUP BY account_id, path HAVING count(*) > 1",
    ),
    (
        "account {0} has no inbox",
        "SELECT a.id FROM account a WHERE NOT EXISTS "
        "(SELECT 1 FROM mailbox m WHERE m.account_id = a.id AND m.path = 'INBOX' AND m.selectable = 1)",
    ),
    (
        "mailbox {0} belongs to no account",
        "SELECT id FROM mailbox WHERE account_id NOT IN (SELECT id FROM account)",
    ),
    (
        "message {1} of mailbox {0}, which is not there",
        "SELECT mailbox_id, uid FROM placement WHERE mailbox_id NOT IN (SELECT id FROM mailbox) "
        "AND mailbox_id NOT IN (SELECT mailbox_id FROM mailbox_removal)",
    ),
    (
        "message {1} of mailbox {0} does not agree with its email {2}",
        """
        SELECT p.mailbox_id, p.uid, p.email_id FROM placement p LEFT JOIN email e ON e.id = p.email_id
        WHERE e.id IS NULL OR e.content_id <> p.content_id OR e.size <> p.size OR e.received_at <> p.received_at
            OR length(e.trace) <> p.trace_size
        """,
    ),
    (
        "email {0} has different flags in mailboxes {1} and {2}",
        "SELECT p.email_id, p.mailbox_id, q.mailbox_id FROM placement p "
        "JOIN placement q ON q.email_id = p.email_id AND q.mailbox_id > p.mailbox_id "
        "WHERE p.flags & 23 <> q.flags & 23 OR p.keywords <> q.keywords",
    ),
    (
        "email {0} has no content",
        "SELECT e.id FROM email e LEFT JOIN content c ON c.id = e.content_id "
        "WHERE c.hash IS NULL OR c.size + length(e.trace) <> e.size",
    ),
    (
        "email {0} lies nowhere and is no deleted item",
        """
        SELECT e.id FROM email e
        WHERE NOT EXISTS (SELECT 1 FROM placement p WHERE p.email_id = e.id)
            AND NOT EXISTS (SELECT 1 FROM deleted_item d WHERE d.email_id = e.id)
            AND NOT EXISTS (SELECT 1 FROM account_removal r WHERE r.account_id = e.account_id)
        """,
    ),
    (
        "deleted item {0} is not what it should be",
        """
        SELECT d.email_id FROM deleted_item d LEFT JOIN email e ON e.id = d.email_id
        WHERE e.id IS NULL OR e.account_id <> d.account_id
            OR EXISTS (SELECT 1 FROM placement p WHERE p.email_id = d.email_id)
        """,
    ),
    (
        "ids up to {0} were given, but {1} is in use",
        """
        SELECT value, used FROM counter CROSS JOIN (
            SELECT max(id) AS used FROM
            (SELECT id FROM mailbox UNION ALL SELECT id FROM email UNION ALL SELECT id FROM content) AS ids
        ) AS given WHERE name = 'id' AND used > value
        """,
    ),
    (
        "chunk {0} belongs to no content",
        f"SELECT id FROM chunk WHERE id / {CHUNKS} NOT IN (SELECT id FROM content)",
    ),
)


def verify(cursor: Cursor) -> Iterator[str]:
    """Everything that is wrong."""
    for sentence, query in _RULES:
        for row in cursor.execute(query):
            yield sentence.format(*row)
    unpacker = Unpacker()
    for content, expected, size in cursor.execute("SELECT id, hash, size FROM content WHERE hash IS NOT NULL"):
        wrong = _content(cursor, unpacker, content, expected, size)
        if wrong:
            yield f"content {content} {wrong}"


def _content(cursor: Cursor, unpacker: Unpacker, content: int, expected: bytes, size: int) -> str | None:
    """What is wrong with a content's bytes."""
    digest = sha256()
    there = number = 0
    while True:
        row = one(cursor.execute("SELECT form, checksum, data FROM chunk WHERE id = ?", (content * CHUNKS + number,)))
        if row is None:
            break
        try:
            data = unpacker.unpack(*row)
        except Failure as failure:
            return f"is damaged in chunk {number}: {failure.cause}"
        digest.update(data)
        there += len(data)
        number += 1
    if there != size:
        return f"has {there} octets instead of {size}"
    return None if digest.digest() == expected else "does not have the bytes of its hash"
