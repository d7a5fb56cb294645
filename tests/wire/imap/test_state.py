"""The table of states: complete, and walked from one end to the other."""

import pytest

from pillarbox.wire.imap.commands.table import PARSERS, STREAMING, head
from pillarbox.wire.imap.config import ImapConfig
from pillarbox.wire.imap.replies import Tagged
from pillarbox.wire.imap.responses import Status
from pillarbox.wire.imap.session import ImapSession
from pillarbox.wire.imap.state import RULES, WAITS, Phase, State
from pillarbox.wire.session import ProtocolError

EXAMPLES = {
    b"ID": b"NIL", b"AUTHENTICATE": b"PLAIN", b"LOGIN": b"a b", b"ENABLE": b"X", b"SELECT": b"x", b"EXAMINE": b"x",
    b"CREATE": b"x", b"DELETE": b"x", b"RENAME": b"x y", b"SUBSCRIBE": b"x", b"UNSUBSCRIBE": b"x", b"LIST": b'"" %',
    b"LSUB": b'"" %', b"STATUS": b"x (MESSAGES)", b"APPEND": b"x {3}", b"GETQUOTA": b"x", b"GETQUOTAROOT": b"x",
    b"SETQUOTA": b"x ()", b"SEARCH": b"ALL", b"SORT": b"(DATE) UTF-8 ALL",
    b"THREAD": b"REFS UTF-8 ALL", b"ESEARCH": b"ALL", b"CANCELUPDATE": b'"a"', b"UID SORT": b"(DATE) UTF-8 ALL",
    b"UID THREAD": b"REFS UTF-8 ALL", b"FETCH": b"1 FLAGS", b"STORE": b"1 FLAGS ()", b"COPY": b"1 x",
    b"MOVE": b"1 x", b"UID EXPUNGE": b"1", b"UID SEARCH": b"ALL", b"UID FETCH": b"1 FLAGS", b"UID STORE": b"1 FLAGS ()",
    b"UID COPY": b"1 x", b"UID MOVE": b"1 x", b"REPLACE": b"1 x {3}", b"UID REPLACE": b"1 x {3}",
}  # fmt: skip
LIVE = [State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED]


def test_every_command_has_a_rule_and_a_parser():
    assert set(PARSERS) | set(STREAMING) == set(RULES)


def test_every_state_and_phase_has_a_wait():
    assert set(WAITS) == set(State) | set(Phase) - {Phase.COMMAND}
    assert all(wait.timeout > 0 and wait.phrase for wait in WAITS.values())
    assert WAITS[State.AUTHENTICATED].timeout >= 1800
    assert WAITS[Phase.IDLING].timeout >= 1800


@pytest.mark.parametrize("state", LIVE)
@pytest.mark.parametrize("verb", sorted(RULES))
@pytest.mark.parametrize("status", list(Status))
def test_every_command_in_every_state_with_every_answer(state, verb, status):
    session = ImapSession(ImapConfig(plaintext_login=True))
    session.state = state
    rule = RULES[verb]
    session.receive_data(b"t " + verb + b" " * (verb in EXAMPLES) + EXAMPLES.get(verb, b"") + b"\r\n")
    event = session.next_event()
    if state not in rule.legal:
        assert isinstance(event, ProtocolError)
        assert event.answer.startswith(b"t BAD " + verb)
        assert session.state is state
        return
    assert event.tag == b"t"
    answer = session.send(Tagged(b"t", status, "done"))
    assert answer == b"t " + status.value + b" done\r\n"
    moved = {Status.OK: rule.ok, Status.NO: rule.no, Status.BAD: None}[status]
    assert session.state is (moved or state)
    assert session.closing is (verb == b"LOGOUT" and status is Status.OK)
    assert session.starting_tls is (verb == b"STARTTLS" and status is Status.OK)


def test_a_refused_select_deselects():
    assert RULES[b"SELECT"].no is State.AUTHENTICATED
    assert RULES[b"EXAMINE"].no is State.AUTHENTICATED


def test_the_examples_are_right():
    for verb, arguments in EXAMPLES.items():
        if verb not in STREAMING:
            start = head(b"a " + verb + b" " + arguments)
            assert PARSERS[verb](start.tag, start.cursor).tag == b"a"
