"""APPEND through the session: the message is streamed, refused in time, or aborted."""

import pytest

from pillarbox.wire.imap.commands.append import (
    AppendAborted,
    AppendChunk,
    AppendEnd,
    AppendNext,
    AppendStart,
    Replaced,
)
from pillarbox.wire.imap.commands.simple import Noop
from pillarbox.wire.imap.config import ImapConfig
from pillarbox.wire.imap.replies import Continue, LiteralAnnounced, Tagged
from pillarbox.wire.imap.responses import Status
from pillarbox.wire.imap.sequence_set import STAR
from pillarbox.wire.imap.session import ImapSession
from pillarbox.wire.imap.state import State
from pillarbox.wire.session import CLOSED, NEED_DATA, ProtocolError

OK, NO, BAD = Status


def fresh(**settings):
    session = ImapSession(ImapConfig(**settings))
    session.state = State.AUTHENTICATED
    return session


def after(session, data):
    session.receive_data(data)
    return session.next_event()


@pytest.mark.parametrize(("plus", "answer"), [(b"", b"+ OK\r\n"), (b"+", b"")])
def test_a_message_is_streamed(plus, answer):
    session = fresh()
    assert after(session, b"a APPEND x (\\Seen) {6" + plus + b"}\r\n") == AppendStart(b"a", "x", ("\\Seen",), None, 6)
    assert session.next_event() is NEED_DATA
    assert session.send(Continue()) == answer
    assert session.phrase == "receiving a message"
    assert after(session, b"abc") == AppendChunk(b"abc")
    assert after(session, b"def") == AppendChunk(b"def")
    assert session.next_event() is NEED_DATA
    assert after(session, b"\r\nb NOOP\r\n") == AppendEnd(b"a")
    assert session.next_event() is NEED_DATA
    assert session.send(Tagged(b"a", OK, "done", b"APPENDUID 1 2")) == b"a OK [APPENDUID 1 2] done\r\n"
    assert session.next_event() == Noop(b"b")


def test_fifty_megabytes_pass_through_without_being_held():
    session = fresh()
    size = 50 * 1_048_576
    after(session, b"a APPEND x {%d+}\r\n" % size)
    session.send(Continue())
    block, received = b"x" * 65_536, 0
    for _ in range(size // len(block)):
        session.receive_data(block)
        while isinstance(event := session.next_event(), AppendChunk):
            received += len(event.data)
        assert session._framer.pending == 0
    assert received == size
    assert after(session, b"\r\n") == AppendEnd(b"a")


def test_the_mailbox_may_be_a_literal_too():
    session = fresh()
    assert after(session, b"a APPEND {3}\r\n") == LiteralAnnounced(b"a", 3)
    session.send(Continue())
    assert after(session, b"a b {1}\r\n") == AppendStart(b"a", "a b", (), None, 1)


@pytest.mark.parametrize("plus", [b"", b"+"])
def test_the_handler_may_refuse_a_message_before_it_comes(plus):
    session = fresh()
    after(session, b"a APPEND x {3" + plus + b"}\r\n")
    assert session.send(Tagged(b"a", NO, "none", b"TRYCREATE")) == b"a NO [TRYCREATE] none\r\n"
    session.receive_data(b"abc\r\n" if plus else b"")
    assert after(session, b"b NOOP\r\n") == Noop(b"b")


def test_or_while_it_comes():
    session = fresh()
    after(session, b"a APPEND x {6}\r\n")
    session.send(Continue())
    assert after(session, b"abc") == AppendChunk(b"abc")
    assert session.send(Tagged(b"a", NO, "full", b"UNAVAILABLE")) == b"a NO [UNAVAILABLE] full\r\n"
    assert after(session, b"def\r\nb NOOP\r\n") == Noop(b"b")


@pytest.mark.parametrize("plus", [b"", b"+"])
def test_too_large_a_message_is_refused(plus):
    session = fresh(append_limit=5)
    error = after(session, b"a APPEND x {6" + plus + b"}\r\n" + (b"NOOP\r\n\r\n" if plus else b"") + b"b NOOP\r\n")
    assert error.answer == b"a NO [TOOBIG] message above 5 octets\r\n"
    assert session.next_event() == Noop(b"b")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"a APPEND x {3+}\r\nabc foo\r\n", b"unexpected text behind the message"),
        (b"a APPEND x {3+}\r\nabc{3+}\r\nabc\r\n", b"a space expected at octet 1"),
        (b"a APPEND x {3+}\r\nabc (x {3+}\r\nabc\r\n", b"a flag expected at octet 5"),
        (b"a APPEND x {3+}\r\na\0c {3+}\r\nabc\r\n", b"NUL in the message: send it as a literal8"),
        (b"a APPEND x {3+}\r\na\0c\r\n", b"NUL in the message: send it as a literal8"),
        (b"a APPEND x {3+}\r\nabc" + b"x" * 70_000 + b"\r\n", b"unexpected text behind the message"),
    ],
)
def test_a_message_that_goes_wrong_is_aborted_and_then_refused(data, reason):
    session = fresh()
    assert isinstance(after(session, data + b"b NOOP\r\n"), AppendStart)
    session.send(Continue())
    assert isinstance(session.next_event(), AppendChunk)
    assert session.next_event() == AppendAborted(b"a", reason.decode())
    assert session.next_event() == ProtocolError(b"a BAD " + reason + b"\r\n", reason.decode())
    assert session.next_event() == Noop(b"b")


