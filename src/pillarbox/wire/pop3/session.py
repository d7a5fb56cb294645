"""One POP3 connection, server side: bytes in, events out, replies in, bytes out.

On top of the contract in `wire.session`:

- The first reply sent is the greeting (Ok, or Err which closes); input waits until then.
- After each event `next_event` says NEED_DATA until `send` was given the answer; take events again after that.
- After the `Ok` to RETR and TOP the handler writes the message itself, through a `replies.DotStuffer`.
- `farewell` encodes a last Err (shutdown, timeout, crash) and closes; a maildrop that is open is not updated then.
- Checked here, so that handlers need not: order of commands, TLS where a login needs it, what is offered.

Lines may end with LF alone: nothing in POP3 that a client sends is anybody else's text.
"""

from collections.abc import Mapping

from pillarbox.wire.lines import LineBuffer, LineFault
from pillarbox.wire.pop3 import replies
from pillarbox.wire.pop3.arguments import PARSERS
from pillarbox.wire.pop3.commands import Auth, AuthCancelled, AuthResponse, Command, Pass, Pop3Event, Quit, User
from pillarbox.wire.pop3.config import Pop3Config
from pillarbox.wire.pop3.replies import Continue, Err, Reply, encode
from pillarbox.wire.pop3.state import NEXT, RULES, STATES, Outcome, Rule, State, Verb
from pillarbox.wire.sasl.framing import CANCELLED, Framing, decode_response
from pillarbox.wire.sasl.mechanisms import offered
from pillarbox.wire.session import CLOSED, NEED_DATA, ProtocolError, Signal, TlsInfo

_LINE_LIMIT = 12288  # as SMTP's limit for a line of a SASL exchange; RFC 5034 gives none
_COMMAND_LIMIT = 1024  # RFC 2449 section 4 says 255; passwords may be long
_ENDLESS = 1024 * 1024  # an unfinished line of this size ends the session

_HTTP_METHODS = frozenset({b"GET", b"POST", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"CONNECT", b"PATCH", b"TRACE"})
_LINE_FAULTS: Mapping[LineFault, Err] = {
    LineFault.TOO_LONG: replies.LINE_TOO_LONG,
    LineFault.BARE_NEWLINE: replies.BARE_NEWLINE_IN_COMMAND,
}


