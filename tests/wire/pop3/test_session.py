"""Dialogs: a client's lines, what it gets, the events a handler sees."""

from collections.abc import Callable

import pytest

from pillarbox.wire.pop3 import commands as c
from pillarbox.wire.pop3 import replies
from pillarbox.wire.pop3.commands import Auth, AuthResponse, Pass, Quit
from pillarbox.wire.pop3.config import Pop3Config
from pillarbox.wire.pop3.replies import Continue, Err, Ok
from pillarbox.wire.pop3.session import Pop3Session
from pillarbox.wire.pop3.state import State
from pillarbox.wire.session import CLOSED, NEED_DATA, ProtocolError, TlsInfo

TLS = TlsInfo("TLSv1.3", "TLS_AES_128_GCM_SHA256", b"binding")

DIALOG = [
    (b"USER bob\r\n", "+OK Send PASS\r\n"),
    (b"PASS se cret\r\n", "+OK Maildrop open\r\n"),
    (b"STAT\r\n", "+OK 1 20\r\n"),
    (b"LIST\r\n", "+OK 1 message\r\n1 20\r\n.\r\n"),
    (b"UIDL\r\n", "+OK\r\n1 abc\r\n.\r\n"),
    (b"RETR 1\r\n", "+OK 20 octets\r\nSubject: x\r\n\r\n..dot\r\n.\r\n"),
    (b"TOP 1 0\r\n", "+OK\r\nSubject: x\r\n\r\n..dot\r\n.\r\n"),
    (b"DELE 1\r\n", "+OK Marked\r\n"),
    (b"RSET\r\n", "+OK\r\n"),
    (b"NOOP\r\n", "+OK\r\n"),
    (b"QUIT\r\n", "+OK Goodbye\r\n"),
]


def test_a_dialog_line_by_line(desk: Callable) -> None:
    d = desk()
    assert d.output == b"+OK POP3 ready\r\n"
    for said, answer in DIALOG:
        assert d.say(said) == answer
    assert d.session.closing
    assert d.events == [
        c.User("bob"), Pass("bob", "se cret"), c.Stat(), c.List(None), c.Uidl(None), c.Retr(1), c.Top(1, 0), c.Dele(1),
        c.Rset(), c.Noop(), Quit(True),
    ]  # fmt: skip


def test_a_dialog_in_one_piece_and_byte_by_byte_and_with_trailing_data(desk: Callable) -> None:
    said = b"".join(line for line, _ in DIALOG)
    answers = "".join(answer for _, answer in DIALOG)
    assert desk().say(said) == answers
    slow = desk()
    assert "".join(slow.say(bytes([octet])) for octet in said) == answers
    assert desk().say(said + b"NOOP\r\nrest") == answers


