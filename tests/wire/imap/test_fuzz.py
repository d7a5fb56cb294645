"""Invariant: every input yields events, ProtocolErrors, NEED_DATA or CLOSED; never an exception; what is held is
bounded; and after garbage the next good command is understood."""

import random

import pytest

from pillarbox.wire.imap.commands.append import AppendAborted, AppendChunk, AppendNext, AppendStart
from pillarbox.wire.imap.commands.authenticate import Authenticate
from pillarbox.wire.imap.commands.simple import Idle, Noop
from pillarbox.wire.imap.config import ImapConfig
from pillarbox.wire.imap.replies import AuthenticateResponse, Challenge, Continue, LiteralAnnounced, Tagged
from pillarbox.wire.imap.responses import Status
from pillarbox.wire.imap.session import ImapSession
from pillarbox.wire.imap.state import State
from pillarbox.wire.session import CLOSED, ProtocolError, Signal

CONFIG = ImapConfig(
    plaintext_login=True,
    max_errors=1_000_000,
    max_line=2000,
    max_literals=1000,
    max_literals_before_login=1000,
    append_limit=2000,
)
SEEDS = [
    b"a NOOP",
    b"a LOGIN {3+}\r\nbob secret",
    b"a AUTHENTICATE PLAIN AGEAYg==",
    b"a AUTHENTICATE PLAIN",
    b"YQ==",
    b"*",
    b"a ENABLE IMAP4rev2",
    b"a SELECT inbox (CONDSTORE)",
    b"a SELECT inbox (QRESYNC (7 9 1:5,7 (1,3:4 2,5:6)))",
    b"a ENABLE QRESYNC",
    b"a UID FETCH 1:* FLAGS (CHANGEDSINCE 1 VANISHED)",
    b"a FETCH 1 (PREVIEW (LAZY) EMAILID)",
    b"a SEARCH EMAILID x OLDER 5 SAVEDON 1-Feb-2020",
    b"a CREATE x (USE (\\Sent))",
    b'a RENAME {1}\r\nx "y z"',
    b'a LIST (SUBSCRIBED RECURSIVEMATCH) "" ("%" {1+}\r\nx) RETURN (STATUS (MESSAGES SIZE))',
    b'a LSUB "" *',
    b"a STATUS x (MESSAGES UNSEEN)",
    b'a APPEND x (\\Seen) "01-Jan-1970 00:00:00 +0000" {5+}\r\nhello',
    b"a APPEND x {3+}\r\nabc (\\Seen) ~{3+}\r\na\0c {0}",
    b"a REPLACE 4 Drafts {2+}\r\nab",
    b"a UID REPLACE * {1+}\r\nx UTF8 (~{3+}\r\nabc)",
    b"a UNAUTHENTICATE",
    b"a IDLE",
    b"a APPEND {1+}\r\nx ~{3}\r\na\0b",
    b"DONE",
    b'a SETQUOTA "" (STORAGE 5)',
    b"a UID EXPUNGE 1:*",
    b'a SEARCH RETURN (MIN SAVE) CHARSET UTF-8 OR (NOT SEEN) HEADER {2+}\r\nab "c" UID 1:3,7',
    b"a SEARCH $",
    b"a UID SORT RETURN (PARTIAL -1:-9 UPDATE SAVE) (REVERSE DATE SUBJECT) UTF-8 FUZZY TEXT {1+}\r\nx",
    b'a THREAD REFERENCES "UTF-8" NOT SEEN',
    b'a ESEARCH IN (subtree ("a" b) personal selected) RETURN (COUNT) UNSEEN',
    b'a CANCELUPDATE "b" {1+}\r\nc',
    b"a UID FETCH 1:* FLAGS (PARTIAL 2:3 CHANGEDSINCE 1)",
    b"a FETCH 1:* (FLAGS BODY.PEEK[1.2.HEADER.FIELDS (From To)]<0.10> BINARY[1])",
    b"a UID FETCH 1 ALL (CHANGEDSINCE 1)",
    b"a STORE 1,2 +FLAGS.SILENT (\\Deleted $x)",
    b'a UID MOVE 1:5 "Entw&APw-rfe"',
    b"a LOGOUT",
    b'a ID ("a" NIL)',
]
TOKENS = [
    b"{",
    b"}",
    b"+",
    b"~",
    b"(",
    b")",
    b"[",
    b"]",
    b'"',
    b"\\",
    b"*",
    b"%",
    b"$",
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b" ",
    b"{5}",
    b"{5+}\r\n",
    b"~{3+}\r\n",
    b"{99999+}",
    b"{99999999999}\r\n",
    b"0",
    b"4294967296",
    b"\xff",
    b"&",
    b"a" * 3000,
]


