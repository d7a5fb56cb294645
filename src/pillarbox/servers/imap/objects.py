"""Names for mailboxes, messages and threads that outlive renaming and moving (RFC 8474).

A message's EMAILID is the store's own `object_id`; mailboxes and threads have numbers there, which get a letter here
that keeps the kinds apart.
"""

from pillarbox.model.ids import MailboxId

_LARGEST = (1 << 63) - 1


def mailbox_id(mailbox: MailboxId) -> bytes:
    """MAILBOXID: stays as it is when a mailbox is renamed, and is never given again."""
    return b"m%d" % mailbox


def thread_id(thread: int) -> bytes:
    """THREADID"""
    return b"t%d" % thread


def thread_of(name: str) -> int | None:
    """The thread of a THREADID, None where no thread can have that name."""
    digits = name[1:]
    if name[:1] != "t" or not digits.isdecimal() or len(digits) > 19 or digits.startswith("0"):
        return None
    number = int(digits)
    return number if number <= _LARGEST else None
