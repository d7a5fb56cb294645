"""The session: literals, streaming, exchanges, limits, and the moments when a client vanishes."""

import pytest

from pillarbox.wire.imap.commands.authenticate import Authenticate
from pillarbox.wire.imap.commands.login import Login
from pillarbox.wire.imap.commands.names import Delete
from pillarbox.wire.imap.commands.select import Select
from pillarbox.wire.imap.commands.simple import Idle, Logout, Noop, StartTls
from pillarbox.wire.imap.config import ImapConfig
from pillarbox.wire.imap.replies import (
    AuthenticateCancelled,
    AuthenticateResponse,
    Bye,
    Challenge,
    Continue,
    Greeting,
    IdleDone,
    ImapEvent,
    ImapReply,
    LiteralAnnounced,
    Tagged,
    Untagged,
)
from pillarbox.wire.imap.responses import Status
from pillarbox.wire.imap.session import ImapSession
from pillarbox.wire.imap.state import State
from pillarbox.wire.session import CLOSED, NEED_DATA, ProtocolError, Session, TlsInfo

OK, NO, BAD = Status


def fresh(state=State.AUTHENTICATED, **settings):
    session = ImapSession(ImapConfig(**{"plaintext_login": True, **settings}))
    session.state = state
    return session


def after(session, data):
    session.receive_data(data)
    return session.next_event()


def test_it_is_a_session():
    session: Session[ImapEvent, ImapReply] = fresh()
    assert session.next_event() is NEED_DATA


def test_pipelined_commands_come_one_by_one():
    session = fresh()
    assert after(session, b"a NOOP\r\nb NOOP\r\n") == Noop(b"a")
    assert session.next_event() is NEED_DATA
    assert session.send(Tagged(b"a", OK, "done")) == b"a OK done\r\n"
    assert session.next_event() == Noop(b"b")


def test_an_answer_nobody_waits_for_is_a_mistake():
    session = fresh()
    for reply in (Tagged(b"a", OK, "x"), Continue(), Challenge(b"")):
        with pytest.raises(ValueError):
            session.send(reply)
    after(session, b"a NOOP\r\n")
    with pytest.raises(ValueError):
        session.send(Tagged(b"b", OK, "x"))


def test_untagged_responses_go_through():
    assert fresh().send(Untagged(b"* 1 EXISTS\r\n")) == b"* 1 EXISTS\r\n"


def test_greeting():
    session = ImapSession(ImapConfig())
    assert session.send(Greeting("hello")) == (
        b"* OK [CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID ENABLE IDLE STARTTLS LOGINDISABLED] hello\r\n"
    )


# Literals


def test_a_synchronising_literal_is_asked_for():
    session = fresh()
    assert after(session, b"a DELETE {3}\r\n") == LiteralAnnounced(b"a", 3)
    assert session.next_event() is NEED_DATA
    assert session.send(Continue()) == b"+ OK\r\n"
    assert after(session, b"a b\r\n") == Delete(b"a", "a b")


def test_it_may_be_refused_and_moves_nothing():
    session = fresh(State.SELECTED)
    after(session, b"a SELECT {3}\r\n")
    assert session.send(Tagged(b"a", NO, "not now")) == b"a NO not now\r\n"
    assert session.state is State.SELECTED
    assert after(session, b"b NOOP\r\n") == Noop(b"b")


def test_a_non_synchronising_literal_is_just_taken():
    assert after(fresh(), b"a DELETE {3+}\r\na b\r\n") == Delete(b"a", "a b")


@pytest.mark.parametrize("plus", [b"", b"+"])
def test_literals_are_limited(plus):
    session = fresh(max_literals=10)
    error = after(session, b"a DELETE {11" + plus + b"}\r\n" + (b"x" * 11 + b"\r\n" if plus else b"") + b"b NOOP\r\n")
    assert error == ProtocolError(b"a BAD [TOOBIG] literals above 10 octets\r\n", "literals above 10 octets")
    assert session.next_event() == Noop(b"b")


def test_literals_are_limited_together():
    session = fresh(max_literals=10)
    error = after(session, b"a RENAME {6+}\r\nxxxxxx {5+}\r\nxxxxx\r\nb NOOP\r\n")
    assert error.answer.startswith(b"a BAD [TOOBIG]")
    assert session.next_event() == Noop(b"b")


def test_before_login_the_limit_is_lower():
    session = fresh(State.NOT_AUTHENTICATED, max_literals_before_login=10)
    assert after(session, b"a LOGIN {11}\r\n").answer.startswith(b"a BAD [TOOBIG]")


def test_literal_minus():
    session = fresh(literal_minus=True)
    assert after(session, b"a DELETE {4097+}\r\n").answer.startswith(b"a BAD [TOOBIG]")
    session.receive_data(b"x" * 4097 + b"\r\n")
    assert after(session, b"a DELETE {4097}\r\n") == LiteralAnnounced(b"a", 4097)


