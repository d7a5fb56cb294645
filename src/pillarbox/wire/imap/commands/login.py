"""LOGIN (RFC 9051 section 6.2.3)."""

from dataclasses import dataclass, field

from pillarbox.wire.imap import grammar
from pillarbox.wire.imap.cursor import Cursor


@dataclass(slots=True, frozen=True)
class Login:
    """LOGIN; the password does not show in `repr`, so it cannot slip into a log."""

    tag: bytes
    user: str
    password: str = field(repr=False)


def login(tag: bytes, cursor: Cursor) -> Login:
    """login = "LOGIN" SP userid SP password; userid = astring; password = astring"""
    cursor.space()
    user = grammar.text(grammar.astring(cursor, "a user name"), "the user name")
    cursor.space()
    password = grammar.text(grammar.astring(cursor, "a password"), "the password")
    cursor.end()
    return Login(tag, user, password)
