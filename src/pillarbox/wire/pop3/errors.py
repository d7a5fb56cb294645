"""What POP3 answers for each kind of failure: the one table (RFC 2449 section 8.1, RFC 3206).

SYS/TEMP may pass by itself, SYS/PERM needs an administrator, AUTH is about the credentials, IN-USE is another
session; "" is the client's own request, which has no response code. LOGIN-DELAY is a handler's own answer, since
no failure means it.
"""

from collections.abc import Mapping

from pillarbox.base.failure import FailureKind
from pillarbox.wire.pop3.replies import Err

CODES: Mapping[FailureKind, str] = {
    FailureKind.INVALID: "",
    FailureKind.NOT_FOUND: "",
    FailureKind.ALREADY_EXISTS: "",
    FailureKind.NOT_ALLOWED: "AUTH",
    FailureKind.RELAY_DENIED: "SYS/PERM",
    FailureKind.TOO_LARGE: "",
    FailureKind.OVER_QUOTA: "SYS/TEMP",
    FailureKind.TOO_MANY: "SYS/TEMP",
    FailureKind.LOGIN_FAILED: "AUTH",
    FailureKind.PRIVACY_REQUIRED: "AUTH",
    FailureKind.LOCKED_OUT: "SYS/TEMP",
    FailureKind.DISABLED: "AUTH",
    FailureKind.IN_USE: "IN-USE",
    FailureKind.LOOP: "SYS/PERM",
    FailureKind.UNAVAILABLE: "SYS/TEMP",
    FailureKind.DISK_FULL: "SYS/TEMP",
    FailureKind.CORRUPT: "SYS/TEMP",
    FailureKind.WRONG_VERSION: "SYS/PERM",
    FailureKind.UNSUPPORTED: "",
}


def failure_reply(kind: FailureKind, public: str) -> Err:
    """The reply for a failure; `public` is the sentence that the peer may read."""
    return Err(CODES[kind], public)
