"""From a kind of failure to IMAP's tagged NO (RFC 9051 section 7.1, RFC 5530, RFC 7889)."""

from collections.abc import Mapping
from types import MappingProxyType

from pillarbox.base.failure import FailureKind

CODES: Mapping[FailureKind, bytes] = MappingProxyType(
    {
        FailureKind.INVALID: b"CANNOT",
        FailureKind.NOT_FOUND: b"NONEXISTENT",
        FailureKind.ALREADY_EXISTS: b"ALREADYEXISTS",
        FailureKind.NOT_ALLOWED: b"NOPERM",
        FailureKind.RELAY_DENIED: b"NOPERM",
        FailureKind.TOO_LARGE: b"TOOBIG",
        FailureKind.OVER_QUOTA: b"OVERQUOTA",
        FailureKind.TOO_MANY: b"LIMIT",
        FailureKind.LOGIN_FAILED: b"AUTHENTICATIONFAILED",
        FailureKind.PRIVACY_REQUIRED: b"PRIVACYREQUIRED",
        FailureKind.LOCKED_OUT: b"UNAVAILABLE",  # right password or wrong: later
        FailureKind.DISABLED: b"CONTACTADMIN",
        FailureKind.IN_USE: b"INUSE",
        FailureKind.LOOP: b"CANNOT",
        FailureKind.UNAVAILABLE: b"UNAVAILABLE",
        FailureKind.DISK_FULL: b"UNAVAILABLE",
        FailureKind.CORRUPT: b"CORRUPTION",
        FailureKind.WRONG_VERSION: b"CONTACTADMIN",
        FailureKind.UNSUPPORTED: b"CANNOT",
    }
)
"""Every kind has a code; the answer is always NO."""

SERVER_BUG = b"SERVERBUG"
"""The code for what is no Failure at all but our own mistake."""


def code_for(kind: FailureKind, target: bool = False) -> bytes:
    """The response code for a failure; `target`: it concerns the mailbox that APPEND, COPY or MOVE put mail into.

    A missing target is TRYCREATE, which lets the client create it and try again (RFC 9051 section 6.3.12).
    """
    if target and kind is FailureKind.NOT_FOUND:
        return b"TRYCREATE"
    return CODES[kind]