class Pop3Session:
    """See the module's contract. What is public and not in `wire.session` is for handlers and `capa_reply`."""

    def __init__(self, config: Pop3Config) -> None:
        self.config = config
        self.state = State.GREETING
        self.tls: TlsInfo | None = None
        self.utf8 = False
        self.errors = 0
        self.early_input = 0  # how often a client sent more behind a command that ends a group
        self.closing = False
        self.starting_tls = False
        self._lines = LineBuffer()
        self._answering: Verb | None = Verb.GREETING
        self._name = ""
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
    def logged_in(self) -> bool:
        """Whether a maildrop is open."""
        return self.state is State.TRANSACTION

    @property
    def login_allowed(self) -> bool:
        """Whether a login may come now."""
        private = self.tls is not None or not self.config.tls_required_for_auth
        return private and not self.logged_in

    @property
    def auth_mechanisms(self) -> tuple[str, ...]:
        """The SASL mechanisms that may be used on this connection now."""
        if not self.login_allowed:
            return ()
        config = self.config
        return offered(config.auth_mechanisms, self.tls is not None, not config.tls_required_for_auth)

    def receive_data(self, data: bytes) -> None:
        """Takes what the client sent; b"" for its end of file."""
        if not data:
            self._eof = True
        elif not (self.closing or self.starting_tls):
            self._lines.receive(data)

    def next_event(self) -> Pop3Event | ProtocolError | Signal:
        """The next event, a protocol error to be answered, NEED_DATA or CLOSED."""
        if self._answering is not None:
            return NEED_DATA
        event = NEED_DATA if self.closing or self.starting_tls else self._read()
        if event is NEED_DATA and self._eof:
            self._eof = False
            self._end()
            return CLOSED
        return event

    def send(self, reply: Reply) -> bytes:
        """The bytes of a reply; moves the session."""
        data = encode(reply, self.utf8)
        verb = self._answering
        if verb is None:
            return data
        self._answering = None
        outcome = (
            Outcome.ERR if isinstance(reply, Err) else Outcome.CONTINUE if isinstance(reply, Continue) else Outcome.OK
        )
        if verb is Verb.UTF8 and outcome is Outcome.OK:
            self.utf8 = True
        target = NEXT.get((self.state, verb, outcome))
        if target is not None:
            self._enter(target)
        return data

    def farewell(self, reply: Err) -> bytes:
        """The bytes of a last reply, whatever was expected; the session is closing after it."""
        self._end()
        return encode(reply, self.utf8)

    def tls_started(self, tls: TlsInfo) -> None:
        """The connection is private now; after STLS everything begins anew (RFC 2595 section 4)."""
        self.tls = tls
        if self.starting_tls:
            self.starting_tls = False
            self.utf8 = False
            self._name = ""
            self.state = State.AUTHORIZATION

    def _enter(self, target: State) -> None:
        self.state = target
        if target is State.TLS:
            self._lines.clear()
            self.starting_tls = True
        elif target is State.ENDED:
            self._end()

    def _read(self) -> Pop3Event | ProtocolError | Signal:
        """The next line, as the state says how to read it."""
        before_login = self.state is State.AUTHORIZATION
        if before_login and self._lines.startswith(b"\x16\x03") and not self._lines.discarded:
            return self._fatal(replies.NOT_TLS)
        line = self._lines.read_line(_LINE_LIMIT)
        if isinstance(line, bytes):
            return self._read_response(line) if self.state is State.AUTH else self._read_command(line)
        if isinstance(line, LineFault):
            self._abandon_login()
            return self._error(_LINE_FAULTS[line])
        if self._lines.discarded > _ENDLESS:
            return self._fatal(replies.TOO_MANY_ERRORS)
        return NEED_DATA

    def _read_command(self, line: bytes) -> Pop3Event | ProtocolError:
        word, _, argument = line.partition(b" ")
        word = word.upper()
        rule = RULES.get(word)
        if rule is None:
            if word in _HTTP_METHODS:
                return self._fatal(replies.NOT_HTTP)
            return self._error(replies.NOT_OFFERED if word == b"APOP" else replies.UNKNOWN_COMMAND)
        if len(line) > _COMMAND_LIMIT and rule.verb is not Verb.AUTH:
            return self._error(replies.LINE_TOO_LONG)
        text = _text_of(argument)
        if isinstance(text, Err):
            return self._error(text)
        refusal = self._refusal(rule)
        if refusal is not None:
            return self._error(refusal)
        command = PARSERS[rule.verb](text)
        if isinstance(command, Err):
            return self._error(command)
        if isinstance(command, Auth) and command.mechanism not in self.auth_mechanisms:
            return self._error(replies.UNKNOWN_MECHANISM)
        if rule.ends_group and len(self._lines):
            self.early_input += 1
        self._answering = rule.verb
        return self._complete(command)

    def _refusal(self, rule: Rule) -> Err | None:
        """Whether the keyword is in order, allowed and offered now."""
        if self.state not in rule.legal:
            if self.logged_in:
                return replies.ALREADY_LOGGED_IN
            return replies.USER_FIRST if rule.verb is Verb.PASS else replies.LOGIN_FIRST
        if not (rule.before_tls or self.login_allowed):
            return replies.TLS_FIRST
        if rule.verb is Verb.STLS:
            if self.tls is not None:
                return replies.ALREADY_PRIVATE
            return None if self.config.starttls else replies.NOT_OFFERED
        if rule.verb is Verb.AUTH and not self.config.auth_mechanisms:
            return replies.NOT_OFFERED
        return None

    def _complete(self, command: Command) -> Command:
        """Adds to a command what only the session knows."""
        if isinstance(command, User):
            self._name = command.name
        elif isinstance(command, Pass):
            return Pass(self._name, command.password)
        elif isinstance(command, Quit):
            return Quit(self.logged_in)
        return command

    def _read_response(self, line: bytes) -> Pop3Event | ProtocolError:
        """The client's answer to a challenge."""
        data = decode_response(line)
        if isinstance(data, Framing) and data is not CANCELLED:
            self._abandon_login()
            return self._error(replies.AUTH_MALFORMED)
        self._answering = Verb.AUTH
        return AuthCancelled() if isinstance(data, Framing) else AuthResponse(data)

    def _abandon_login(self) -> None:
        """An exchange that cannot go on is over."""
        if self.state is State.AUTH:
            self.state = State.AUTHORIZATION

    def _end(self) -> None:
        self.state = State.ENDED
        self.closing = True
        self._answering = None
        self._name = ""
        self._lines.clear()

    def _error(self, reply: Err) -> ProtocolError:
        """The answer to a mistake, or the last one after too many."""
        self.errors += 1
        if self.errors > self.config.max_errors:
            return self._fatal(replies.TOO_MANY_ERRORS)
        return ProtocolError(encode(reply), f"{self.phrase}: {reply.text}")

    def _fatal(self, reply: Err) -> ProtocolError:
        """The last answer before the connection is closed."""
        error = ProtocolError(encode(reply), f"{self.phrase}: {reply.text}")
        self._end()
        return error


def _text_of(argument: bytes) -> str | Err:
    """A command's argument as text without control characters; spaces at its end may belong to a password."""
    try:
        text = argument.decode()
    except UnicodeDecodeError:
        return replies.NOT_UTF8
    if not text.isprintable() and any(char < " " or "\x7f" <= char <= "\x9f" for char in text):
        return replies.CONTROL_CHARACTER
    return text
