"""What SMTP and LMTP answer for each kind of failure: the one table (RFC 5321 section 4.2.3, RFC 3463).

Temporary kinds are 4xx. So is WRONG_VERSION: a mistake of our administrator must not bounce anybody's mail.
"""

from collections.abc import Mapping
from typing import NamedTuple

from pillarbox.base.failure import FailureKind
from pillarbox.wire.smtp.replies import Reply, reply


class Codes(NamedTuple):
    """A reply code and the enhanced code that goes with it."""

    code: int
    enhanced: str


CODES: Mapping[FailureKind, Codes] = {
    FailureKind.INVALID: Codes(554, "5.6.0"),
    FailureKind.NOT_FOUND: Codes(550, "5.1.1"),
    FailureKind.ALREADY_EXISTS: Codes(554, "5.3.0"),
    FailureKind.NOT_ALLOWED: Codes(550, "5.7.1"),
    FailureKind.RELAY_DENIED: Codes(550, "5.7.1"),
    FailureKind.TOO_LARGE: Codes(552, "5.3.4"),
    FailureKind.OVER_QUOTA: Codes(452, "4.2.2"),
    FailureKind.TOO_MANY: Codes(452, "4.5.3"),
    FailureKind.LOGIN_FAILED: Codes(535, "5.7.8"),
    FailureKind.PRIVACY_REQUIRED: Codes(530, "5.7.0"),
    FailureKind.LOCKED_OUT: Codes(454, "4.7.0"),
    FailureKind.DISABLED: Codes(550, "5.2.1"),
    FailureKind.IN_USE: Codes(450, "4.2.1"),
    FailureKind.LOOP: Codes(554, "5.4.6"),
    FailureKind.UNAVAILABLE: Codes(451, "4.3.0"),
    FailureKind.DISK_FULL: Codes(452, "4.3.1"),
    FailureKind.CORRUPT: Codes(451, "4.3.0"),
    FailureKind.WRONG_VERSION: Codes(451, "4.3.5"),
    FailureKind.UNSUPPORTED: Codes(554, "5.3.3"),
}


def failure_reply(kind: FailureKind, public: str) -> Reply:
    """The reply for a failure; `public` is the sentence that the peer may read."""
    codes = CODES[kind]
    return reply(codes.code, codes.enhanced, public)
