"""The state machine of POP3 as tables (RFC 1939 section 3): what is legal when, and where a reply leads.

`STATES` gives each state its timeout (RFC 1939 section 3 asks for ten minutes once somebody is logged in) and its
phrase for the log. `RULES` says for each keyword in which states it is legal, whether it ends a pipelined group
(RFC 2449 section 6.8: what changes the state, or the connection), and whether it may come before TLS where a login
needs it. `NEXT` says where a reply leads: what is not in it changes nothing.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class State(StrEnum):
    """Where a connection stands."""

    GREETING = "greeting"
    AUTHORIZATION = "authorization"
    USER = "user"
    AUTH = "auth"
    TRANSACTION = "transaction"
    TLS = "tls"
    ENDED = "ended"


class Verb(StrEnum):
    """What a reply may answer: the commands, and the greeting."""

    USER = "USER"
    PASS = "PASS"
    AUTH = "AUTH"
    CAPA = "CAPA"
    STLS = "STLS"
    UTF8 = "UTF8"
    STAT = "STAT"
    LIST = "LIST"
    UIDL = "UIDL"
    RETR = "RETR"
    TOP = "TOP"
    DELE = "DELE"
    RSET = "RSET"
    NOOP = "NOOP"
    QUIT = "QUIT"
    GREETING = "(greeting)"


class Outcome(StrEnum):
    """What kind of reply it was."""

    OK = "+OK"
    ERR = "-ERR"
    CONTINUE = "+"


class StateInfo(NamedTuple):
    """`timeout` in seconds, and what the log says the session was doing."""

    timeout: float
    phrase: str


STATES: Mapping[State, StateInfo] = {
    State.GREETING: StateInfo(60, "before the greeting"),
    State.AUTHORIZATION: StateInfo(180, "before login"),
    State.USER: StateInfo(180, "after USER"),
    State.AUTH: StateInfo(180, "during authentication"),
    State.TRANSACTION: StateInfo(600, "with the maildrop open"),
    State.TLS: StateInfo(60, "starting TLS"),
    State.ENDED: StateInfo(30, "closing"),
}

_BEFORE = frozenset({State.AUTHORIZATION, State.USER})
_OPEN = frozenset({State.TRANSACTION})
_ALWAYS = _BEFORE | _OPEN


class Rule(NamedTuple):
    """One keyword's row."""

    verb: Verb
    legal: frozenset[State]
    ends_group: bool
    before_tls: bool


_ROWS = (
    #    keyword    legal in                    ends group  before TLS
    Rule(Verb.USER, _BEFORE,                    False,      False),
    Rule(Verb.PASS, frozenset({State.USER}),    True,       False),
    Rule(Verb.AUTH, _BEFORE,                    True,       False),
    Rule(Verb.CAPA, _ALWAYS,                    False,      True),
    Rule(Verb.STLS, _BEFORE,                    True,       True),
    Rule(Verb.UTF8, _BEFORE,                    False,      True),
    Rule(Verb.STAT, _OPEN,                      False,      True),
    Rule(Verb.LIST, _OPEN,                      False,      True),
    Rule(Verb.UIDL, _OPEN,                      False,      True),
    Rule(Verb.RETR, _OPEN,                      False,      True),
    Rule(Verb.TOP,  _OPEN,                      False,      True),
    Rule(Verb.DELE, _OPEN,                      False,      True),
    Rule(Verb.RSET, _OPEN,                      False,      True),
    Rule(Verb.NOOP, _OPEN,                      False,      True),
    Rule(Verb.QUIT, _ALWAYS,                    True,       True),
)  # fmt: skip

RULES: Mapping[bytes, Rule] = {row.verb.value.encode(): row for row in _ROWS}

NEXT: Mapping[tuple[State, Verb, Outcome], State] = {
    (State.GREETING, Verb.GREETING, Outcome.OK): State.AUTHORIZATION,
    (State.GREETING, Verb.GREETING, Outcome.ERR): State.ENDED,
    (State.AUTHORIZATION, Verb.USER, Outcome.OK): State.USER,
    (State.USER, Verb.USER, Outcome.OK): State.USER,
    (State.USER, Verb.USER, Outcome.ERR): State.AUTHORIZATION,
    (State.USER, Verb.PASS, Outcome.OK): State.TRANSACTION,
    (State.USER, Verb.PASS, Outcome.ERR): State.AUTHORIZATION,
    (State.AUTHORIZATION, Verb.AUTH, Outcome.CONTINUE): State.AUTH,
    (State.AUTHORIZATION, Verb.AUTH, Outcome.OK): State.TRANSACTION,
    (State.USER, Verb.AUTH, Outcome.CONTINUE): State.AUTH,
    (State.USER, Verb.AUTH, Outcome.OK): State.TRANSACTION,
    (State.USER, Verb.AUTH, Outcome.ERR): State.AUTHORIZATION,
    (State.AUTH, Verb.AUTH, Outcome.OK): State.TRANSACTION,
    (State.AUTH, Verb.AUTH, Outcome.ERR): State.AUTHORIZATION,
    (State.AUTHORIZATION, Verb.STLS, Outcome.OK): State.TLS,
    (State.USER, Verb.STLS, Outcome.OK): State.TLS,
    (State.AUTHORIZATION, Verb.QUIT, Outcome.OK): State.ENDED,
    (State.AUTHORIZATION, Verb.QUIT, Outcome.ERR): State.ENDED,
    (State.USER, Verb.QUIT, Outcome.OK): State.ENDED,
    (State.USER, Verb.QUIT, Outcome.ERR): State.ENDED,
    (State.TRANSACTION, Verb.QUIT, Outcome.OK): State.ENDED,
    (State.TRANSACTION, Verb.QUIT, Outcome.ERR): State.ENDED,
}
"""(state, what was answered, outcome) -> the new state."""
