"""Flags and keywords: changed on every placement of an email, the deleted flag only where it was set."""

from collections.abc import Sequence
from typing import NamedTuple

from pillarbox.database.mailbox import keywords, placing, quota
from pillarbox.database.mailbox.sql import among
from pillarbox.model.change import Change
from pillarbox.model.email import Flag, FlagChange, FlagMode, FlagState
from pillarbox.model.ids import MailboxId, ModSeq, Uid
from pillarbox.model.logged import WriteCursor
from pillarbox.model.store import Flagged

_UPDATE = "UPDATE placement SET flags = ?, keywords = ?, modseq = ? WHERE mailbox_id = ? AND uid = ?"

_COUNT = "UPDATE mailbox SET unseen = unseen + ?, deleted = deleted + ?, modseq = ? WHERE id = ?"


class _Changed(NamedTuple):
    """A placement with its flags before and after."""

    mailbox: MailboxId
    uid: int
    before: int
    after: int
    keywords: str


def set_flags(cursor: WriteCursor, mailbox: MailboxId, uids: Sequence[int], change: FlagChange) -> Flagged:
    """Changes the flags of messages (one slice of uids). What is as asked for already gets no new modseq."""
    account = placing.owner(cursor, mailbox)
    condition, values = among("uid", uids)
    rows = list(
        cursor.execute(
            "SELECT uid, email_id, flags, keywords, modseq FROM placement "
            f"WHERE mailbox_id = ? AND {condition} ORDER BY uid",
            (mailbox, *values),
        )
    )
    states: list[FlagState] = []
    modified: list[Uid] = []
    changed: list[_Changed] = []
    shared: dict[int, _Changed] = {}  # by email: what its other placements must follow
    limit = change.unchanged_since
    for uid, email, flags, words, modseq in rows:
        if limit is not None and modseq > limit:
            modified.append(uid)
            continue
        after = _apply(flags, change)
        new_words = keywords.change(words, change.mode, change.keywords)
        states.append(FlagState(uid, after, new_words, modseq))
        if after != flags or new_words != words:
            item = _Changed(mailbox, uid, flags, after, new_words)
            changed.append(item)
            if (after ^ flags) & ~Flag.DELETED or new_words != words:
                shared[email] = item
    if not changed:
        return Flagged(states, modified)
    modseq = quota.adjust(cursor, account)
    others = _others(cursor, mailbox, shared) if shared else []
    for touched in _store(cursor, changed + others, modseq):
        cursor.publish(Change(account, touched, ModSeq(modseq)))
    uids_changed = {item.uid for item in changed}
    states = [state._replace(modseq=ModSeq(modseq)) if state.uid in uids_changed else state for state in states]
    return Flagged(states, modified)


def _apply(flags: int, change: FlagChange) -> int:
    if change.mode is FlagMode.ADD:
        return flags | int(change.flags)
    if change.mode is FlagMode.REMOVE:
        return flags & ~int(change.flags)
    return int(change.flags)


def _others(cursor: WriteCursor, mailbox: MailboxId, shared: dict[int, _Changed]) -> list[_Changed]:
    """The placements of these emails in other mailboxes, as they are to be."""
    condition, values = among("email_id", sorted(shared))
    rows = cursor.execute(
        f"SELECT email_id, mailbox_id, uid, flags FROM placement WHERE {condition} AND mailbox_id <> ?",
        (*values, mailbox),
    )
    others = []
    for email, other, uid, flags in rows:
        item = shared[email]
        after = item.after & ~int(Flag.DELETED) | flags & int(Flag.DELETED)
        others.append(_Changed(other, uid, flags, after, item.keywords))
    return others


def _store(cursor: WriteCursor, changed: list[_Changed], modseq: int) -> list[MailboxId]:
    """Writes placements and the counters of their mailboxes; the mailboxes."""
    cursor.executemany(_UPDATE, [(item.after, item.keywords, modseq, item.mailbox, item.uid) for item in changed])
    counts: dict[MailboxId, tuple[int, int]] = {}
    for item in changed:
        unseen, deleted = counts.get(item.mailbox, (0, 0))
        unseen += bool(item.before & Flag.SEEN) - bool(item.after & Flag.SEEN)
        deleted += bool(item.after & Flag.DELETED) - bool(item.before & Flag.DELETED)
        counts[item.mailbox] = unseen, deleted
    cursor.executemany(_COUNT, [(*count, modseq, each) for each, count in sorted(counts.items())])
    return sorted(counts)
