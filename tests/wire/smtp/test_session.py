"""Dialogs: a client's lines, the codes it gets, the events a handler sees."""

from collections.abc import Callable

import pytest

from pillarbox.wire.session import CLOSED, NEED_DATA, ProtocolError, TlsInfo
from pillarbox.wire.smtp import commands as c
from pillarbox.wire.smtp import replies
from pillarbox.wire.smtp.commands import Auth, AuthResponse, BodyChunk, BodyEnd, BodyFailed, Mail, Rcpt
from pillarbox.wire.smtp.config import SmtpConfig
from pillarbox.wire.smtp.grammar import Path
from pillarbox.wire.smtp.replies import reply
from pillarbox.wire.smtp.session import SmtpSession
from pillarbox.wire.smtp.state import Role, State

MAIL = b"MAIL FROM:<a@b.test>\r\n"
RCPT = b"RCPT TO:<c@d.test>\r\n"
TLS = TlsInfo("TLSv1.3", "TLS_AES_128_GCM_SHA256", b"binding")


def test_one_message(desk: Callable) -> None:
    d = desk(hello=False)
    assert d.output == b"220 mx.example.test ready\r\n"
    assert d.codes(b"EHLO c.test\r\n") == ["250"]
    assert d.codes(b"MAIL FROM:<a@b.test> SIZE=12 BODY=8BITMIME\r\n") == ["250 2.1.0"]
    assert d.codes(b"RCPT TO:<c@d.test>\r\n") == ["250 2.1.5"]
    assert d.codes(b"DATA\r\n") == ["354"]
    assert d.codes(b"hello\r\n..\r\n.\r\n") == ["250 2.0.0"]
    assert d.session.state is State.READY
    assert d.codes(b"QUIT\r\n") == ["221 2.0.0"]
    assert d.session.closing
    assert d.events == [
        c.Hello("EHLO", "c.test"),
        Mail(Path("a", "b.test"), 12, "8BITMIME"),
        Rcpt(Path("c", "d.test")),
        c.DataStart(),
        BodyChunk(b"hello\r\n.\r\n"),
        BodyEnd(10),
        c.Quit(),
    ]


WHOLE = b"EHLO c.test\r\n" + (MAIL + RCPT + b"DATA\r\ntext\r\n.\r\n") * 2 + b"NOOP\r\nQUIT\r\n"


def test_a_whole_dialog_in_one_piece_or_byte_by_byte_is_the_same(desk: Callable) -> None:
    whole, slow = desk(hello=False), desk(hello=False)
    answers = whole.codes(WHOLE)
    assert answers == ["250", *(["250 2.1.0", "250 2.1.5", "354", "250 2.0.0"] * 2), "250 2.0.0", "221 2.0.0"]
    assert [code for octet in WHOLE for code in slow.codes(bytes([octet]))] == answers
    assert slow.body() == whole.body() == b"text\r\ntext\r\n"
    assert slow.codes(b"trailing\r\n") == []


def test_ehlo_lists_what_this_connection_offers(desk: Callable) -> None:
    d = desk(
        Role.SUBMISSION, hello=False, starttls=True, auth_mechanisms=("SCRAM-SHA-256-PLUS", "PLAIN"), size_limit=1000
    )
    first = d.say(b"EHLO c.test\r\n").splitlines()
    assert first == [
        "250-mx.example.test", "250-PIPELINING", "250-SIZE 1000", "250-8BITMIME", "250-ENHANCEDSTATUSCODES",
        "250-SMTPUTF8", "250-CHUNKING", "250-BINARYMIME", "250-DSN", "250 STARTTLS",
    ]  # fmt: skip
    d.say(b"STARTTLS\r\n")
    d.session.tls_started(TLS)
    second = d.say(b"EHLO c.test\r\n").splitlines()
    assert second[-1] == "250 AUTH SCRAM-SHA-256-PLUS PLAIN" and "250-STARTTLS" not in second
    d.say(b"AUTH PLAIN\r\nAAAA\r\n")
    assert "AUTH" not in d.say(b"EHLO c.test\r\n")
    assert d.say(b"HELO c.test\r\n") == "250 mx.example.test\r\n"


