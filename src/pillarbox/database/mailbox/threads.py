"""Which letters belong together: a thread id for every email, from its identifiers and its subject.

A letter's own key is made of its Message-ID and base subject, so that a new subject begins a new thread (RFC 8621
section 3). A letter without references begins a thread that has its own key as id. One with references joins the
thread of the last ones that are there; where none is there, it takes the id that the first of them would give, so
that letters that answer the same one meet even if that one never comes, or comes later.
"""

from hashlib import blake2b
from typing import NamedTuple

from pillarbox.database.mailbox.sql import one
from pillarbox.mime.prepared import Prepared
from pillarbox.model.ids import AccountId
from pillarbox.model.logged import Cursor

_LOOKED_AT = 4

_THREAD = """
    SELECT thread_id FROM email WHERE account_id = ? AND message_key IN (?, ?, ?, ?) ORDER BY id DESC LIMIT 1
"""


class ThreadKeys(NamedTuple):
    """A letter's own key and those of the letters it refers to, the first one and the last ones."""

    own: int
    references: tuple[int, ...]


def thread_keys(prepared: Prepared, content_hash: bytes) -> ThreadKeys:
    """The keys of a letter; one without Message-ID gets a key from its content."""
    subject = prepared.base_subject.casefold().encode()
    own = _key(prepared.message_id or content_hash, subject)
    references = prepared.references
    if len(references) > _LOOKED_AT:
        references = references[:1] + references[1 - _LOOKED_AT :]
    return ThreadKeys(own, tuple([_key(reference, subject) for reference in references]))


def find_thread(cursor: Cursor, account: AccountId, keys: ThreadKeys) -> int:
    """The thread a letter joins or begins."""
    references = keys.references
    if not references:
        return keys.own
    padded = references + references[-1:] * (_LOOKED_AT - len(references))
    row = one(cursor.execute(_THREAD, (account, *padded)))
    return row[0] if row else references[0]


def _key(identifier: bytes, subject: bytes) -> int:
    return int.from_bytes(blake2b(identifier + b"\0" + subject, digest_size=8).digest()) >> 1
