"""Response codes that take arguments (RFC 9051 section 7.1, RFC 4315, RFC 7162), without their brackets."""

from collections.abc import Iterable, Sequence

from pillarbox.wire.imap.sequence_set import uid_set
from pillarbox.wire.imap.strings import string

ALERT = b"ALERT"
CLOSED = b"CLOSED"
COMPRESSIONACTIVE = b"COMPRESSIONACTIVE"
EXPUNGEISSUED = b"EXPUNGEISSUED"
NOMODSEQ = b"NOMODSEQ"
NOTSAVED = b"NOTSAVED"
READ_ONLY = b"READ-ONLY"
READ_WRITE = b"READ-WRITE"
TRYCREATE = b"TRYCREATE"
UIDNOTSTICKY = b"UIDNOTSTICKY"
UNKNOWN_CTE = b"UNKNOWN-CTE"
USEATTR = b"USEATTR"


def appenduid(uidvalidity: int, uids: Sequence[int]) -> bytes:
    """resp-code-apnd = "APPENDUID" SP nz-number SP append-uid; `uids` rising"""
    return b"APPENDUID %d %b" % (uidvalidity, uid_set(uids))


def copyuid(uidvalidity: int, source: Sequence[int], target: Sequence[int]) -> bytes:
    """resp-code-copy = "COPYUID" SP nz-number SP uid-set SP uid-set; both rising, item by item the same message"""
    return b"COPYUID %d %b %b" % (uidvalidity, uid_set(source), uid_set(target))


def capability(names: Iterable[str]) -> bytes:
    """capability-data, as a code"""
    return ("CAPABILITY " + " ".join(names)).encode("ascii")


def permanentflags(flags: Iterable[str], new_keywords: bool = True) -> bytes:
    """ "PERMANENTFLAGS" SP "(" [flag-perm *(SP flag-perm)] ")"; `new_keywords` adds \\*"""
    names = [*flags, "\\*"] if new_keywords else flags
    return b"PERMANENTFLAGS (%b)" % " ".join(names).encode("ascii")


def uidnext(number: int) -> bytes:
    """ "UIDNEXT" SP nz-number"""
    return b"UIDNEXT %d" % number


def uidvalidity(number: int) -> bytes:
    """ "UIDVALIDITY" SP nz-number"""
    return b"UIDVALIDITY %d" % number


def unseen(sequence: int) -> bytes:
    """ "UNSEEN" SP nz-number: the first unseen message (IMAP4rev1)"""
    return b"UNSEEN %d" % sequence


def highestmodseq(modseq: int) -> bytes:
    """ "HIGHESTMODSEQ" SP mod-sequence-value"""
    return b"HIGHESTMODSEQ %d" % modseq


def mailboxid(name: bytes) -> bytes:
    """ "MAILBOXID" SP "(" objectid ")" (RFC 8474 section 4)"""
    return b"MAILBOXID (%b)" % name


def modified(numbers: Sequence[int]) -> bytes:
    """ "MODIFIED" SP sequence-set: those a conditional STORE left alone; `numbers` rising"""
    return b"MODIFIED " + uid_set(numbers)


def noupdate(tag: bytes) -> bytes:
    """ "NOUPDATE" SP quoted: the search with this tag is not kept up to date (RFC 5267 section 4.3.1)"""
    return b"NOUPDATE " + string(tag)


def inprogress(tag: bytes, done: int | None = None, goal: int | None = None) -> bytes:
    """ "INPROGRESS" SP "(" tag SP (number / nil) SP (number / nil) ")" (RFC 9585)"""
    numbers = [b"NIL" if each is None else b"%d" % each for each in (done, goal)]
    return b"INPROGRESS (%b %b %b)" % (string(tag), *numbers)
