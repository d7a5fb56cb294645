"""One SMTP, submission or LMTP connection, server side: bytes in, events out, replies in, bytes out.

On top of the contract in `wire.session`:

- The first reply sent is the greeting; input waits until then.
- After an event that is answered (every one but `BodyChunk`) `next_event` says NEED_DATA until `send` was given the
  answer; take events again after that. In LMTP the end of a message takes `replies_due` replies, by one `LmtpReplies`
  or several `send`s.
- A 421 ends the session whenever it is sent. Any other reply sent while none is due changes nothing.
- Checked here, so that handlers need not: order of commands, roles, TLS and AUTH where required, what is offered,
  the number of recipients, sizes (declared and real), line lengths, CRLF, SMTPUTF8, DATA and BDAT not mixed.
"""

from pillarbox.wire.lines import LineBuffer, LineFault
from pillarbox.wire.sasl.framing import CANCELLED, Framing, decode_response
from pillarbox.wire.sasl.mechanisms import offered
from pillarbox.wire.session import CLOSED, NEED_DATA, ProtocolError, Signal, TlsInfo
from pillarbox.wire.smtp import checks, replies
from pillarbox.wire.smtp.arguments import PARSERS
from pillarbox.wire.smtp.chunks import ChunkReader
from pillarbox.wire.smtp.commands import (
    Auth,
    AuthCancelled,
    AuthResponse,
    Bdat,
    BdatChunkEnd,
    BodyChunk,
    BodyEnd,
    BodyFailed,
    Mail,
    Rcpt,
    SmtpEvent,
)
from pillarbox.wire.smtp.config import SmtpConfig
from pillarbox.wire.smtp.data import DataReader
from pillarbox.wire.smtp.replies import LmtpReplies, Reply, encode
from pillarbox.wire.smtp.state import NEXT, RULES, STATES, Role, State, Verb

_LINE_LIMIT = 12288  # RFC 4954 section 4: a line of a SASL exchange
_COMMAND_LIMIT = 2048  # RFC 5321 section 4.5.3.1.4 says 512; extensions add parameters, and some have long values
_ENDLESS = 1024 * 1024  # an unfinished line of this size ends the session