def test_a_literal_in_the_wrong_place_is_refused_before_it_comes():
    session = fresh(State.NOT_AUTHENTICATED)
    assert after(session, b"a SELECT {3}\r\n").answer.startswith(b"a BAD SELECT is not possible")
    assert after(session, b"a FOO {3+}\r\nabc\r\n").answer == b"a BAD unknown command\r\n"
    assert after(session, b"a LOGIN ~{3}\r\n").answer.startswith(b"a BAD a literal8")
    assert after(session, b"b NOOP\r\n") == Noop(b"b")


# Authentication


def test_authenticate_with_an_exchange():
    session = fresh(State.NOT_AUTHENTICATED)
    assert after(session, b"a AUTHENTICATE PLAIN\r\n") == Authenticate(b"a", "PLAIN", None)
    assert session.send(Challenge(b"")) == b"+ \r\n"
    assert session.phrase == "waiting for a SASL response"
    assert after(session, b"AGEAYg==\r\n") == AuthenticateResponse(b"a", b"\0a\0b")
    assert session.send(Challenge(b"v=x")) == b"+ dj14\r\n"
    assert after(session, b"\r\n") == AuthenticateResponse(b"a", b"")
    session.send(Tagged(b"a", OK, "welcome"))
    assert session.state is State.AUTHENTICATED


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"*", "cancelled by the client"),
        (b"YQ", "not in base64"),
        (b"{3}", "not in base64"),
        (b"Y" * 70_000, "not in base64"),
    ],
)
def test_an_exchange_may_be_cancelled(line, reason):
    session = fresh(State.NOT_AUTHENTICATED)
    after(session, b"a AUTHENTICATE PLAIN\r\n")
    session.send(Challenge(b""))
    assert after(session, line + b"\r\nb NOOP\r\n") == AuthenticateCancelled(b"a", reason)
    session.send(Tagged(b"a", BAD, reason))
    assert session.state is State.NOT_AUTHENTICATED
    assert session.next_event() == Noop(b"b")


def test_an_unknown_mechanism():
    error = after(fresh(State.NOT_AUTHENTICATED), b"a AUTHENTICATE GSSAPI\r\n")
    assert error.answer == b"a NO [CANNOT] SASL mechanism not supported\r\n"


@pytest.mark.parametrize("command", [b"LOGIN a b", b"AUTHENTICATE PLAIN AGEAYg==", b"LOGIN {3}"])
def test_no_password_before_tls(command):
    session = fresh(State.NOT_AUTHENTICATED, plaintext_login=False)
    assert after(session, b"a " + command + b"\r\n").answer == b"a NO [PRIVACYREQUIRED] log in over TLS only\r\n"
    session.tls_started(TlsInfo("TLSv1.3", "x", b""))
    assert not isinstance(after(session, b"a " + command + b"\r\n"), ProtocolError)


def test_tls_drops_what_was_sent_before():
    session = fresh(State.NOT_AUTHENTICATED)
    assert after(session, b"a STARTTLS\r\nb LOGIN x y\r\n") == StartTls(b"a")
    assert session.send(Tagged(b"a", OK, "begin")) == b"a OK begin\r\n"
    assert session.starting_tls
    assert after(session, b"c LOGIN x y\r\n") is NEED_DATA
    session.tls_started(TlsInfo("TLSv1.3", "x", b""))
    assert not session.starting_tls
    assert after(session, b"d NOOP\r\n") == Noop(b"d")
    session.send(Tagged(b"d", OK, "done"))
    assert after(session, b"e STARTTLS\r\n").answer == b"e BAD TLS is already on\r\n"


def test_tls_that_is_not_there():
    assert after(fresh(State.NOT_AUTHENTICATED, tls_available=False), b"a STARTTLS\r\n").answer.startswith(b"a BAD")


# IDLE


def test_idle():
    session = fresh()
    assert after(session, b"a IDLE\r\nDONE\r\nb NOOP\r\n") == Idle(b"a")
    assert session.send(Continue("idling")) == b"+ idling\r\n"
    assert session.idling
    assert session.phrase == "idling"
    assert session.next_event() == IdleDone(b"a")
    assert not session.idling
    session.send(Tagged(b"a", OK, "done"))
    assert session.next_event() == Noop(b"b")


def test_idle_ended_by_something_else():
    session = fresh()
    after(session, b"a IDLE\r\n")
    session.send(Continue("idling"))
    assert after(session, b"b NOOP {3}\r\n") == IdleDone(b"a", "DONE expected")
    assert session.send(Tagged(b"a", BAD, "DONE expected")) == b"a BAD DONE expected\r\n"
    assert after(session, b"c NOOP\r\n") == Noop(b"c")


def test_idle_refused():
    session = fresh()
    after(session, b"a IDLE\r\n")
    session.send(Tagged(b"a", NO, "no"))
    assert after(session, b"DONE\r\n").answer == b"DONE BAD a command is expected behind the tag\r\n"


# Enabling, ending, limits


