"""The tables, walked exhaustively: every keyword in every state, every reply in every state."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from pillarbox.wire.pop3.replies import Continue, Err, Ok, Reply
from pillarbox.wire.pop3.state import NEXT, RULES, STATES, Outcome, State, Verb

ARGUMENTS = {"USER": b" bob", "PASS": b" secret", "AUTH": b" PLAIN", "RETR": b" 1", "DELE": b" 1", "TOP": b" 1 1"}
WAYS: dict[State, bytes] = {
    State.AUTHORIZATION: b"",
    State.USER: b"USER bob\r\n",
    State.TRANSACTION: b"USER bob\r\nPASS secret\r\n",
}
LEGAL = [(verb, state) for verb, rule in RULES.items() for state in WAYS if state in rule.legal]
OUTCOMES: list[tuple[Outcome, Reply]] = [
    (Outcome.OK, Ok()),
    (Outcome.ERR, Err("", "No")),
    (Outcome.CONTINUE, Continue(b"")),
]


def go(desk: Any, state: State) -> None:
    """Leads a session to a state."""
    if WAYS[state]:
        desk.say(WAYS[state])
    assert desk.session.state is state


def command(verb: Verb) -> bytes:
    return verb.encode() + ARGUMENTS.get(verb, b"") + b"\r\n"


def test_every_state_has_a_timeout_and_a_phrase() -> None:
    assert set(STATES) == set(State)
    assert all(info.timeout > 0 and info.phrase for info in STATES.values())
    assert STATES[State.TRANSACTION].timeout >= 600


def test_every_command_has_a_rule_and_every_state_is_reached() -> None:
    assert {rule.verb for rule in RULES.values()} == set(Verb) - {Verb.GREETING}
    assert {State.GREETING} | set(NEXT.values()) == set(State)


@pytest.mark.parametrize(("verb", "state"), list(itertools.product(sorted(RULES), WAYS)))
def test_keywords_are_legal_exactly_where_the_table_says(desk: Callable, verb: bytes, state: State) -> None:
    rule = RULES[verb]
    d = desk(starttls=True, auth_mechanisms=("PLAIN",))
    go(d, state)
    answer = d.say(command(rule.verb))
    assert answer.startswith("+") == (state in rule.legal)
    if state not in rule.legal:
        assert d.session.state is state


@pytest.mark.parametrize(("outcome", "reply"), OUTCOMES)
@pytest.mark.parametrize(("verb", "state"), LEGAL)
def test_replies_lead_exactly_where_the_table_says(
    desk: Callable, verb: bytes, state: State, outcome: Outcome, reply: Reply
) -> None:
    d = desk(starttls=True, auth_mechanisms=("PLAIN",))
    go(d, state)
    d.session.receive_data(command(RULES[verb].verb))
    d.session.next_event()
    d.session.send(reply)
    assert d.session.state is NEXT.get((state, RULES[verb].verb, outcome), state)


@pytest.mark.parametrize("verb", [verb for verb, state in LEGAL if state is State.AUTHORIZATION])
def test_before_tls(desk: Callable, verb: bytes) -> None:
    rule = RULES[verb]
    d = desk(starttls=True, auth_mechanisms=("PLAIN",), tls_required_for_auth=True)
    assert ("STLS first" in d.say(command(rule.verb))) == (not rule.before_tls)


@pytest.mark.parametrize(("verb", "state"), LEGAL)
def test_input_behind_a_command_that_ends_a_group_is_noticed(desk: Callable, verb: bytes, state: State) -> None:
    rule = RULES[verb]
    d = desk(starttls=True, auth_mechanisms=("PLAIN",))
    go(d, state)
    before = d.session.early_input
    d.session.receive_data(command(rule.verb) + b"more")
    d.session.next_event()
    assert d.session.early_input - before == rule.ends_group
