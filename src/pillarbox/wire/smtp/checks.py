"""What an SMTP session refuses by itself: functions from what is known to the refusing reply, or None."""

from collections.abc import Mapping

from pillarbox.wire.lines import LineFault
from pillarbox.wire.smtp import replies
from pillarbox.wire.smtp.commands import Mail, Rcpt
from pillarbox.wire.smtp.config import SmtpConfig
from pillarbox.wire.smtp.replies import Reply
from pillarbox.wire.smtp.state import Rule, State, Verb

LINE_FAULTS: Mapping[LineFault, Reply] = {
    LineFault.TOO_LONG: replies.LINE_TOO_LONG,
    LineFault.BARE_NEWLINE: replies.BARE_NEWLINE_IN_COMMAND,
}

HTTP_METHODS = frozenset({b"GET", b"POST", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"CONNECT", b"PATCH", b"TRACE"})
"""A browser was led here (cross-protocol request): what follows is an attacker's choice, so nothing is read on."""

NOT_COUNTED = frozenset({replies.TOO_MANY_RECIPIENTS, replies.MESSAGE_TOO_LARGE})
"""Refusals that are no mistake of the client."""

_NOT_IMPLEMENTED = frozenset({b"SEND", b"SOML", b"SAML", b"TURN", b"ETRN", b"ATRN", b"BURL", b"XCLIENT", b"XFORWARD"})


def unknown(word: bytes, lmtp: bool) -> Reply:
    """The answer to a verb we do not have (RFC 5321 section 4.2.4, RFC 2033 section 4.1)."""
    if word in (b"EHLO", b"HELO") and lmtp:
        return replies.USE_LHLO
    if word == b"LHLO":
        return replies.USE_EHLO
    return replies.NOT_IMPLEMENTED if word in _NOT_IMPLEMENTED else replies.UNKNOWN_COMMAND


def text_of(argument: bytes) -> str | Reply:
    """A command's argument as text without control characters and trailing spaces."""
    try:
        text = argument.decode().rstrip(" \t")
    except UnicodeDecodeError:
        return replies.NOT_UTF8
    if not text.isprintable() and any(char < " " or "\x7f" <= char <= "\x9f" for char in text):
        return replies.CONTROL_CHARACTER
    return text


def in_order(rule: Rule, state: State, lmtp: bool) -> Reply | None:
    """Whether the verb is legal in this state (RFC 5321 section 4.1.4)."""
    if state in rule.legal:
        return None
    if state is State.START:
        return replies.LHLO_FIRST if lmtp else replies.HELLO_FIRST
    if state is State.REFUSED:
        return replies.NO_SERVICE
    if state is State.READY:
        return replies.MAIL_FIRST
    if state is State.BDAT:
        return replies.CHUNKS_OPEN
    if rule.verb in (Verb.DATA, Verb.BDAT):
        return replies.RCPT_FIRST
    return replies.TRANSACTION_OPEN


def required_first(rule: Rule, config: SmtpConfig, private: bool, authenticated: bool) -> Reply | None:
    """TLS and AUTH, where they must come before (RFC 3207 section 4, RFC 4954 section 6)."""
    if config.tls_required and not private and not rule.before_tls:
        return replies.TLS_FIRST
    if config.auth_required and not authenticated and not rule.before_auth:
        return replies.AUTH_FIRST
    return None


def mail(command: Mail, config: SmtpConfig, text: str) -> Reply | None:
    """Whether MAIL asks only for what is offered, and its declared size fits (RFC 1870 section 6.1)."""
    if command.smtputf8 and not config.smtputf8:
        return replies.UNKNOWN_PARAMETER
    if not command.smtputf8 and not text.isascii():
        return replies.NON_ASCII_ADDRESS
    if command.body == "BINARYMIME" and not config.chunking:
        return replies.UNKNOWN_PARAMETER
    if (command.ret or command.envid) and not config.dsn:
        return replies.UNKNOWN_PARAMETER
    if command.size is not None and command.size > config.size_limit:
        return replies.MESSAGE_TOO_LARGE
    return None


def rcpt(config: SmtpConfig, recipients: int, encoding_fits: bool, command: Rcpt) -> Reply | None:
    """Whether one more recipient is allowed and asks only for what is offered."""
    if not encoding_fits:
        return replies.NON_ASCII_ADDRESS
    if (command.notify or command.orcpt) and not config.dsn:
        return replies.UNKNOWN_PARAMETER
    if recipients >= config.max_recipients:
        return replies.TOO_MANY_RECIPIENTS
    return None
