"""The rules for mailbox names.

A path is levels separated by "/". A level is not empty, has no control characters, and at most 255 octets of UTF-8;
a path has at most 20 levels and 1000 octets. Names are kept in Unicode NFC. "INBOX" in any case as the first level
is the inbox; everywhere else case counts.
"""

import unicodedata

from pillarbox.base.failure import FailureKind
from pillarbox.model import mailbox as model
from pillarbox.model.failure import Failure
from pillarbox.model.mailbox import DELIMITER, INBOX

LONGEST_LEVEL = 255
LONGEST_PATH = 1000
MOST_LEVELS = 20
MOST_MAILBOXES = model.MOST_MAILBOXES
"""Mailboxes an account may have."""


def clean(path: str) -> str:
    """The path as it is stored. Raises Failure(INVALID) where it breaks a rule."""
    text = path if path.isascii() else unicodedata.normalize("NFC", path)
    levels = text.split(DELIMITER)
    if levels[0].upper() == INBOX:
        levels[0] = INBOX
    if len(levels) > MOST_LEVELS:
        raise _invalid(f"A mailbox name has at most {MOST_LEVELS} levels")
    for level in levels:
        if not level:
            raise _invalid("A mailbox name has no empty levels")
        if any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in level):
            raise _invalid("A mailbox name has no control characters")
        if len(level.encode()) > LONGEST_LEVEL:
            raise _invalid(f"A level of a mailbox name has at most {LONGEST_LEVEL} octets")
    text = DELIMITER.join(levels)
    if len(text.encode()) > LONGEST_PATH:
        raise _invalid(f"A mailbox name has at most {LONGEST_PATH} octets")
    return text


def clean_or_inbox(path: str) -> str:
    """The path as it is stored, or the inbox where it can be no mailbox's name."""
    if path == INBOX:
        return path
    try:
        return clean(path)
    except Failure:
        return INBOX


def above(path: str) -> list[str]:
    """The paths of the levels above, the topmost first."""
    levels = path.split(DELIMITER)
    return [DELIMITER.join(levels[:count]) for count in range(1, len(levels))]


def is_below(path: str, parent: str) -> bool:
    """Whether `path` lies beneath `parent`."""
    return path.startswith(parent + DELIMITER)


def _invalid(text: str) -> Failure:
    return Failure(FailureKind.INVALID, text)