def test_what_is_switched_off_is_neither_listed_nor_taken(desk: Callable) -> None:
    d = desk(hello=False, smtputf8=False, chunking=False, dsn=False)
    listed = d.say(b"EHLO c.test\r\n")
    for word in ("SMTPUTF8", "CHUNKING", "BINARYMIME", "DSN", "STARTTLS", "AUTH"):
        assert word not in listed
    for parameter in (b"SMTPUTF8", b"BODY=BINARYMIME", b"RET=FULL", b"ENVID=x"):
        assert d.codes(b"MAIL FROM:<a@b.test> " + parameter + b"\r\n") == ["555 5.5.4"]
    d.say(MAIL)
    for parameter in (b"NOTIFY=NEVER", b"ORCPT=rfc822;a"):
        assert d.codes(b"RCPT TO:<c@d.test> " + parameter + b"\r\n") == ["555 5.5.4"]
    assert d.codes(b"STARTTLS\r\n") == ["503 5.5.1"]
    assert d.codes(b"RSET\r\nSTARTTLS\r\nAUTH PLAIN\r\n") == ["250 2.0.0", "502 5.5.1", "502 5.5.1"]
    assert d.codes(b"BDAT 5 LAST\r\n") == ["501 5.5.4"]
    assert d.session.closing


def test_a_refused_command_changes_nothing(desk: Callable) -> None:
    no = reply(550, "5.7.1", "No")
    then = {Mail: replies.SENDER_OK, Rcpt: replies.RECIPIENT_OK, c.DataStart: replies.START_MAIL_INPUT}
    d = desk(answers={kind: [no, yes] for kind, yes in then.items()})
    assert d.codes(MAIL + RCPT) == ["550 5.7.1", "503 5.5.1"]
    assert d.codes(MAIL + RCPT + b"DATA\r\n") == ["250 2.1.0", "550 5.7.1", "503 5.5.1"]
    assert d.codes(RCPT + b"DATA\r\n") == ["250 2.1.5", "550 5.7.1"]
    assert d.codes(b"DATA\r\nx\r\n.\r\n") == ["354", "250 2.0.0"]


def test_a_refused_message_ends_the_transaction(desk: Callable) -> None:
    d = desk(answers={BodyEnd: reply(451, "4.3.0", "Later")})
    assert d.codes(MAIL + RCPT + b"DATA\r\nx\r\n.\r\n" + RCPT)[2:] == ["354", "451 4.3.0", "503 5.5.1"]


def test_input_waits_for_the_greeting_and_for_every_answer() -> None:
    session = SmtpSession(SmtpConfig(Role.SMTP, "mx.example.test"))
    session.receive_data(b"EHLO c.test\r\nNOOP\r\n")
    assert session.next_event() is NEED_DATA
    session.send(reply(220, "", "ready"))
    assert session.next_event() == c.Hello("EHLO", "c.test")
    assert session.next_event() is NEED_DATA
    session.send(replies.OK)
    assert session.next_event() == c.Noop()


def test_a_refusing_greeting_leaves_only_quit() -> None:
    session = SmtpSession(SmtpConfig(Role.SMTP, "mx.example.test"))
    session.send(reply(554, "5.7.1", "No service"))
    session.receive_data(b"EHLO c.test\r\nQUIT\r\n")
    error = session.next_event()
    assert isinstance(error, ProtocolError) and error.answer.startswith(b"503 5.5.1 No service")
    assert session.next_event() == c.Quit()
    session.send(replies.BYE)
    assert session.closing


def test_a_greeting_421_closes() -> None:
    session = SmtpSession(SmtpConfig(Role.SMTP, "mx.example.test"))
    assert session.send(replies.SHUTTING_DOWN) == b"421 4.3.2 The server is shutting down, try again later\r\n"
    assert session.closing


def test_a_421_closes_at_any_time(desk: Callable) -> None:
    d = desk()
    d.say(MAIL + RCPT + b"DATA\r\nhalf")
    assert d.session.send(replies.TIMED_OUT).startswith(b"421 4.4.2")
    assert d.session.closing and d.session.phrase == "closing"
    assert d.session.next_event() is NEED_DATA


def test_the_reply_421_to_a_command_closes(desk: Callable) -> None:
    d = desk(answers={Mail: replies.CRASHED})
    assert d.codes(MAIL + RCPT) == ["421 4.3.0"]
    assert d.session.closing


