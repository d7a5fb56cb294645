"""Commands without arguments (RFC 9051 sections 6.1, 6.3.10, 6.3.13, 6.4)."""

from dataclasses import dataclass

from pillarbox.wire.imap.cursor import Cursor


@dataclass(slots=True, frozen=True)
class Capability:
    """CAPABILITY"""

    tag: bytes


@dataclass(slots=True, frozen=True)
class Noop:
    """NOOP"""

    tag: bytes


@dataclass(slots=True, frozen=True)
class Logout:
    """LOGOUT"""

    tag: bytes


@dataclass(slots=True, frozen=True)
class Unauthenticate:
    """UNAUTHENTICATE: the connection begins anew, but for TLS (RFC 8437)"""

    tag: bytes


@dataclass(slots=True, frozen=True)
class StartTls:
    """STARTTLS"""

    tag: bytes


@dataclass(slots=True, frozen=True)
class Check:
    """CHECK (RFC 3501 section 6.4.1)"""

    tag: bytes


@dataclass(slots=True, frozen=True)
class Close:
    """CLOSE: expunge silently, then deselect"""

    tag: bytes


@dataclass(slots=True, frozen=True)
class Unselect:
    """UNSELECT: deselect, without an expunge"""

    tag: bytes


@dataclass(slots=True, frozen=True)
class Namespaces:
    """NAMESPACE"""

    tag: bytes


@dataclass(slots=True, frozen=True)
class Idle:
    """IDLE: to be answered with `Continue`, or refused"""

    tag: bytes


def capability(tag: bytes, cursor: Cursor) -> Capability:
    """ "CAPABILITY" """
    cursor.end()
    return Capability(tag)


def noop(tag: bytes, cursor: Cursor) -> Noop:
    """ "NOOP" """
    cursor.end()
    return Noop(tag)


def logout(tag: bytes, cursor: Cursor) -> Logout:
    """ "LOGOUT" """
    cursor.end()
    return Logout(tag)


def unauthenticate(tag: bytes, cursor: Cursor) -> Unauthenticate:
    """ "UNAUTHENTICATE" """
    cursor.end()
    return Unauthenticate(tag)


def starttls(tag: bytes, cursor: Cursor) -> StartTls:
    """ "STARTTLS" """
    cursor.end()
    return StartTls(tag)


def check(tag: bytes, cursor: Cursor) -> Check:
    """ "CHECK" """
    cursor.end()
    return Check(tag)


def close(tag: bytes, cursor: Cursor) -> Close:
    """ "CLOSE" """
    cursor.end()
    return Close(tag)


def unselect(tag: bytes, cursor: Cursor) -> Unselect:
    """ "UNSELECT" """
    cursor.end()
    return Unselect(tag)


def namespace(tag: bytes, cursor: Cursor) -> Namespaces:
    """namespace-command = "NAMESPACE" """
    cursor.end()
    return Namespaces(tag)


def idle(tag: bytes, cursor: Cursor) -> Idle:
    """idle = "IDLE" CRLF "DONE" """
    cursor.end()
    return Idle(tag)
