"""A client's connection, server side: octets in, typed commands out; replies in, octets out.

Implements `wire.session.Session` (its contract is not repeated here) with the events and replies of `replies`.

- One event at a time: until the last one is answered, `next_event` says NEED_DATA. Pipelined commands wait.
- Illegal commands (`state.RULES`), grammar errors, limits and NULs are answered by the session: a tagged BAD or NO with
  the reason, as `ProtocolError`. `max_errors` BADs (its own and the handler's) end in a BYE; after login, a command
  that succeeds starts the count anew.
- Non-synchronising literals of a refused command are swallowed, so that the next command is found.
- Passwords are refused before TLS unless the config says otherwise: NO [PRIVACYREQUIRED].
- An answer that nothing waits for is the handler's mistake: ValueError.

State it keeps: `state`, `enabled`, and the phase the stream is in. It keeps no mailbox (`view.View` does).
"""

from binascii import b2a_base64

from pillarbox.wire.imap import codes, responses
from pillarbox.wire.imap.admission import (
    check_command,
    check_complete,
    check_head,
    check_literal,
    check_message,
    check_unasked,
)
from pillarbox.wire.imap.commands.append import (
    AppendAborted,
    AppendChunk,
    AppendEnd,
    AppendNext,
    AppendStart,
    parse_next,
)
from pillarbox.wire.imap.commands.authenticate import Authenticate, base64
from pillarbox.wire.imap.commands.enable import Enable
from pillarbox.wire.imap.commands.simple import Idle, Logout, StartTls, Unauthenticate
from pillarbox.wire.imap.commands.table import PARSERS, STREAMING, Head, head
from pillarbox.wire.imap.config import ImapConfig, capabilities
from pillarbox.wire.imap.cursor import Cursor, ParseError
from pillarbox.wire.imap.fragments import Announced, Chunk, Fragment, Framer, Literal, StreamEnd, Text
from pillarbox.wire.imap.replies import (
    AuthenticateCancelled,
    AuthenticateResponse,
    Challenge,
    Continue,
    Greeting,
    IdleDone,
    ImapEvent,
    ImapReply,
    LiteralAnnounced,
    Tagged,
    Untagged,
)  # fmt: skip
from pillarbox.wire.imap.responses import Status
from pillarbox.wire.imap.state import RULES, Phase, State, Wait
from pillarbox.wire.session import CLOSED, NEED_DATA, ProtocolError, Signal, TlsInfo

_UTF8 = frozenset({"IMAP4rev2", "UTF8=ACCEPT"})