def test_a_client_that_vanishes(desk: Callable) -> None:
    for said in (b"", b"NOO", MAIL + RCPT + b"DATA\r\nhalf a line", MAIL + RCPT + b"BDAT 100\r\nhalf"):
        d = desk()
        if said:
            d.say(said)
        d.say(b"")
        assert d.last_signal is CLOSED
        assert not d.took(BodyEnd)
        assert d.session.next_event() is NEED_DATA


def test_what_is_complete_is_answered_before_the_end_of_file(desk: Callable) -> None:
    session = desk().session
    session.receive_data(b"NOOP\r\nNOOP\r\npart")
    session.receive_data(b"")
    for _ in range(2):
        assert session.next_event() == c.Noop()
        assert session.next_event() is NEED_DATA
        session.send(replies.OK)
    assert session.next_event() is CLOSED


@pytest.mark.parametrize(
    ("line", "codes"),
    [
        (b"FROB x\r\n", "500 5.5.2"),
        (b"\r\n", "500 5.5.2"),
        (b" \r\n", "500 5.5.2"),
        (b"NOOP\n", "500 5.5.2"),
        (b"NO\rOP\r\n", "500 5.5.2"),
        (b"NOOP \0\r\n", "501 5.5.2"),
        (b"NOOP \xff\r\n", "501 5.5.2"),
        (b"EXPN \x7f\r\n", "501 5.5.2"),
        (b"VRFY\r\n", "501 5.5.4"),
        (b"TURN\r\n", "502 5.5.1"),
        (b"LHLO c.test\r\n", "500 5.5.1"),
        (b"EHLO\r\n", "501 5.5.4"),
        (b"RSET now\r\n", "501 5.5.4"),
        (b"NOOP " + b"x" * 2100 + b"\r\n", "500 5.5.6"),
        (b"NOOP " + b"x" * 200_000 + b"\r\n", "500 5.5.6"),
        ("MAIL FROM:<é@b.test>\r\n".encode(), "553 5.6.7"),
        (b"MAIL FROM:<\xe9@b.test>\r\n", "501 5.5.2"),
        (b"MAIL FROM:<a@b.test> SIZE=99999999999\r\n", "552 5.3.4"),
        (b"AUTH PLAIN\r\n", "502 5.5.1"),
    ],
)
def test_bad_input_gets_a_clear_code_and_the_session_goes_on(desk: Callable, line: bytes, codes: str) -> None:
    d = desk()
    assert d.codes(line + b"NOOP\r\n") == [codes, "250 2.0.0"]
    assert [event.reason.partition(":")[0] for event in d.took(ProtocolError)] == ["between transactions"]


def test_verbs_in_any_case_and_trailing_spaces(desk: Callable) -> None:
    d = desk()
    assert d.codes(b"mail from:<a@b.test>  \r\nRcpt To:<c@d.test>\t\r\ndata \r\nx\r\n.\r\nquit\r\n")[-1] == "221 2.0.0"


def test_too_many_errors(desk: Callable) -> None:
    d = desk(max_errors=3)
    assert d.codes(b"FROB\r\n" * 10) == ["500 5.5.2"] * 3 + ["421 4.7.0"]
    assert d.session.closing


@pytest.mark.parametrize("request_line", [b"GET / HTTP/1.1\r\n", b"POST /x HTTP/1.0\r\nHost: x\r\n\r\nNOOP\r\n"])
def test_a_browser_is_sent_away_at_once(desk: Callable, request_line: bytes) -> None:
    d = desk(hello=False)
    assert d.codes(request_line) == ["421 4.7.0"]
    assert d.session.closing


