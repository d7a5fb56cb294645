"""Which commands and literals are let in: a session's checks before and after parsing. All raise `ParseError`."""

from pillarbox.wire.imap.commands.append import AppendNext, AppendStart
from pillarbox.wire.imap.commands.authenticate import Authenticate
from pillarbox.wire.imap.commands.simple import StartTls
from pillarbox.wire.imap.commands.table import Command, Head
from pillarbox.wire.imap.config import ImapConfig, mechanisms
from pillarbox.wire.imap.cursor import ParseError
from pillarbox.wire.imap.fragments import Literal
from pillarbox.wire.imap.state import RULES, State

_LITERAL_MINUS = 4096  # RFC 7888 section 5


def check_head(head: Head, config: ImapConfig, state: State, secure: bool) -> None:
    """There is a tag, and a verb that is legal in this state; passwords only where they are private."""
    if not head.tag:
        raise ParseError("a command starts with a tag")
    rule = RULES.get(head.verb)
    if rule is None:
        raise ParseError("unknown command" if head.verb else "a command is expected behind the tag")
    if state not in rule.legal:
        raise ParseError(f"{head.verb.decode('ascii')} is not possible in the {state.value} state")
    if head.verb in (b"LOGIN", b"AUTHENTICATE") and not (secure or config.plaintext_login):
        raise ParseError("log in over TLS only", b"PRIVACYREQUIRED", refused=True)


def check_command(command: Command, config: ImapConfig, secure: bool) -> None:
    """STARTTLS only where there is none yet, AUTHENTICATE only with a mechanism on offer."""
    if isinstance(command, StartTls):
        if secure:
            raise ParseError("TLS is already on")
        if not config.tls_available:
            raise ParseError("TLS is not available")
    elif isinstance(command, Authenticate) and command.mechanism not in mechanisms(config, secure):
        raise ParseError("SASL mechanism not supported", b"CANNOT", refused=True)


def check_literal(literal: Literal, absorbed: int, config: ImapConfig, state: State) -> None:
    """An argument's literal is within the limits, together with those `absorbed` before it."""
    if literal.binary:
        raise ParseError("a literal8 is for messages only")
    early = state is State.NOT_AUTHENTICATED
    limit = config.max_literals_before_login if early else config.max_literals
    if absorbed + literal.size > limit:
        raise ParseError(f"literals above {limit} octets", b"TOOBIG")


def check_message(literal: Literal, config: ImapConfig) -> None:
    """A message is within its limit."""
    if literal.size > config.append_limit:
        raise ParseError(f"message above {config.append_limit} octets", b"TOOBIG", refused=True)


def check_complete(message: AppendStart | AppendNext, nul: bool) -> None:
    """A message that has come holds NULs (`nul`) only where it may."""
    if nul and not message.binary:
        raise ParseError("NUL in the message: send it as a literal8")


def check_unasked(literal: Literal, config: ImapConfig) -> None:
    """LITERAL- allows 4,096 octets to be sent without asking (RFC 7888 section 5)."""
    if config.literal_minus and not literal.synchronising and literal.size > _LITERAL_MINUS:
        raise ParseError("a literal above 4096 octets must be announced", b"TOOBIG")