class ImapSession:
    """See the module."""

    def __init__(self, config: ImapConfig) -> None:
        self.config = config
        self.state = State.NOT_AUTHENTICATED
        self.enabled: frozenset[str] = frozenset()
        self.tls: TlsInfo | None = None
        self.closing = False
        self.starting_tls = False
        self._framer = Framer(config.max_line)
        self._phase = Phase.COMMAND
        self._tag = b""  # of the command in progress, b"" if there is none
        self._verb = b""
        self._event: ImapEvent | None = None  # what the handler owes an answer to
        self._error: ParseError | None = None  # to be reported next, behind AppendAborted
        self._message: AppendStart | AppendNext = AppendStart(b"", "", (), None, 0)  # being received
        self._unasked = False  # its literal is non-synchronising
        self._nul = False  # seen in it
        self._errors = 0
        self._eof = False
        self._closed = False

    # Asked by the pump and the handler

    @property
    def _wait(self) -> Wait:
        waits = self.config.waits
        return waits[self._phase if self._phase in waits else self.state]

    @property
    def timeout(self) -> float:
        """Seconds to wait for the client."""
        return self._wait.timeout

    @property
    def phrase(self) -> str:
        """What the client is awaited for."""
        return self._wait.phrase

    @property
    def secure(self) -> bool:
        """Whether TLS is on."""
        return self.tls is not None or self.config.tls_active

    @property
    def utf8(self) -> bool:
        """Whether mailbox names and quoted strings are UTF-8."""
        return not self.enabled.isdisjoint(_UTF8)

    @property
    def rev2(self) -> bool:
        """Whether the client speaks IMAP4rev2 (no RECENT; ESEARCH instead of SEARCH)."""
        return "IMAP4rev2" in self.enabled

    @property
    def qresync(self) -> bool:
        """Whether the client is told by uid what is gone: VANISHED instead of EXPUNGE (RFC 7162)."""
        return "QRESYNC" in self.enabled

    @property
    def idling(self) -> bool:
        """Whether IDLE is in progress: changes may be told as they come."""
        return self._phase is Phase.IDLING

    @property
    def expunges_allowed(self) -> bool:
        """Whether EXPUNGE responses may be sent now: idling, or in a command that does not hold them back."""
        return self.idling or (self._event is not None and not RULES[self._verb].holds_expunges)

    def capabilities(self) -> tuple[str, ...]:
        """What CAPABILITY says now."""
        return capabilities(self.config, self.state, self.secure)

    # In

    def receive_data(self, data: bytes) -> None:
        """Take what the client sent; b"" at its end."""
        if not data:
            self._eof = True
        elif not (self.closing or self.starting_tls):
            self._framer.receive(data)

    def tls_started(self, tls: TlsInfo) -> None:
        """TLS is on; nothing is held of what came before."""
        self.tls = tls
        self.starting_tls = False

    def next_event(self) -> ImapEvent | ProtocolError | Signal:
        """The next event, NEED_DATA, or CLOSED once after the client's end of file."""
        if self._error is not None:
            error, self._error = self._error, None
            return self._refusal(self._tag, error)
        if self._event is not None or self.starting_tls:
            return NEED_DATA
        while not self.closing:
            fragment = self._framer.next_fragment()
            if fragment is None:
                break
            event = self._take(fragment)
            if event is not None:
                return event
        if not self._eof or self._closed:
            return NEED_DATA
        if self._phase is Phase.APPENDING:
            self._phase = Phase.COMMAND
            return AppendAborted(self._tag, "the client went away")
        self._closed = True
        return CLOSED

    def _take(self, fragment: Fragment) -> ImapEvent | ProtocolError | None:
        if isinstance(fragment, Text):
            if self._phase is Phase.COMMAND:
                return self._command(fragment)
            return self._append_tail(fragment) if self._phase is Phase.APPENDING else self._reply_line(fragment.text)
        if isinstance(fragment, Chunk):
            self._nul = self._nul or b"\0" in fragment.data
            return AppendChunk(fragment.data)
        if isinstance(fragment, StreamEnd):
            return None
        if self._phase is Phase.APPENDING:
            if isinstance(fragment, Announced):
                return self._append_next(fragment.literal)
            return self._append_broken(ParseError("unexpected text behind the message"))
        if isinstance(fragment, Announced):
            return self._announced(fragment)
        if self._phase is Phase.COMMAND:
            error = ParseError(f"line above {self.config.max_line} octets", b"TOOBIG")
            return self._refusal(head(fragment.head).tag, error)
        return self._reply_line(b"too long")

    def _command(self, fragment: Text) -> ImapEvent | ProtocolError:
        start = head(fragment.text, self.utf8)
        try:
            if fragment.nul:
                raise ParseError("NUL in a command")
            check_head(start, self.config, self.state, self.secure)
            if start.verb in STREAMING:
                raise ParseError(f"{start.verb.decode('ascii')} needs a message as a literal")
            command = PARSERS[start.verb](start.tag, start.cursor)
            check_command(command, self.config, self.secure)
        except ParseError as error:
            return self._refusal(start.tag, error)
        self._begin(start, command)
        return command

    def _begin(self, start: Head, event: ImapEvent) -> None:
        self._tag, self._verb, self._event = start.tag, start.verb, event

    def _announced(self, fragment: Announced) -> ImapEvent | ProtocolError | None:
        """A literal: take it, ask the handler, or refuse it before it comes."""
        literal = fragment.literal
        start = head(fragment.head, self.utf8)
        message = None
        try:
            check_head(start, self.config, self.state, self.secure)
            check_unasked(literal, self.config)
            if start.verb in STREAMING:
                cursor = Cursor(self._framer.prefix(), start.cursor.pos, self.utf8)
                message = STREAMING[start.verb](start.tag, cursor, literal)
            if message is None:
                check_literal(literal, self._framer.absorbed, self.config, self.state)
            else:
                check_message(literal, self.config)
        except ParseError as error:
            self._framer.refuse()
            return self._refusal(start.tag, error)
        if message is None and not literal.synchronising:
            self._framer.absorb()
            return None
        if message is not None:
            self._offered(message, literal)
        event = message or LiteralAnnounced(start.tag, literal.size)
        self._begin(start, event)
        return event

    def _offered(self, message: AppendStart | AppendNext, literal: Literal) -> None:
        self._message, self._unasked, self._nul = message, not literal.synchronising, False

    def _append_tail(self, fragment: Text) -> ImapEvent | ProtocolError:
        """Behind the last message the command ends."""
        try:
            check_complete(self._message, self._nul)
            if fragment.text.strip() != (b")" if self._message.utf8 else b""):
                raise ParseError("unexpected text behind the message")
        except ParseError as error:
            return self._append_broken(error)
        self._phase = Phase.COMMAND
        self._event = AppendEnd(self._tag)
        return self._event

    def _append_next(self, literal: Literal) -> AppendNext | AppendAborted:
        """Behind a message there is another one."""
        cursor = Cursor(self._framer.prefix(), 0, self.utf8)
        try:
            check_complete(self._message, self._nul)
            if isinstance(self._message, AppendStart) and self._message.replaced is not None:
                raise ParseError("unexpected text behind the message")
            if self._message.utf8:
                cursor.expect(b")", "a closing parenthesis")
            check_unasked(literal, self.config)
            event = parse_next(self._tag, cursor, literal)
            check_message(literal, self.config)
        except ParseError as error:
            return self._append_broken(error)
        self._offered(event, literal)
        self._event = event
        return event

    def _append_broken(self, error: ParseError) -> AppendAborted:
        self._framer.refuse()
        self._phase = Phase.COMMAND
        self._error = error
        return AppendAborted(self._tag, error.reason)

    def _reply_line(self, text: bytes) -> ImapEvent:
        """The client's line in an exchange: a SASL response, or DONE."""
        phase, self._phase = self._phase, Phase.COMMAND
        self._framer.literals_allowed = True
        if phase is Phase.IDLING:
            self._event = IdleDone(self._tag, "" if text.strip().upper() == b"DONE" else "DONE expected")
        elif text == b"*":
            self._event = AuthenticateCancelled(self._tag, "cancelled by the client")
        else:
            try:
                self._event = AuthenticateResponse(self._tag, base64(text))
            except ParseError as error:
                self._event = AuthenticateCancelled(self._tag, error.reason)
        return self._event

    def _refusal(self, tag: bytes, error: ParseError) -> ProtocolError:
        status = Status.NO if error.refused else Status.BAD
        answer = responses.status_line(tag or b"*", status, error.reason, error.code)
        return ProtocolError(answer if error.refused else answer + self._count_error(), error.reason)

    def _count_error(self) -> bytes:
        self._errors += 1
        return self._close("too many errors") if self._errors >= self.config.max_errors else b""

    def _close(self, text: str, code: bytes = b"") -> bytes:
        self.closing = True
        self.state = State.LOGOUT
        self._framer.clear()
        return responses.bye(text, code)

    # Out

    def send(self, reply: ImapReply) -> bytes:
        """The octets of a reply; the reply moves the machine. ValueError for an answer that nothing waits for."""
        if isinstance(reply, Untagged):
            return reply.data
        if isinstance(reply, Tagged):
            return self._tagged(reply)
        if isinstance(reply, Continue):
            return self._continue(reply.text)
        if isinstance(reply, Challenge):
            if not isinstance(self._event, Authenticate | AuthenticateResponse):
                raise ValueError("a challenge without an exchange")
            self._expect_line(Phase.AUTHENTICATING)
            return responses.continuation(b2a_base64(reply.data, newline=False))
        if isinstance(reply, Greeting):
            return responses.status_line(b"*", Status.OK, reply.text, codes.capability(self.capabilities()))
        if isinstance(self._event, Logout):
            return responses.bye(reply.text, reply.code)
        return self._close(reply.text, reply.code)

    def _expect_line(self, phase: Phase) -> None:
        self._event = None
        self._phase = phase
        self._framer.literals_allowed = False

    def _continue(self, text: str) -> bytes:
        event = self._event
        if isinstance(event, Idle):
            self._expect_line(Phase.IDLING)
        elif isinstance(event, LiteralAnnounced):
            self._framer.absorb()
            self._event = None
        elif isinstance(event, AppendStart | AppendNext):
            self._framer.stream()
            self._event = None
            self._phase = Phase.APPENDING
            if self._unasked:
                return b""
        else:
            raise ValueError("a continuation that nothing waits for")
        return responses.continuation(text.encode("ascii"))

    def _tagged(self, reply: Tagged) -> bytes:
        event, self._event = self._event, None
        if reply.tag != self._tag or (event is None and self._phase is not Phase.APPENDING):
            raise ValueError("an answer that nothing waits for")
        if event is None or isinstance(event, AppendStart | AppendNext | LiteralAnnounced):
            self._framer.refuse()
        self._phase = Phase.COMMAND
        answer = responses.status_line(*reply)
        if reply.status is Status.BAD:
            return answer + self._count_error()
        if not isinstance(event, LiteralAnnounced):
            self._move(event, reply.status)
        return answer

    def _move(self, event: ImapEvent | None, status: Status) -> None:
        """Where OK and NO lead: `state.RULES`, and what some commands do besides."""
        rule = RULES[self._verb]
        self.state = (rule.ok if status is Status.OK else rule.no) or self.state
        if status is Status.NO:
            return
        if self.state is not State.NOT_AUTHENTICATED:
            self._errors = 0
        if isinstance(event, Enable):
            self.enabled |= frozenset(self.config.acceptable(event.capabilities))
        elif isinstance(event, Unauthenticate):
            self.enabled = frozenset()
        elif isinstance(event, StartTls):
            self.starting_tls = True
            self._framer.clear()
        elif isinstance(event, Logout):
            self.closing = True
            self._framer.clear()
