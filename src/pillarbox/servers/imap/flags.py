"""Flags as IMAP writes them, and back.

System flags are bits in the model and names with a backslash here; keywords are the same words in both. `FlagTexts` is
one selected mailbox's table of rendered flag lists: a FETCH of a hundred thousand flags renders a few dozen. It also
notes keywords that the client has not been told of in a FLAGS response (beyond a thousand it stops telling).
"""

from collections.abc import Iterable

from pillarbox.base.failure import FailureKind
from pillarbox.model.email import Flag
from pillarbox.model.failure import Failure
from pillarbox.wire.imap import codes, responses
from pillarbox.wire.imap.responses import Status

SYSTEM_FLAGS: dict[str, Flag] = {
    "\\Answered": Flag.ANSWERED,
    "\\Flagged": Flag.FLAGGED,
    "\\Deleted": Flag.DELETED,
    "\\Seen": Flag.SEEN,
    "\\Draft": Flag.DRAFT,
}
COMMON_KEYWORDS = ("$Forwarded", "$MDNSent", "$Junk", "$NotJunk", "$Phishing")
"""Announced from the start, used or not (RFC 9051 section 2.3.2)."""

LONGEST_KEYWORD = 255
MOST_KEYWORDS = 100
"""In one command; what a message may have in all is for the store to say."""

_MOST_TEXTS = 4096
_MOST_ANNOUNCED = 1000


def parse_flags(names: Iterable[str]) -> tuple[int, frozenset[str]]:
    """The bits and the keywords of a flag list.

    Raises Failure(INVALID) for a system flag that does not exist, Failure(TOO_MANY) beyond the limits.
    """
    bits, keywords = 0, set()
    for name in names:
        if name in SYSTEM_FLAGS:
            bits |= SYSTEM_FLAGS[name]
        elif name.startswith("\\"):
            raise Failure(FailureKind.INVALID, f"There is no system flag {name}.")
        else:
            keywords.add(name)
    if len(keywords) > MOST_KEYWORDS or any(len(word) > LONGEST_KEYWORD for word in keywords):
        raise Failure(
            FailureKind.TOO_MANY, f"At most {MOST_KEYWORDS} keywords of at most {LONGEST_KEYWORD} characters, please."
        )
    return bits, frozenset(keywords)


class FlagTexts(dict[tuple[int, str], bytes]):
    """From (bits, keywords as the model has them) to the flag list in parentheses."""

    def __init__(self) -> None:
        super().__init__()
        self.keywords: dict[str, None] = dict.fromkeys(COMMON_KEYWORDS)
        self.unannounced = False

    def __missing__(self, key: tuple[int, str]) -> bytes:
        bits, keywords = key
        names = [name for name, bit in SYSTEM_FLAGS.items() if bits & bit]
        for word in keywords.split():
            names.append(word)
            if word not in self.keywords and len(self.keywords) < _MOST_ANNOUNCED:
                self.keywords[word] = None
                self.unannounced = True
        if len(self) >= _MOST_TEXTS:
            self.clear()
        text = self[key] = b"(" + " ".join(names).encode("ascii", "replace") + b")"
        return text

    def announcement(self, read_only: bool) -> bytes:
        """FLAGS and PERMANENTFLAGS with every keyword known so far (RFC 9051 sections 7.1 and 7.3.5)."""
        self.unannounced = False
        names = [*SYSTEM_FLAGS, *self.keywords]
        permanent = codes.permanentflags([], False) if read_only else codes.permanentflags(names)
        text = "No flag can be changed." if read_only else "Flags that are kept."
        return responses.flags(names) + responses.status_line(b"*", Status.OK, text, permanent)