def test_a_literal8_may_hold_nuls():
    session = fresh()
    assert after(session, b"a APPEND x ~{3+}\r\na\0c\r\n") == AppendStart(b"a", "x", (), None, 3, True)
    session.send(Continue())
    assert session.next_event() == AppendChunk(b"a\0c")
    assert session.next_event() == AppendEnd(b"a")


def test_append_without_a_literal():
    assert after(fresh(), b"a APPEND x foo\r\n").answer == b"a BAD APPEND needs a message as a literal\r\n"


def test_vanishing_in_a_message_aborts_it():
    session = fresh()
    after(session, b"a APPEND x {30+}\r\nabc")
    session.send(Continue())
    session.receive_data(b"")
    assert session.next_event() == AppendChunk(b"abc")
    assert session.next_event() == AppendAborted(b"a", "the client went away")
    assert session.next_event() is CLOSED


@pytest.mark.parametrize("plus", [b"", b"+"])
def test_messages_follow_each_other(plus):
    session = fresh()
    after(session, b"a APPEND x {3" + plus + b"}\r\n")
    session.send(Continue())
    assert after(session, b"abc") == AppendChunk(b"abc")
    offered = after(session, b' (\\Seen) "01-Jan-1970 00:00:01 +0000" ~{2' + plus + b"}\r\n")
    assert offered == AppendNext(b"a", ("\\Seen",), 1_000_000, 2, True)
    assert session.next_event() is NEED_DATA
    assert session.send(Continue()) == (b"" if plus else b"+ OK\r\n")
    assert after(session, b"\0\0") == AppendChunk(b"\0\0")
    assert after(session, b" {0" + plus + b"}\r\n") == AppendNext(b"a", (), None, 0)
    assert session.send(Tagged(b"a", NO, "as you wish")) == b"a NO as you wish\r\n"
    assert after(session, (b"\r\n" if plus else b"") + b"b NOOP\r\n") == Noop(b"b")


def test_a_later_message_may_be_too_large():
    session = fresh(append_limit=3)
    after(session, b"a APPEND x {3+}\r\nabc {4+}\r\nabcd {3+}\r\nabc\r\nb NOOP\r\n")
    session.send(Continue())
    assert session.next_event() == AppendChunk(b"abc")
    assert session.next_event() == AppendAborted(b"a", "message above 3 octets")
    assert session.next_event().answer == b"a NO [TOOBIG] message above 3 octets\r\n"
    assert session.next_event() == Noop(b"b")