def test_a_tls_handshake_in_the_clear_is_sent_away(desk: Callable) -> None:
    d = desk(hello=False)
    assert d.codes(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03") == ["421 4.7.0"]


def test_a_line_without_end_is_given_up_in_bounded_memory(desk: Callable) -> None:
    d = desk()
    for _ in range(20):
        d.session.receive_data(b"x" * 65536)
        event = d.session.next_event()
        assert len(d.session._lines) < 70_000
        if isinstance(event, ProtocolError):
            break
    assert d.session.closing and event.answer.startswith(b"421 4.7.0")


def test_recipients_are_limited(desk: Callable) -> None:
    d = desk(max_recipients=2)
    assert d.codes(MAIL + RCPT * 3)[-2:] == ["250 2.1.5", "452 4.5.3"]
    assert d.session.errors == 0
    assert d.codes(b"DATA\r\nx\r\n.\r\n" + MAIL + RCPT)[-1] == "250 2.1.5"


def test_a_hello_within_a_transaction_resets_it(desk: Callable) -> None:
    d = desk()
    assert d.codes(MAIL + RCPT + b"EHLO c.test\r\nDATA\r\n" + MAIL)[-2:] == ["503 5.5.1", "250 2.1.0"]


def test_a_message_that_fails_while_it_is_received(desk: Callable) -> None:
    d = desk(size_limit=20)
    assert d.codes(MAIL + RCPT + b"DATA\r\n0123456789\r\n0123456789\r\n.\r\n" + MAIL)[-2:] == ["552 5.3.4", "250 2.1.0"]
    assert d.codes(RCPT + b"DATA\r\na\nb\r\n.\r\n" + MAIL)[-2:] == ["550 5.6.11", "250 2.1.0"]
    assert not d.took(BodyEnd)
    assert len(d.took(BodyFailed)) == 2


def test_smuggled_commands_are_never_run(desk: Callable) -> None:
    for false_end in (b"\n.\n", b"\r\n.\n", b"\n.\r\n", b"\r.\r\n", b"\n\n.\r\n"):
        d = desk()
        smuggled = MAIL + RCPT + b"DATA\r\nevil\r\n.\r\n"
        assert d.codes(MAIL + RCPT + b"DATA\r\ngood" + false_end + smuggled) == [
            "250 2.1.0", "250 2.1.5", "354", "550 5.6.11",
        ]  # fmt: skip
        assert len(d.took(Mail)) == 1


def test_smtputf8(desk: Callable) -> None:
    d = desk(answers={Rcpt: reply(550, "5.1.1", "No grün here")})
    assert d.codes("MAIL FROM:<é@bücher.test> SMTPUTF8\r\n".encode()) == ["250 2.1.0"]
    assert d.say("RCPT TO:<ü@d.test>\r\n".encode()) == "550 5.1.1 No grün here\r\n"
    assert d.took(Rcpt) == [Rcpt(Path("ü", "d.test"))]
    d.say(b"RSET\r\n" + MAIL)
    assert d.codes("RCPT TO:<ü@d.test>\r\n".encode()) == ["553 5.6.7"]
    assert d.say(RCPT) == "550 5.1.1 No gr?n here\r\n"


def test_starttls_drops_what_was_sent_behind_it(desk: Callable) -> None:
    d = desk(starttls=True)
    assert d.codes(b"STARTTLS\r\nMAIL FROM:<evil@b.test>\r\n") == ["220 2.0.0"]
    assert d.session.starting_tls
    d.session.receive_data(b"RSET\r\n")
    assert d.session.next_event() is NEED_DATA
    d.session.tls_started(TLS)
    assert not d.session.starting_tls and d.session.tls == TLS
    assert d.codes(MAIL) == ["503 5.5.1"]
    assert d.codes(b"EHLO c.test\r\nSTARTTLS\r\n") == ["250", "503 5.5.1"]
    assert d.codes(MAIL) == ["250 2.1.0"]
    assert d.session.early_input == 2


def test_a_refused_starttls_changes_nothing(desk: Callable) -> None:
    d = desk(starttls=True, answers={c.StartTls: reply(454, "4.7.0", "TLS not available")})
    assert d.codes(b"STARTTLS\r\n" + MAIL) == ["454 4.7.0", "250 2.1.0"]


def test_tls_from_the_start() -> None:
    session = SmtpSession(SmtpConfig(Role.SUBMISSION, "mx.example.test", starttls=True))
    session.tls_started(TLS)
    session.send(reply(220, "", "ready"))
    assert session.state is State.START and session.tls == TLS


def submission(desk: Callable, **settings: object):  # type: ignore[no-untyped-def]
    d = desk(Role.SUBMISSION, auth_mechanisms=("SCRAM-SHA-256", "PLAIN"), auth_required=True, **settings)
    d.session.tls_started(TLS)
    return d


def test_authentication_in_three_steps(desk: Callable) -> None:
    d = submission(desk, answers={AuthResponse: [replies.challenge(b"more"), replies.AUTHENTICATED]})
    assert d.codes(MAIL) == ["530 5.7.0"]
    assert d.say(b"AUTH scram-sha-256 bixh\r\n") == "334 \r\n"
    assert d.session.phrase == "during authentication"
    assert d.say(b"cg==\r\n") == "334 bW9yZQ==\r\n"
    assert d.codes(b"\r\n") == ["235 2.7.0"]
    assert d.session.authenticated
    assert d.took(Auth) == [Auth("SCRAM-SHA-256", b"n,a")]
    assert d.took(AuthResponse) == [AuthResponse(b"r"), AuthResponse(b"")]
    assert d.codes(b"AUTH PLAIN\r\n" + MAIL) == ["503 5.5.1", "250 2.1.0"]


def test_authentication_in_one_step(desk: Callable) -> None:
    d = submission(desk, answers={Auth: replies.AUTHENTICATED})
    assert d.codes(b"AUTH PLAIN =\r\n" + MAIL) == ["235 2.7.0", "250 2.1.0"]
    assert d.took(Auth) == [Auth("PLAIN", b"")]


@pytest.mark.parametrize(
    ("said", "codes"),
    [
        (b"AUTH PLAIN\r\n*\r\n", ["334", "501 5.7.0"]),
        (b"AUTH PLAIN\r\nnot base64\r\n", ["334", "501 5.5.2"]),
        (b"AUTH PLAIN\r\n" + b"A" * 13_000 + b"\r\n", ["334", "500 5.5.6"]),
        (b"AUTH PLAIN !\r\n", ["501 5.5.2"]),
        (b"AUTH\r\n", ["501 5.5.4"]),
        (b"AUTH CRAM-MD5\r\n", ["504 5.5.4"]),
        (b"AUTH SCRAM-SHA-256-PLUS\r\n", ["504 5.5.4"]),
        (MAIL, ["530 5.7.0"]),
    ],
)
def test_authentication_that_comes_to_nothing(desk: Callable, said: bytes, codes: list[str]) -> None:
    d = submission(desk)
    assert d.codes(said) == codes
    assert d.session.state is State.READY and not d.session.authenticated
    assert d.codes(b"NOOP\r\n") == ["250 2.0.0"]


def test_a_wrong_password_leaves_the_session_open(desk: Callable) -> None:
    d = submission(desk, answers={AuthResponse: replies.AUTH_FAILED})
    assert d.codes(b"AUTH PLAIN\r\nAGEAYg==\r\nNOOP\r\n") == ["334", "535 5.7.8", "250 2.0.0"]


def test_a_long_initial_response_is_taken(desk: Callable) -> None:
    d = submission(desk)
    assert d.codes(b"AUTH PLAIN " + b"A" * 8000 + b"\r\n") == ["334"]


def test_authentication_needs_tls_unless_the_settings_say_otherwise(desk: Callable) -> None:
    d = desk(Role.SUBMISSION, auth_mechanisms=("SCRAM-SHA-256-PLUS", "PLAIN"))
    assert d.codes(b"AUTH PLAIN\r\n") == ["538 5.7.11"]
    d = desk(Role.SUBMISSION, auth_mechanisms=("SCRAM-SHA-256-PLUS", "PLAIN"), tls_required_for_auth=False)
    assert d.session.auth_mechanisms == ("PLAIN",)
    assert d.codes(b"AUTH SCRAM-SHA-256-PLUS\r\nAUTH PLAIN\r\n") == ["538 5.7.11", "334"]


def test_other_commands_reach_the_handler(desk: Callable) -> None:
    d = desk()
    assert d.codes(b"VRFY bob\r\nEXPN list\r\nHELP mail\r\nNOOP x\r\nRSET\r\n") == [
        "252 2.5.2", "502 5.5.1", "214 2.0.0", "250 2.0.0", "250 2.0.0",
    ]  # fmt: skip
    assert d.events[1:] == [c.Verify("bob"), c.Expand("list"), c.Help("mail"), c.Noop(), c.Rset()]


def test_rset_before_hello_is_answered_and_does_not_stand_for_it(desk: Callable) -> None:
    d = desk(hello=False)
    assert d.codes(b"RSET\r\n" + MAIL) == ["250 2.0.0", "503 5.5.1"]
