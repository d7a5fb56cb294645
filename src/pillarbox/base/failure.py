"""The kinds of failure that any part of Pillarbox may report.

A kind says what went wrong in words that no protocol owns. Each protocol has one table from kind to its
own code (`wire/<protocol>/errors.py`); a test walks kinds x protocols, so a new kind cannot be forgotten.
"""

from enum import Enum


class FailureKind(Enum):
    """What went wrong. The value is the name used in logs and metrics."""

    INVALID = "invalid"  # the request makes no sense (bad name, bad address, bad argument)
    NOT_FOUND = "not-found"  # no such person, mailbox, message
    ALREADY_EXISTS = "already-exists"
    NOT_ALLOWED = "not-allowed"  # known who asks; they may not
    RELAY_DENIED = "relay-denied"  # we do not carry mail to that domain for this client
    TOO_LARGE = "too-large"  # a message or a value above a set limit
    OVER_QUOTA = "over-quota"  # the person's own quota
    TOO_MANY = "too-many"  # a limit on connections, recipients, errors or rate
    LOGIN_FAILED = "login-failed"  # wrong name or password; never says which
    PRIVACY_REQUIRED = "privacy-required"  # encryption must come first
    LOCKED_OUT = "locked-out"  # too many failed logins
    DISABLED = "disabled"  # the account exists but is switched off
    IN_USE = "in-use"  # exclusively held by another session
    LOOP = "loop"  # mail or groups going in circles
    UNAVAILABLE = "unavailable"  # temporary: a database or directory cannot be reached now
    DISK_FULL = "disk-full"  # temporary: no room on the data or log volume
    CORRUPT = "corrupt"  # stored bytes fail their checksum
    WRONG_VERSION = "wrong-version"  # a database, log or settings file from another version
    UNSUPPORTED = "unsupported"  # a valid request for something we do not offer


TEMPORARY = frozenset(
    {
        FailureKind.OVER_QUOTA,
        FailureKind.TOO_MANY,
        FailureKind.LOCKED_OUT,
        FailureKind.IN_USE,
        FailureKind.UNAVAILABLE,
        FailureKind.DISK_FULL,
        FailureKind.CORRUPT,
    }
)
"""Kinds that may pass by themselves: the peer is told to try again later (SMTP 4xx)."""