def test_very_many_messages_are_no_overlong_line():
    session = fresh(max_line=200)
    after(session, b"a APPEND x {1+}\r\n")
    for _ in range(100):
        session.send(Continue())
        assert after(session, b"x") == AppendChunk(b"x")
        assert after(session, b" (\\Flagged) {1+}\r\n") == AppendNext(b"a", ("\\Flagged",), None, 1)


@pytest.mark.parametrize(
    ("text", "replaced"),
    [
        (b"REPLACE 4", Replaced(4, False)),
        (b"REPLACE *", Replaced(STAR, False)),
        (b"UID REPLACE 2000", Replaced(2000, True)),
    ],
)
def test_a_message_takes_the_place_of_another(text, replaced):
    session = fresh()
    session.state = State.SELECTED
    start = AppendStart(b"a", "Drafts", ("\\Seen",), None, 3, replaced=replaced)
    assert after(session, b"a " + text + b" Drafts (\\Seen) {3+}\r\nabc\r\n") == start
    session.send(Continue())
    assert session.next_event() == AppendChunk(b"abc")
    assert session.next_event() == AppendEnd(b"a")
    assert session.send(Tagged(b"a", OK, "done")) == b"a OK done\r\n"
    assert after(session, b"b " + text + b" {1}\r\n") == LiteralAnnounced(b"b", 1)


@pytest.mark.parametrize(
    "text", [b"REPLACE 0 x {3+}\r\nabc", b"REPLACE 1:2 x {3+}\r\nabc", b"UID REPLACE x {3+}\r\nabc", b"REPLACE 1 x"]
)
def test_replacing_nothing_in_particular(text):
    session = fresh()
    session.state = State.SELECTED
    assert after(session, b"a " + text + b"\r\n").answer.startswith(b"a BAD ")
    assert after(session, b"b NOOP\r\n") == Noop(b"b")


def test_only_one_message_takes_the_place_of_another():
    session = fresh()
    session.state = State.SELECTED
    after(session, b"a REPLACE 1 x {3+}\r\nabc {3+}\r\nabc\r\nb NOOP\r\n")
    session.send(Continue())
    assert session.next_event() == AppendChunk(b"abc")
    assert session.next_event() == AppendAborted(b"a", "unexpected text behind the message")
    assert session.next_event().answer == b"a BAD unexpected text behind the message\r\n"
    assert session.next_event() == Noop(b"b")


def test_messages_in_utf8():
    session = fresh()
    session.enabled = frozenset({"UTF8=ACCEPT"})
    assert after(session, b"a APPEND x UTF8 (~{3+}\r\nabc") == AppendStart(b"a", "x", (), None, 3, True, True)
    session.send(Continue())
    assert session.next_event() == AppendChunk(b"abc")
    assert after(session, b") (\\Seen) utf8 (~{1+}\r\nd") == AppendNext(b"a", ("\\Seen",), None, 1, True, True)
    session.send(Continue())
    assert session.next_event() == AppendChunk(b"d")
    assert after(session, b")\r\n") == AppendEnd(b"a")


@pytest.mark.parametrize("text", [b"UTF8 ({3+}\r\nabc)\r\n", b"UTF8 ~{3+}\r\nabc\r\n"])
def test_utf8_is_for_literal8(text):
    session = fresh()
    session.enabled = frozenset({"UTF8=ACCEPT"})
    assert after(session, b"a APPEND x " + text).answer.startswith(b"a BAD ")
    assert after(session, b"b NOOP\r\n") == Noop(b"b")


def test_utf8_must_be_enabled_and_closed():
    session = fresh()
    assert after(session, b"a APPEND x UTF8 (~{3+}\r\nabc)\r\n").answer.startswith(b"a BAD ")
    session.enabled = frozenset({"UTF8=ACCEPT"})
    after(session, b"b APPEND x UTF8 (~{3+}\r\nabc\r\n")
    session.send(Continue())
    assert session.next_event() == AppendChunk(b"abc")
    assert session.next_event() == AppendAborted(b"b", "unexpected text behind the message")