@pytest.mark.parametrize(
    ("command", "allowed"),
    [
        (b"NOOP", True),
        (b"FETCH 1 FLAGS", False),
        (b"STORE 1 FLAGS ()", False),
        (b"SEARCH ALL", False),
        (b"UID FETCH 1 FLAGS", True),
        (b"COPY 1 x", True),
        (b"IDLE", True),
    ],
)
def test_when_expunges_may_be_told(command, allowed):
    session = fresh(State.SELECTED)
    assert not session.expunges_allowed
    after(session, b"a " + command + b"\r\n")
    assert session.expunges_allowed is allowed
    session.send(Continue() if command == b"IDLE" else Tagged(b"a", OK, "done"))
    assert session.expunges_allowed is (command == b"IDLE")


def test_enabling_rev2_makes_names_utf8():
    session = fresh()
    after(session, b"a ENABLE imap4rev2 FOO\r\n")
    session.send(Tagged(b"a", OK, "enabled"))
    assert session.enabled == {"IMAP4rev2"}
    assert session.rev2
    assert session.utf8
    assert after(session, 'b SELECT "Entwürfe"\r\n'.encode()) == Select(b"b", "Entwürfe")


def test_logout():
    session = fresh()
    assert after(session, b"a LOGOUT\r\nb NOOP\r\n") == Logout(b"a")
    assert session.send(Bye("bye")) == b"* BYE bye\r\n"
    assert not session.closing
    assert session.send(Tagged(b"a", OK, "done")) == b"a OK done\r\n"
    assert session.closing
    assert session.state is State.LOGOUT
    assert session.next_event() is NEED_DATA
    assert after(session, b"") is CLOSED
    assert session.next_event() is NEED_DATA


def test_the_server_may_end_it():
    session = fresh()
    assert session.send(Bye("restart", b"UNAVAILABLE")) == b"* BYE [UNAVAILABLE] restart\r\n"
    assert session.closing
    assert after(session, b"a NOOP\r\n") is NEED_DATA


def test_too_many_errors():
    session = fresh(max_errors=3)
    assert after(session, b"a FOO\r\n" * 5).answer == b"a BAD unknown command\r\n"
    session.next_event()
    assert session.next_event().answer == b"a BAD unknown command\r\n* BYE too many errors\r\n"
    assert session.closing
    assert session.next_event() is NEED_DATA


def test_a_success_after_login_starts_the_count_anew():
    for state, closing in ((State.AUTHENTICATED, False), (State.NOT_AUTHENTICATED, True)):
        session = fresh(state, max_errors=3)
        for _ in range(3):
            after(session, b"a FOO\r\n")
            if not session.closing:
                after(session, b"a NOOP\r\n")
                session.send(Tagged(b"a", OK, "done"))
        assert session.closing is closing


def test_the_handlers_bads_count_too():
    session = fresh(max_errors=1)
    after(session, b"a NOOP\r\n")
    assert session.send(Tagged(b"a", BAD, "no")) == b"a BAD no\r\n* BYE too many errors\r\n"


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (b"", b"* BAD a command starts with a tag\r\n"),
        (b"a", b"a BAD a command is expected behind the tag\r\n"),
        (b"+ NOOP", b"* BAD a command starts with a tag\r\n"),
        (b"a NOOP\0", b"a BAD NUL in a command\r\n"),
        (b"\0", b"* BAD NUL in a command\r\n"),
        (b"a NO\rOP", b"a BAD unknown command\r\n"),
        (b"\xff\xfe", b"* BAD a command starts with a tag\r\n"),
        (b"a " + b"x" * 70_000, b"a BAD [TOOBIG] line above 65536 octets\r\n"),
        (b"x" * 70_000, b"%b BAD [TOOBIG] line above 65536 octets\r\n" % (b"x" * 1000)),
    ],
)
def test_garbage(line, answer):
    session = fresh()
    assert after(session, line + b"\r\nb NOOP\r\n").answer == answer
    assert session.next_event() == Noop(b"b")


# Vanishing clients


def test_end_of_file_comes_once():
    session = fresh()
    assert after(session, b"a NOOP\r\nb NOO") == Noop(b"a")
    session.receive_data(b"")
    assert session.next_event() is NEED_DATA
    session.send(Tagged(b"a", OK, "done"))
    assert session.next_event() is CLOSED
    assert session.next_event() is NEED_DATA


@pytest.mark.parametrize("data", [b"a DELETE {30+}\r\nabc", b"a DELETE x", b"a LIST (", b"a FOO {99+}\r\nx"])
def test_vanishing_midway(data):
    session = fresh()
    session.receive_data(data)
    session.receive_data(b"")
    while isinstance(event := session.next_event(), ProtocolError):
        pass
    assert event is CLOSED


def test_vanishing_while_idle():
    session = fresh()
    after(session, b"a IDLE\r\n")
    session.send(Continue())
    assert after(session, b"") is CLOSED


def test_login():
    session = fresh(State.NOT_AUTHENTICATED)
    assert session.timeout == 120
    assert after(session, b"a LOGIN x y\r\n") == Login(b"a", "x", "y")
    session.send(Tagged(b"a", OK, "welcome"))
    assert session.state is State.AUTHENTICATED
    assert session.timeout == 1800
    assert session.phrase == "waiting for a command"
