"""The states of an IMAP connection: which command is legal where, and which answer moves where (RFC 9051 section 3).

`RULES` is the one table. A command's tagged OK moves to `ok`, its NO to `no`; None means: stay. BAD never moves.
`WAITS` gives each state, and each phase within it, how long it waits for the client and its phrase for the log.
"""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple


class State(Enum):
    """Where a connection stands."""

    NOT_AUTHENTICATED = "not authenticated"
    AUTHENTICATED = "authenticated"
    SELECTED = "selected"
    LOGOUT = "logout"


class Phase(Enum):
    """What the client's next octets are."""

    COMMAND = "command"
    AUTHENTICATING = "authenticating"  # a SASL response
    IDLING = "idling"  # DONE
    APPENDING = "appending"  # a message


class Rule(NamedTuple):
    """Where a command is legal, and where OK and NO lead (None: nowhere else).

    `holds_expunges`: no EXPUNGE response may be sent while it is in progress (RFC 9051 section 7.5.1).
    """

    legal: frozenset[State]
    ok: State | None = None
    no: State | None = None
    holds_expunges: bool = False


class Wait(NamedTuple):
    """How long, in seconds, and the phrase for the log."""

    timeout: float
    phrase: str


_FRESH = frozenset({State.NOT_AUTHENTICATED})
_IN = frozenset({State.AUTHENTICATED, State.SELECTED})
_SELECTED = frozenset({State.SELECTED})
_ANY = _FRESH | _IN

RULES: Mapping[bytes, Rule] = MappingProxyType(
    {
        b"CAPABILITY": Rule(_ANY),
        b"NOOP": Rule(_ANY),
        b"ID": Rule(_ANY),
        b"LOGOUT": Rule(_ANY, ok=State.LOGOUT),
        b"STARTTLS": Rule(_FRESH),
        b"AUTHENTICATE": Rule(_FRESH, ok=State.AUTHENTICATED),
        b"LOGIN": Rule(_FRESH, ok=State.AUTHENTICATED),
        b"ENABLE": Rule(_IN),
        b"UNAUTHENTICATE": Rule(_IN, ok=State.NOT_AUTHENTICATED),
        b"SELECT": Rule(_IN, ok=State.SELECTED, no=State.AUTHENTICATED),
        b"EXAMINE": Rule(_IN, ok=State.SELECTED, no=State.AUTHENTICATED),
        b"CREATE": Rule(_IN),
        b"DELETE": Rule(_IN),
        b"RENAME": Rule(_IN),
        b"SUBSCRIBE": Rule(_IN),
        b"UNSUBSCRIBE": Rule(_IN),
        b"LIST": Rule(_IN),
        b"LSUB": Rule(_IN),
        b"NAMESPACE": Rule(_IN),
        b"STATUS": Rule(_IN),
        b"APPEND": Rule(_IN),
        b"IDLE": Rule(_IN),
        b"GETQUOTA": Rule(_IN),
        b"GETQUOTAROOT": Rule(_IN),
        b"SETQUOTA": Rule(_IN),
        b"CHECK": Rule(_SELECTED),
        b"CLOSE": Rule(_SELECTED, ok=State.AUTHENTICATED),
        b"UNSELECT": Rule(_SELECTED, ok=State.AUTHENTICATED),
        b"EXPUNGE": Rule(_SELECTED),
        b"REPLACE": Rule(_SELECTED),
        b"SEARCH": Rule(_SELECTED, holds_expunges=True),
        b"SORT": Rule(_SELECTED, holds_expunges=True),
        b"THREAD": Rule(_SELECTED, holds_expunges=True),
        b"ESEARCH": Rule(_IN),
        b"CANCELUPDATE": Rule(_SELECTED),
        b"FETCH": Rule(_SELECTED, holds_expunges=True),
        b"STORE": Rule(_SELECTED, holds_expunges=True),
        b"COPY": Rule(_SELECTED),
        b"MOVE": Rule(_SELECTED),
        b"UID EXPUNGE": Rule(_SELECTED),
        b"UID REPLACE": Rule(_SELECTED),
        b"UID SEARCH": Rule(_SELECTED),
        b"UID SORT": Rule(_SELECTED),
        b"UID THREAD": Rule(_SELECTED),
        b"UID FETCH": Rule(_SELECTED),
        b"UID STORE": Rule(_SELECTED),
        b"UID COPY": Rule(_SELECTED),
        b"UID MOVE": Rule(_SELECTED),
    }
)

WAITS: Mapping[State | Phase, Wait] = MappingProxyType(
    {
        State.NOT_AUTHENTICATED: Wait(120, "waiting for login"),
        State.AUTHENTICATED: Wait(1800, "waiting for a command"),
        State.SELECTED: Wait(1800, "waiting for a command, mailbox selected"),
        State.LOGOUT: Wait(30, "closing"),
        Phase.AUTHENTICATING: Wait(120, "waiting for a SASL response"),
        Phase.IDLING: Wait(1800, "idling"),
        Phase.APPENDING: Wait(300, "receiving a message"),
    }
)
"""A phase's entry goes before its state's. At least 30 minutes once logged in (RFC 9051 section 5.4)."""
