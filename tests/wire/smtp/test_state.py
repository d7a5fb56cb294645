"""The tables, walked exhaustively: every verb in every state, every reply in every state."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from pillarbox.wire.smtp.replies import reply
from pillarbox.wire.smtp.state import NEXT, RULES, STATES, Role, State, Verb

ARGUMENTS = {
    "EHLO": b" c.test", "HELO": b" c.test", "LHLO": b" c.test", "AUTH": b" PLAIN", "MAIL": b" FROM:<a@b.test>",
    "RCPT": b" TO:<a@b.test>", "BDAT": b" 0", "VRFY": b" a", "EXPN": b" a",
}  # fmt: skip
WAYS: dict[State, bytes] = {
    State.START: b"",
    State.READY: b"EHLO c.test\r\n",
    State.MAIL: b"EHLO c.test\r\nMAIL FROM:<a@b.test>\r\n",
    State.RCPT: b"EHLO c.test\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<a@b.test>\r\n",
    State.BDAT: b"EHLO c.test\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<a@b.test>\r\nBDAT 1\r\nx",
}


BY_SMTP = {verb: rule for verb, rule in RULES.items() if not rule.by_lmtp}
LEGAL = [(verb, state) for verb, rule in BY_SMTP.items() for state in WAYS if state in rule.legal]


def command(rule_verb: str) -> bytes:
    return rule_verb.encode() + ARGUMENTS.get(rule_verb, b"") + b"\r\n"


def go(desk: Any, state: State) -> None:
    """Leads a session to a state, one command at a time."""
    for line in WAYS[state].splitlines(keepends=True):
        desk.say(line)
    assert desk.session.state is state


def test_every_state_has_a_timeout_and_a_phrase() -> None:
    assert set(STATES) == set(State)
    assert all(info.timeout > 0 and info.phrase for info in STATES.values())


def test_every_command_has_a_rule_and_every_state_is_used() -> None:
    moments = {Verb.GREETING, Verb.BODY}
    assert {rule.verb for rule in RULES.values()} == set(Verb) - moments
    reached = {State.GREETING, State.CHUNK} | set(NEXT.values())
    assert reached == set(State)


@pytest.mark.parametrize(("verb", "state"), list(itertools.product(sorted(RULES), WAYS)))
def test_verbs_are_legal_exactly_where_the_table_says(desk: Callable, verb: bytes, state: State) -> None:
    rule = RULES[verb]
    d = desk(Role.SMTP, hello=False, starttls=True, auth_mechanisms=("PLAIN",), tls_required_for_auth=False)
    go(d, state)
    codes = d.codes(command(rule.verb))
    if rule.by_lmtp:
        assert codes == ["500 5.5.1"]
    elif state in rule.legal:
        assert codes[0][0] in "23" or rule.verb is Verb.EXPN
    else:
        assert codes == ["503 5.5.1"]
        assert d.session.state is state


@pytest.mark.parametrize("verb", [verb for verb, state in LEGAL if state is State.READY])
def test_before_tls_and_before_authentication(desk: Callable, verb: bytes) -> None:
    rule = RULES[verb]
    d = desk(Role.SUBMISSION, starttls=True, tls_required=True, auth_mechanisms=("PLAIN",), auth_required=True)
    assert (d.codes(command(rule.verb)) == ["530 5.7.0"]) == (not rule.before_tls)
    d = desk(Role.SUBMISSION, auth_mechanisms=("PLAIN",), auth_required=True, tls_required_for_auth=False)
    assert (d.codes(command(rule.verb)) == ["530 5.7.0"]) == (not rule.before_auth)


@pytest.mark.parametrize("code", [250, 354, 451, 550])
@pytest.mark.parametrize(("verb", "state"), LEGAL)
def test_replies_lead_exactly_where_the_table_says(desk: Callable, verb: bytes, state: State, code: int) -> None:
    rule = RULES[verb]
    d = desk(Role.SMTP, hello=False, starttls=True, auth_mechanisms=("PLAIN",), tls_required_for_auth=False)
    go(d, state)
    d.session.receive_data(command(rule.verb))
    d.session.next_event()
    d.session.send(reply(code, "", "x"))
    assert d.session.state is NEXT.get((state, rule.verb, code // 100), state)


@pytest.mark.parametrize("verb", BY_SMTP)
def test_input_behind_a_command_that_ends_a_group_is_noticed(desk: Callable, verb: bytes) -> None:
    rule = RULES[verb]
    state = State.RCPT if State.RCPT in rule.legal else next(iter(rule.legal))
    d = desk(Role.SMTP, hello=False, starttls=True, auth_mechanisms=("PLAIN",), tls_required_for_auth=False)
    go(d, state)
    d.session.receive_data(command(rule.verb) + b"more")
    d.session.next_event()
    assert d.session.early_input == rule.ends_group


def test_timeouts_can_be_set(desk: Callable) -> None:
    d = desk(timeouts={State.READY: 7.5})
    assert (d.session.timeout, d.session.phrase) == (7.5, "between transactions")
    d.say(b"MAIL FROM:<a@b.test>\r\n")
    assert (d.session.timeout, d.session.phrase) == (300, "after MAIL")
