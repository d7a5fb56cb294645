"""LMTP (RFC 2033): LHLO, and one answer per recipient."""

from collections.abc import Callable

from pillarbox.wire.session import NEED_DATA
from pillarbox.wire.smtp import replies
from pillarbox.wire.smtp.commands import BodyEnd, BodyFailed, Hello, Noop, Rcpt
from pillarbox.wire.smtp.replies import LmtpReplies, reply
from pillarbox.wire.smtp.state import Role

MAIL = b"MAIL FROM:<a@b.test>\r\n"


def test_lhlo_is_the_only_hello(desk: Callable) -> None:
    d = desk(Role.LMTP, hello=False)
    assert d.codes(b"EHLO c.test\r\nHELO c.test\r\n" + MAIL) == ["500 5.5.1", "500 5.5.1", "503 5.5.1"]
    assert d.say(b"LHLO c.test\r\n").startswith("250-mx.example.test\r\n250-PIPELINING\r\n")
    assert d.took(Hello) == [Hello("LHLO", "c.test")]


def test_one_answer_per_accepted_recipient(desk: Callable) -> None:
    no = reply(550, "5.1.1", "Unknown")
    d = desk(Role.LMTP, answers={Rcpt: [replies.RECIPIENT_OK, no, replies.RECIPIENT_OK]})
    d.say(MAIL + b"RCPT TO:<1@d.test>\r\nRCPT TO:<2@d.test>\r\nRCPT TO:<3@d.test>\r\n")
    session = d.session
    session.receive_data(b"DATA\r\nx\r\n.\r\nNOOP\r\n")
    session.next_event()
    session.send(replies.START_MAIL_INPUT)
    session.next_event()
    assert session.next_event() == BodyEnd(3)
    assert session.replies_due == 2
    assert session.send(replies.OK) == b"250 2.0.0 Ok\r\n"
    assert session.next_event() is NEED_DATA
    assert session.send(reply(452, "4.2.2", "Full")) == b"452 4.2.2 Full\r\n"
    assert session.next_event() == Noop()


def test_all_answers_at_once(desk: Callable) -> None:
    d = desk(Role.LMTP)
    d.say(MAIL + b"RCPT TO:<1@d.test>\r\nRCPT TO:<2@d.test>\r\nDATA\r\n")
    d.session.receive_data(b".\r\nNOOP\r\n")
    assert d.session.next_event() == BodyEnd(0)
    both = LmtpReplies((replies.OK, reply(550, "5.2.1", "Disabled")))
    assert d.session.send(both) == b"250 2.0.0 Ok\r\n550 5.2.1 Disabled\r\n"
    assert d.session.next_event() == Noop()


def test_a_failed_message_is_answered_for_each_recipient_too(desk: Callable) -> None:
    d = desk(Role.LMTP)
    d.say(MAIL + b"RCPT TO:<1@d.test>\r\nRCPT TO:<2@d.test>\r\nDATA\r\n")
    assert d.codes(b"a\nb\r\n.\r\nNOOP\r\n") == ["550 5.6.11", "550 5.6.11", "250 2.0.0"]
    assert len(d.took(BodyFailed)) == 1


def test_data_without_recipients(desk: Callable) -> None:
    d = desk(Role.LMTP)
    assert d.codes(MAIL + b"DATA\r\n") == ["250 2.1.0", "503 5.5.1"]