class SmtpSession:
    """See the module's contract. What is public and not in `wire.session` is for handlers and `ehlo_reply`."""

    def __init__(self, config: SmtpConfig) -> None:
        self.config = config
        self.lmtp = config.role is Role.LMTP
        self.state = State.GREETING
        self.tls: TlsInfo | None = None
        self.authenticated = False
        self.errors = 0
        self.early_input = 0  # how often a client sent more behind a command that ends a group (RFC 2920)
        self.replies_due = 1
        self.closing = False
        self.starting_tls = False
        self._lines = LineBuffer(strict=True)
        self._answering: Verb | None = Verb.GREETING
        self._hello = False
        self._mail: Mail | None = None
        self._recipients = 0
        self._data: DataReader | None = None
        self._chunks: ChunkReader | None = None
        self._resume = State.GREETING  # the state a chunk came in
        self._eof = False

    @property
    def timeout(self) -> float:
        """Seconds the current state waits for the client."""
        info = STATES[self.state]
        return self.config.timeouts.get(self.state, info.timeout)

    @property
    def phrase(self) -> str:
        """What the session is doing, for the log."""
        return STATES[self.state].phrase

    @property
    def auth_mechanisms(self) -> tuple[str, ...]:
        """The SASL mechanisms that may be used on this connection now."""
        if self.authenticated:
            return ()
        config = self.config
        return offered(config.auth_mechanisms, self.tls is not None, not config.tls_required_for_auth)

    def receive_data(self, data: bytes) -> None:
        """Takes what the client sent; b"" for its end of file."""
        if not data:
            self._eof = True
        elif not (self.closing or self.starting_tls):
            self._lines.receive(data)

    def next_event(self) -> SmtpEvent | ProtocolError | Signal:
        """The next event, a protocol error to be answered, NEED_DATA or CLOSED."""
        if self._answering is not None:
            return NEED_DATA
        event = NEED_DATA if self.closing or self.starting_tls else self._read()
        if event is NEED_DATA and self._eof:
            self._eof = False
            self._end()
            return CLOSED
        return event

    def send(self, reply: Reply | LmtpReplies) -> bytes:
        """The bytes of a reply; moves the session."""
        utf8 = self._mail is not None and self._mail.smtputf8
        if isinstance(reply, LmtpReplies):
            for one in reply.replies:
                self._move(one.code)
            return b"".join(encode(one, utf8) for one in reply.replies)
        self._move(reply.code)
        return encode(reply, utf8)

    def tls_started(self, tls: TlsInfo) -> None:
        """The connection is private now; after STARTTLS everything begins anew (RFC 3207 section 4.2)."""
        self.tls = tls
        if self.starting_tls:
            self.starting_tls = False
            self._hello = False
            self.authenticated = False
            self.state = State.START

    def _read(self) -> SmtpEvent | ProtocolError | Signal:
        """What is next in the buffer, as the state says how to read it."""
        if self.state is State.DATA and self._data is not None:
            event = self._data.read(self._lines)
            if isinstance(event, (BodyEnd, BodyFailed)):
                self._expect(Verb.BODY, self._recipients if self.lmtp else 1)
            return event
        if self.state is State.CHUNK and self._chunks is not None:
            return self._read_chunk(self._chunks)
        if not self._hello and self._lines.startswith(b"\x16\x03") and not self._lines.discarded:
            return self._fatal(replies.NOT_TLS)
        line = self._lines.read_line(_LINE_LIMIT)
        if isinstance(line, bytes):
            return self._read_response(line) if self.state is State.AUTH else self._read_command(line)
        if isinstance(line, LineFault):
            self.state = State.READY if self.state is State.AUTH else self.state
            return self._error(checks.LINE_FAULTS[line])
        if self._lines.discarded > _ENDLESS:
            return self._fatal(replies.TOO_MANY_ERRORS)
        return NEED_DATA

    def _read_command(self, line: bytes) -> SmtpEvent | ProtocolError | Signal:
        word, _, argument = line.partition(b" ")
        word = word.upper()
        rule = RULES.get(word)
        if rule is None or (rule.by_lmtp is not None and rule.by_lmtp != self.lmtp):
            if word in checks.HTTP_METHODS:
                return self._fatal(replies.NOT_HTTP)
            return self._error(checks.unknown(word, self.lmtp))
        verb = rule.verb
        if len(line) > _COMMAND_LIMIT and verb is not Verb.AUTH:
            return self._error(replies.LINE_TOO_LONG)
        text = checks.text_of(argument)
        if isinstance(text, Reply):
            return self._error(text)
        refusal = checks.in_order(rule, self.state, self.lmtp) or checks.required_first(
            rule, self.config, self.tls is not None, self.authenticated
        )
        if verb is Verb.BDAT:
            return self._start_chunk(text, refusal)
        if refusal is not None:
            return self._error(refusal)
        command = PARSERS[verb](text)
        if isinstance(command, Reply):
            return self._error(command)
        refusal = self._check(verb, command, text)
        if refusal is not None:
            return self._error(refusal, counted=refusal not in checks.NOT_COUNTED)
        if rule.ends_group and len(self._lines):
            self.early_input += 1
        self._expect(verb)
        return command

    def _check(self, verb: Verb, command: SmtpEvent | Reply, text: str) -> Reply | None:
        """What depends on the session; None where the command may go to the handler."""
        if isinstance(command, Mail):
            refusal = checks.mail(command, self.config, text)
            if refusal is None:
                self._mail = command
            return refusal
        if isinstance(command, Rcpt):
            utf8 = self._mail is not None and self._mail.smtputf8
            return checks.rcpt(self.config, self._recipients, utf8 or text.isascii(), command)
        if isinstance(command, Auth):
            return self._check_auth(command)
        if verb is Verb.STARTTLS:
            if self.tls is not None:
                return replies.ALREADY_PRIVATE
            return None if self.config.starttls else replies.NOT_IMPLEMENTED
        if verb is Verb.DATA and self._mail is not None and self._mail.body == "BINARYMIME":
            return replies.BINARY_NEEDS_BDAT
        return None

    def _check_auth(self, command: Auth) -> Reply | None:
        """RFC 4954 section 4."""
        if self.authenticated:
            return replies.ALREADY_AUTHENTICATED
        if not self.config.auth_mechanisms:
            return replies.NOT_IMPLEMENTED
        if command.mechanism in self.auth_mechanisms:
            return None
        if self.tls is None and command.mechanism in self.config.auth_mechanisms:
            return replies.TLS_FIRST_FOR_AUTH
        return replies.UNKNOWN_MECHANISM

    def _read_response(self, line: bytes) -> SmtpEvent | ProtocolError:
        """The client's answer to a 334."""
        data = decode_response(line)
        if data is CANCELLED:
            self._expect(Verb.AUTH)
            return AuthCancelled()
        if isinstance(data, Framing):
            self.state = State.READY
            return self._error(replies.AUTH_MALFORMED)
        self._expect(Verb.AUTH)
        return AuthResponse(data)

    def _start_chunk(self, argument: str, refusal: Reply | None) -> SmtpEvent | ProtocolError | Signal:
        """BDAT. Its octets are read even where it is refused: they are no commands."""
        command = PARSERS[Verb.BDAT](argument) if self.config.chunking else replies.NOT_IMPLEMENTED
        if not isinstance(command, Bdat):
            return self._fatal(replies.BDAT_SYNTAX)
        if self._chunks is None:
            self._chunks = ChunkReader(self.config.size_limit)
        self._chunks.begin(command, refusal)
        self._resume, self.state = self.state, State.CHUNK
        return self._read_chunk(self._chunks)

    def _read_chunk(self, chunks: ChunkReader) -> SmtpEvent | ProtocolError | Signal:
        event = chunks.read(self._lines)
        if event is NEED_DATA or isinstance(event, BodyChunk):
            return event
        self.state = self._resume
        if isinstance(event, Reply):
            return self._error(event)
        if isinstance(event, BdatChunkEnd):
            self._expect(Verb.BDAT)
        else:
            self._expect(Verb.BODY, self._recipients if self.lmtp and chunks.last else 1)
        return event

    def _expect(self, verb: Verb, count: int = 1) -> None:
        """From now on replies answer `verb`."""
        self._answering = verb
        self.replies_due = count

    def _move(self, code: int) -> None:
        """What a reply does to the session."""
        if code == 421:
            self._end()
            return
        verb = self._answering
        if verb is None:
            return
        self.replies_due -= 1
        if self.replies_due:
            return
        self._answering = None
        target = NEXT.get((self.state, verb, code // 100))
        if target is not None:
            self._enter(target, verb, code)

    def _enter(self, target: State, verb: Verb, code: int) -> None:
        self.state = target
        if target is State.READY:
            self._hello = True
            self._forget_transaction()
            if verb is Verb.AUTH and code < 300:
                self.authenticated = True
        elif target is State.RCPT:
            self._recipients += 1
        elif target is State.DATA:
            self._data = DataReader(self.config.size_limit, self.config.line_limit)
        elif target is State.TLS:
            self._lines.clear()
            self.starting_tls = True
        elif target is State.ENDED:
            self._end()

    def _forget_transaction(self) -> None:
        self._mail = self._data = self._chunks = None
        self._recipients = 0

    def _end(self) -> None:
        self.state = State.ENDED
        self.closing = True
        self.replies_due = 0
        self._answering = None
        self._lines.clear()
        self._forget_transaction()

    def _error(self, reply: Reply, counted: bool = True) -> ProtocolError:
        """The answer to a mistake, or 421 after too many."""
        if counted:
            self.errors += 1
            if self.errors > self.config.max_errors:
                return self._fatal(replies.TOO_MANY_ERRORS)
        return ProtocolError(encode(reply), f"{self.phrase}: {reply.text}")

    def _fatal(self, reply: Reply) -> ProtocolError:
        """The last answer before the connection is closed."""
        error = ProtocolError(encode(reply), f"{self.phrase}: {reply.text}")
        self._end()
        return error
