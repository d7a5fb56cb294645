"""From a keyword's argument to its command: one parser per keyword (RFC 1939, RFC 5034).

A parser takes the text behind the keyword (no control characters) and answers the command, or the `Err` that
refuses it. What depends on the session is not checked here; `Pass.name` and `Quit.update` are filled in by it.
"""

from collections.abc import Callable, Mapping

from pillarbox.wire.pop3 import replies
from pillarbox.wire.pop3.commands import (
    Auth,
    Capa,
    Command,
    Dele,
    List,
    Noop,
    Pass,
    Quit,
    Retr,
    Rset,
    Stat,
    Stls,
    Top,
    Uidl,
    User,
    Utf8,
)
from pillarbox.wire.pop3.grammar import line_count, message_number, words
from pillarbox.wire.pop3.replies import Err
from pillarbox.wire.pop3.state import Verb
from pillarbox.wire.sasl.framing import Framing, decode_initial

Parser = Callable[[str], Command | Err]


def user(text: str) -> Command | Err:
    """ "USER" SP name (RFC 1939 section 7)"""
    name = text.strip(" ")
    return User(name) if name else replies.BAD_ARGUMENT


def password(text: str) -> Command | Err:
    """ "PASS" SP string; it may hold spaces, also at its ends (RFC 1939 section 7)"""
    return Pass("", text) if text else replies.BAD_ARGUMENT


def auth(text: str) -> Command | Err:
    """ "AUTH" SP mechanism [SP initial-response] (RFC 5034 section 4)"""
    found = words(text)
    if not text.isascii() or not 1 <= len(found) <= 2:
        return replies.BAD_ARGUMENT
    initial = decode_initial(found[1].encode()) if len(found) == 2 else None
    if isinstance(initial, Framing):
        return replies.AUTH_MALFORMED
    return Auth(found[0].upper(), initial)


def top(text: str) -> Command | Err:
    """ "TOP" SP msg SP n (RFC 1939 section 7)"""
    found = words(text)
    if len(found) != 2:
        return replies.BAD_ARGUMENT
    number, lines = message_number(found[0]), line_count(found[1])
    return Top(number, lines) if number is not None and lines is not None else replies.BAD_ARGUMENT


def _alone(command: Command) -> Parser:
    return lambda text: replies.NO_ARGUMENT_ALLOWED if text.strip(" ") else command


def _numbered(make: Callable[[int], Command]) -> Parser:
    def parse(text: str) -> Command | Err:
        number = message_number(text.strip(" "))
        return make(number) if number is not None else replies.BAD_ARGUMENT

    return parse


def _optional(make: Callable[[int | None], Command]) -> Parser:
    numbered = _numbered(make)
    return lambda text: numbered(text) if text.strip(" ") else make(None)


PARSERS: Mapping[Verb, Parser] = {
    Verb.USER: user,
    Verb.PASS: password,
    Verb.AUTH: auth,
    Verb.CAPA: _alone(Capa()),
    Verb.STLS: _alone(Stls()),
    Verb.UTF8: _alone(Utf8()),
    Verb.STAT: _alone(Stat()),
    Verb.LIST: _optional(List),
    Verb.UIDL: _optional(Uidl),
    Verb.RETR: _numbered(Retr),
    Verb.TOP: top,
    Verb.DELE: _numbered(Dele),
    Verb.RSET: _alone(Rset()),
    Verb.NOOP: _alone(Noop()),
    Verb.QUIT: _alone(Quit(False)),
}
