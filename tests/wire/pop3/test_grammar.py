"""Numbers and words of POP3."""

import pytest

from pillarbox.wire.pop3 import arguments, grammar
from pillarbox.wire.pop3.commands import Auth, List, Pass, Retr, Top, Uidl, User
from pillarbox.wire.pop3.replies import Err
from pillarbox.wire.pop3.state import RULES, Verb


def test_numbers() -> None:
    assert grammar.message_number("1") == 1
    assert grammar.message_number("0012") == 12
    assert grammar.line_count("0") == 0
    for text in ("", "0", "-1", "+1", "1 ", "x", "1.0", "²", "1" * 11):
        assert grammar.message_number(text) is None, text


@pytest.mark.parametrize(
    ("verb", "text", "command"),
    [
        (Verb.USER, "bob@b.test", User("bob@b.test")),
        (Verb.USER, "bob with spaces ", User("bob with spaces")),
        (Verb.PASS, " se cret ", Pass("", " se cret ")),
        (Verb.PASS, "grün", Pass("", "grün")),
        (Verb.LIST, "", List(None)),
        (Verb.LIST, "3", List(3)),
        (Verb.UIDL, " ", Uidl(None)),
        (Verb.RETR, "7 ", Retr(7)),
        (Verb.TOP, "7  0", Top(7, 0)),
        (Verb.AUTH, "plain =", Auth("PLAIN", b"")),
    ],
)
def test_commands(verb: Verb, text: str, command: object) -> None:
    assert arguments.PARSERS[verb](text) == command


@pytest.mark.parametrize(
    ("verb", "text"),
    [
        (Verb.USER, " "), (Verb.PASS, ""), (Verb.LIST, "0"), (Verb.LIST, "1 2"), (Verb.RETR, ""), (Verb.DELE, "x"),
        (Verb.TOP, "1"), (Verb.TOP, "1 -1"), (Verb.TOP, "0 1"), (Verb.TOP, "1 2 3"), (Verb.AUTH, ""), (Verb.STAT, "1"),
        (Verb.AUTH, "PLAIN !"), (Verb.AUTH, "PLAIN YQ== x"), (Verb.AUTH, "PLÄIN"), (Verb.QUIT, "now"),
    ],
)  # fmt: skip
def test_arguments_that_are_refused(verb: Verb, text: str) -> None:
    assert isinstance(arguments.PARSERS[verb](text), Err)


def test_every_keyword_has_a_parser() -> None:
    assert set(arguments.PARSERS) == {rule.verb for rule in RULES.values()}
