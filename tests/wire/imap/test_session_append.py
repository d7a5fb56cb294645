"""APPEND through the session: the message is streamed, refused in time, or aborted."""

import pytest

from pillarbox.wire.imap.commands.append import AppendAborted, AppendChunk, AppendEnd, AppendStart
from pillarbox.wire.imap.commands.simple import Noop
from pillarbox.wire.imap.config import ImapConfig
from pillarbox.wire.imap.replies import Continue, LiteralAnnounced, Tagged
from pillarbox.wire.imap.responses import Status
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
        (b"a APPEND x {3+}\r\nabc {3+}\r\nabc\r\n", b"unexpected text behind the message"),
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