def mutate(rng):
    data = bytearray(b"\r\n".join(rng.choice(SEEDS) for _ in range(rng.randint(1, 3))) + b"\r\n")
    for _ in range(rng.randint(0, 5)):
        at = rng.randint(0, len(data))
        match rng.randint(0, 4):
            case 0:
                data[at:at] = rng.choice(TOKENS)
            case 1:
                del data[at : at + rng.randint(1, 8)]
            case 2:
                data[at : at + 1] = bytes([rng.randint(0, 255)])
            case 3:
                data[at:at] = data[at : at + 20]
            case _:
                data[at:at] = rng.choice(SEEDS)
    return bytes(data)


def answer(session, event, rng):
    """What some handler might answer."""
    status = rng.choice([Status.OK, Status.OK, Status.NO, Status.BAD])
    match event:
        case AppendChunk() | AppendAborted():
            return
        case AppendStart() | AppendNext() | LiteralAnnounced() | Idle() if rng.random() < 0.8:
            reply = Continue()
        case Authenticate() | AuthenticateResponse() if rng.random() < 0.6:
            reply = Challenge(b"x")
        case _:
            reply = Tagged(event.tag, status, "done")
    assert isinstance(session.send(reply), bytes)


def drive(session, rng):
    """Take and answer all events; the last one but signals."""
    last = None
    while not isinstance(event := session.next_event(), Signal):
        last = event
        if isinstance(event, ProtocolError):
            assert event.answer.endswith(b"\r\n")
            assert event.answer.isascii()
        else:
            answer(session, event, rng)
        assert session.phrase
        assert session.timeout > 0
        if session.starting_tls:
            return last
    assert session._framer.pending <= CONFIG.max_line + CONFIG.max_literals
    return last


@pytest.mark.parametrize("state", [State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED])
def test_any_input_in_any_state(state):
    rng = random.Random(state.value)
    for _ in range(1500):
        session = ImapSession(CONFIG)
        session.state = state
        data = mutate(rng)
        step = rng.choice([1, 7, max(len(data), 1)])
        for start in range(0, len(data), step):
            session.receive_data(data[start : start + step])
            drive(session, rng)
        if session.closing or session.starting_tls:
            continue
        # A pending literal eats its octets and then its line; an overlong line or an exchange eats a line.
        for _ in range(12):
            session.receive_data(b"x" * 200_000 + b"\r\n" if session._framer._left > 1000 else b"x" * 1000 + b"\r\n")
            drive(session, rng)
        if session.closing or session._framer._left > 200_000:
            continue
        session.receive_data(b"\r\nz NOOP\r\n")
        last = drive(session, rng)
        assert last == Noop(b"z"), data
        session.receive_data(b"")
        assert session.next_event() is CLOSED


def test_plain_noise():
    rng = random.Random(7)
    for _ in range(1500):
        session = ImapSession(CONFIG)
        session.receive_data(rng.randbytes(rng.randint(0, 200)) + b"\r\nz NOOP\r\n")
        assert drive(session, rng) == Noop(b"z")
