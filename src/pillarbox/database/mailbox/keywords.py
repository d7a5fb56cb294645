"""Keywords: words beside the system flags, stored as IMAP sends them.

Stored as one text: sorted, separated by single spaces. Two words that differ in case (of ASCII letters) are the
same keyword; the spelling that was there first stays. Whoever calls has checked that they are atoms.
"""

from collections.abc import Iterable

from pillarbox.model.email import FlagMode


def join(words: Iterable[str]) -> str:
    """The words as they are stored; of two spellings of one keyword the first in order stays."""
    kept: dict[str, str] = {}
    for word in sorted(words):
        kept.setdefault(word.lower(), word)
    return " ".join(sorted(kept.values()))


def change(stored: str, mode: FlagMode, words: frozenset[str]) -> str:
    """What is stored after `words` were added, removed, or put in place of all others."""
    if not words:
        return "" if mode is FlagMode.REPLACE else stored
    current = {word.lower(): word for word in stored.split()}
    given: dict[str, str] = {}
    for word in sorted(words):
        given.setdefault(word.lower(), word)
    if mode is FlagMode.REMOVE:
        result = {key: word for key, word in current.items() if key not in given}
    elif mode is FlagMode.ADD:
        result = {**given, **current}
    else:
        result = {key: current.get(key, word) for key, word in given.items()}
    return " ".join(sorted(result.values()))


def contains(stored: str, keyword: str) -> bool:
    """Whether a keyword is among those stored."""
    return keyword.lower() in stored.lower().split()
