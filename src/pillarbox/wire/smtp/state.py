"""The state machine of SMTP, submission and LMTP as tables: everything that decides what is legal and where a reply
leads is here.

`STATES` gives each state its timeout (RFC 5321 section 4.5.3.2) and its phrase for the log. `RULES` says for each
verb in which states it is legal, whether it ends a pipelined group (RFC 2920 section 3.1), and whether it is allowed
before TLS and before authentication where those are required. `NEXT` says where a reply leads: what is not in
it changes nothing.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class Role(StrEnum):
    """Which of the three the server speaks."""

    SMTP = "smtp"
    SUBMISSION = "submission"
    LMTP = "lmtp"


class State(StrEnum):
    """Where a connection stands."""

    GREETING = "greeting"
    REFUSED = "refused"
    START = "start"
    READY = "ready"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    CHUNK = "chunk"
    BDAT = "bdat"
    TLS = "tls"
    ENDED = "ended"


class Verb(StrEnum):
    """What a reply may answer: the commands, and from GREETING on the moments that are none."""

    EHLO = "EHLO"
    HELO = "HELO"
    LHLO = "LHLO"
    STARTTLS = "STARTTLS"
    AUTH = "AUTH"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    BDAT = "BDAT"
    RSET = "RSET"
    VRFY = "VRFY"
    EXPN = "EXPN"
    HELP = "HELP"
    NOOP = "NOOP"
    QUIT = "QUIT"
    GREETING = "(greeting)"
    BODY = "(body)"


class StateInfo(NamedTuple):
    """`timeout` in seconds, and what the log says the session was doing."""

    timeout: float
    phrase: str


STATES: Mapping[State, StateInfo] = {
    State.GREETING: StateInfo(300, "before the greeting"),
    State.REFUSED: StateInfo(60, "after a refusing greeting"),
    State.START: StateInfo(300, "before hello"),
    State.READY: StateInfo(300, "between transactions"),
    State.AUTH: StateInfo(180, "during authentication"),
    State.MAIL: StateInfo(300, "after MAIL"),
    State.RCPT: StateInfo(300, "after RCPT"),
    State.DATA: StateInfo(300, "receiving the message"),
    State.CHUNK: StateInfo(300, "receiving a chunk"),
    State.BDAT: StateInfo(300, "between chunks"),
    State.TLS: StateInfo(60, "starting TLS"),
    State.ENDED: StateInfo(30, "closing"),
}

_HELLO_STATES = frozenset({State.START, State.READY, State.MAIL, State.RCPT, State.BDAT})
_READY = frozenset({State.READY})


class Rule(NamedTuple):
    """One verb's row. `by_lmtp` is None where SMTP and LMTP both have it, else which of them does."""

    verb: Verb
    legal: frozenset[State]
    ends_group: bool
    before_tls: bool
    before_auth: bool
    by_lmtp: bool | None = None


_ROWS = (
    #    verb           legal in                                  ends group  before TLS  before AUTH
    Rule(Verb.EHLO,     _HELLO_STATES,                            True,       True,       True,  False),
    Rule(Verb.HELO,     _HELLO_STATES,                            True,       True,       True,  False),
    Rule(Verb.LHLO,     _HELLO_STATES,                            True,       True,       True,  True),
    Rule(Verb.STARTTLS, _READY,                                   True,       True,       True),
    Rule(Verb.AUTH,     _READY,                                   True,       False,      True),
    Rule(Verb.MAIL,     _READY,                                   False,      False,      False),
    Rule(Verb.RCPT,     frozenset({State.MAIL, State.RCPT}),      False,      False,      False),
    Rule(Verb.DATA,     frozenset({State.RCPT}),                  True,       False,      False),
    Rule(Verb.BDAT,     frozenset({State.RCPT, State.BDAT}),      False,      False,      False),
    Rule(Verb.RSET,     _HELLO_STATES,                            False,      False,      True),
    Rule(Verb.VRFY,     _HELLO_STATES,                            True,       False,      False),
    Rule(Verb.EXPN,     _HELLO_STATES,                            True,       False,      False),
    Rule(Verb.HELP,     _HELLO_STATES,                            False,      False,      True),
    Rule(Verb.NOOP,     _HELLO_STATES,                            True,       True,       True),
    Rule(Verb.QUIT,     _HELLO_STATES | {State.REFUSED},          True,       True,       True),
)  # fmt: skip

RULES: Mapping[bytes, Rule] = {row.verb.value.encode(): row for row in _ROWS}

_REFUSALS = (4, 5)
_TRANSACTION = (State.MAIL, State.RCPT, State.BDAT)


class _Move(NamedTuple):
    """Replies to `verb` whose code begins with one of `digits` lead from each of `sources` to `target`."""

    verb: Verb
    digits: tuple[int, ...]
    sources: tuple[State, ...]
    target: State


_MOVES = (
    _Move(Verb.GREETING, (2,), (State.GREETING,), State.START),
    _Move(Verb.GREETING, (5,), (State.GREETING,), State.REFUSED),
    _Move(Verb.GREETING, (4,), (State.GREETING,), State.ENDED),
    _Move(Verb.EHLO, (2,), tuple(_HELLO_STATES), State.READY),
    _Move(Verb.HELO, (2,), tuple(_HELLO_STATES), State.READY),
    _Move(Verb.LHLO, (2,), tuple(_HELLO_STATES), State.READY),
    _Move(Verb.STARTTLS, (2,), (State.READY,), State.TLS),
    _Move(Verb.AUTH, (3,), (State.READY, State.AUTH), State.AUTH),
    _Move(Verb.AUTH, (2, *_REFUSALS), (State.READY, State.AUTH), State.READY),
    _Move(Verb.MAIL, (2,), (State.READY,), State.MAIL),
    _Move(Verb.RCPT, (2,), (State.MAIL, State.RCPT), State.RCPT),
    _Move(Verb.DATA, (3,), (State.RCPT,), State.DATA),
    _Move(Verb.BDAT, (2,), (State.RCPT, State.BDAT), State.BDAT),
    _Move(Verb.BDAT, _REFUSALS, (State.RCPT, State.BDAT), State.READY),
    _Move(Verb.BODY, (2, *_REFUSALS), (State.DATA, State.RCPT, State.BDAT), State.READY),
    _Move(Verb.RSET, (2,), _TRANSACTION, State.READY),
    _Move(Verb.QUIT, (2, *_REFUSALS), (*_HELLO_STATES, State.REFUSED), State.ENDED),
)

NEXT: Mapping[tuple[State, Verb, int], State] = {
    (source, move.verb, digit): move.target for move in _MOVES for source in move.sources for digit in move.digits
}
"""(state, what was answered, first digit of the reply) -> the new state."""