def test_capa_before_and_after_tls_and_login(desk: Callable) -> None:
    d = desk(
        starttls=True, auth_mechanisms=("SCRAM-SHA-256-PLUS", "PLAIN"), tls_required_for_auth=True,
        login_delay=30, expire_days=60,
    )  # fmt: skip
    always = ["TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "EXPIRE 60", "LOGIN-DELAY 30"]
    assert d.say(b"CAPA\r\n").splitlines()[1:] == [*always, "UTF8", "STLS", "IMPLEMENTATION Pillarbox", "."]
    d.say(b"STLS\r\n")
    d.session.tls_started(TLS)
    login = ["USER", "UTF8 USER", "SASL SCRAM-SHA-256-PLUS PLAIN"]
    assert d.say(b"CAPA\r\n").splitlines()[1:] == [*always, *login, "IMPLEMENTATION Pillarbox", "."]
    d.say(b"USER bob\r\nPASS x\r\n")
    assert d.say(b"CAPA\r\n").splitlines()[1:] == [*always, "UTF8", "IMPLEMENTATION Pillarbox", "."]
    assert "EXPIRE NEVER\r\n" in desk().say(b"CAPA\r\n")


def test_a_wrong_password_begins_again(desk: Callable) -> None:
    d = desk(answers={Pass: [replies.AUTH_FAILED, Ok()]})
    assert d.say(b"USER bob\r\nPASS x\r\nPASS y\r\n").splitlines() == [
        "+OK Send PASS", "-ERR [AUTH] Name or password is wrong", "-ERR Need USER first",
    ]  # fmt: skip
    assert d.say(b"USER bob\r\nUSER eve\r\nPASS y\r\nSTAT\r\n").endswith("+OK 1 20\r\n")
    assert d.took(Pass)[-1] == Pass("eve", "y")


def test_quit_before_login_updates_nothing(desk: Callable) -> None:
    d = desk()
    assert d.say(b"USER bob\r\nQUIT\r\n").endswith("+OK Goodbye\r\n")
    assert d.took(Quit) == [Quit(False)]


def test_quit_closes_even_where_not_everything_could_be_deleted(desk: Callable) -> None:
    d = desk(login=True, answers={Quit: Err("SYS/TEMP", "Some messages were not deleted")})
    assert d.say(b"QUIT\r\n") == "-ERR [SYS/TEMP] Some messages were not deleted\r\n"
    assert d.session.closing


def test_a_refusing_greeting_closes() -> None:
    session = Pop3Session(Pop3Config("mx.example.test"))
    assert session.send(Err("SYS/TEMP", "Busy")) == b"-ERR [SYS/TEMP] Busy\r\n"
    assert session.closing


def test_a_farewell_closes_at_any_time(desk: Callable) -> None:
    d = desk(login=True)
    d.session.receive_data(b"STAT\r\n")
    d.session.next_event()
    assert d.session.farewell(replies.TIMED_OUT).startswith(b"-ERR [SYS/TEMP] Timeout")
    assert d.session.closing and d.session.next_event() is NEED_DATA


def test_input_waits_for_the_greeting_and_for_every_answer() -> None:
    session = Pop3Session(Pop3Config("mx.example.test"))
    session.receive_data(b"CAPA\r\nQUIT\r\n")
    assert session.next_event() is NEED_DATA
    session.send(Ok("ready"))
    assert session.next_event() == c.Capa()
    assert session.next_event() is NEED_DATA
    session.send(Ok())
    assert session.next_event() == Quit(False)


def test_the_end_of_file(desk: Callable) -> None:
    session = desk(login=True).session
    session.receive_data(b"NOOP\r\nQUI")
    session.receive_data(b"")
    assert session.next_event() == c.Noop()
    session.send(Ok())
    assert session.next_event() is CLOSED
    assert session.next_event() is NEED_DATA
    assert session.closing


@pytest.mark.parametrize(
    "line",
    [
        b"FROB\r\n", b"\r\n", b"APOP bob 0123\r\n", b"STAT 1\r\n", b"RETR\r\n", b"RETR 0\r\n", b"RETR x\r\n", b"TOP 1\r\n",
        b"LIST -1\r\n", b"NOOP \0\r\n", b"RETR \xff\r\n", b"USER bob\r\n", b"PASS x\r\n", b"UTF8\r\n", b"STLS\r\n",
        b"AUTH PLAIN\r\n", b"NOOP " + b"x" * 1100 + b"\r\n", b"x" * 100_000 + b"\r\n",
    ],
)  # fmt: skip
def test_bad_input_gets_an_error_and_the_session_goes_on(desk: Callable, line: bytes) -> None:
    d = desk(login=True)
    answers = d.say(line + b"NOOP\r\n").splitlines()
    assert len(answers) == 2 and answers[0].startswith("-ERR ") and answers[1] == "+OK"
    assert [event.reason.partition(":")[0] for event in d.took(ProtocolError)] == ["with the maildrop open"]


def test_keywords_in_any_case_and_lines_that_end_with_lf(desk: Callable) -> None:
    assert desk().say(b"user bob\nPass x\nstat\n").endswith("+OK 1 20\r\n")


def test_too_many_errors(desk: Callable) -> None:
    d = desk(max_errors=3)
    assert d.say(b"FROB\r\n" * 10).splitlines()[3:] == ["-ERR [SYS/TEMP] Too many errors, closing the connection"]
    assert d.session.closing


@pytest.mark.parametrize("said", [b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\x02"])
def test_other_protocols_are_sent_away_at_once(desk: Callable, said: bytes) -> None:
    d = desk()
    assert d.say(said).startswith("-ERR ")
    assert d.session.closing


def test_a_line_without_end_is_given_up_in_bounded_memory(desk: Callable) -> None:
    d = desk()
    for _ in range(20):
        d.say(b"x" * 65536)
        assert len(d.session._lines) < 70_000
    assert d.session.closing


def test_logins_need_tls_unless_the_settings_say_otherwise(desk: Callable) -> None:
    d = desk(tls_required_for_auth=True, starttls=True, auth_mechanisms=("PLAIN",))
    for line in (b"USER bob\r\n", b"AUTH PLAIN\r\n"):
        assert "STLS first" in d.say(line)
    d.say(b"STLS\r\n")
    d.session.tls_started(TLS)
    assert d.say(b"USER bob\r\n").startswith("+OK")


def test_stls_drops_what_was_sent_behind_it(desk: Callable) -> None:
    d = desk(starttls=True)
    d.say(b"UTF8\r\nUSER eve\r\n")
    assert d.say(b"STLS\r\nUSER eve\r\nPASS x\r\n") == "+OK Begin TLS negotiation\r\n"
    assert d.session.starting_tls and d.session.early_input == 1
    d.session.receive_data(b"USER eve\r\n")
    d.session.tls_started(TLS)
    assert d.session.next_event() is NEED_DATA
    assert not d.session.utf8 and d.session.state is State.AUTHORIZATION
    assert d.say(b"STLS\r\n") == "-ERR TLS is already active\r\n"


def test_a_refused_stls_changes_nothing(desk: Callable) -> None:
    d = desk(starttls=True, answers={c.Stls: Err("SYS/TEMP", "TLS not available")})
    assert d.say(b"STLS\r\nUSER bob\r\n").splitlines()[1] == "+OK Send PASS"


def test_authentication(desk: Callable) -> None:
    d = desk(auth_mechanisms=("PLAIN",), answers={AuthResponse: [Continue(b"more"), Ok()]})
    assert d.say(b"AUTH plain\r\n") == "+ \r\n"
    assert d.session.phrase == "during authentication"
    assert d.say(b"YQ==\r\n") == "+ bW9yZQ==\r\n"
    assert d.say(b"\r\n") == "+OK\r\n"
    assert d.session.logged_in
    assert d.events == [Auth("PLAIN", None), AuthResponse(b"a"), AuthResponse(b"")]


def test_authentication_in_one_step(desk: Callable) -> None:
    d = desk(auth_mechanisms=("PLAIN",), answers={Auth: Ok()})
    assert d.say(b"AUTH PLAIN YQ==\r\nSTAT\r\n").endswith("+OK 1 20\r\n")
    assert d.took(Auth) == [Auth("PLAIN", b"a")]


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (b"AUTH PLAIN\r\n*\r\n", "-ERR Authentication cancelled"),
        (b"AUTH PLAIN\r\nnot base64\r\n", "-ERR The authentication message cannot be read"),
        (b"AUTH PLAIN\r\n" + b"A" * 13_000 + b"\r\n", "-ERR Line too long"),
        (b"AUTH PLAIN\r\nYQ==\r\n", "-ERR [AUTH] Name or password is wrong"),
        (b"AUTH PLAIN !\r\n", "-ERR The authentication message cannot be read"),
        (b"AUTH\r\n", "-ERR Bad or missing argument"),
        (b"AUTH CRAM-MD5\r\n", "-ERR Authentication mechanism not offered"),
        (b"AUTH SCRAM-SHA-256-PLUS\r\n", "-ERR Authentication mechanism not offered"),
    ],
)
def test_authentication_that_comes_to_nothing(desk: Callable, said: bytes, answer: str) -> None:
    d = desk(auth_mechanisms=("SCRAM-SHA-256-PLUS", "PLAIN"), answers={AuthResponse: replies.AUTH_FAILED})
    assert d.say(said).splitlines()[-1] == answer
    assert d.session.state is State.AUTHORIZATION


def test_auth_is_unknown_where_it_is_not_offered(desk: Callable) -> None:
    assert desk().say(b"AUTH PLAIN\r\n") == "-ERR Command not offered\r\n"


def test_utf8(desk: Callable) -> None:
    d = desk(answers={Pass: Err("AUTH", "Nicht für Sie")})
    assert d.say(b"USER bob\r\nPASS x\r\n").endswith("-ERR [AUTH] Nicht f?r Sie\r\n")
    d.say(b"UTF8\r\n")
    assert d.session.utf8
    assert d.say("USER grün\r\nPASS x\r\n".encode()).endswith("-ERR [AUTH] Nicht für Sie\r\n")
    assert d.took(Pass)[-1] == Pass("grün", "x")


def test_timeouts_can_be_set(desk: Callable) -> None:
    d = desk(timeouts={State.TRANSACTION: 900.0}, login=True)
    assert (d.session.timeout, d.session.phrase) == (900.0, "with the maildrop open")
