"""The shared grammar: what each rule reads, where it stops, what it refuses."""

from datetime import UTC, date, datetime

import pytest

from pillarbox.wire.imap import grammar
from pillarbox.wire.imap.cursor import Cursor, ParseError

MICRO = 1_000_000


def micros(*moment):
    return int(datetime(*moment, tzinfo=UTC).timestamp()) * MICRO


@pytest.mark.parametrize(
    ("rule", "text", "value"),
    [
        (grammar.tag, b"a1.b/c]", b"a1.b/c]"),
        (grammar.number, b"0", 0),
        (grammar.number, b"4294967295", 4294967295),
        (grammar.nz_number, b"1", 1),
        (grammar.number64, b"9223372036854775807", (1 << 63) - 1),
        (grammar.atom, b"abc", b"abc"),
        (grammar.astring, b"abc]", b"abc]"),
        (grammar.astring, b'"a b"', b"a b"),
        (grammar.astring, b'""', b""),
        (grammar.astring, b'"a\\"b\\\\c"', b'a"b\\c'),
        (grammar.astring, b'"caf\xc3\xa9"', b"caf\xc3\xa9"),
        (grammar.astring, b"{3}\r\na)b", b"a)b"),
        (grammar.astring, b"{3+}\r\n\r\n\xff", b"\r\n\xff"),
        (grammar.astring, b"{0}\r\n", b""),
        (grammar.nstring, b"nil", None),
        (grammar.nstring, b'"NIL"', b"NIL"),
        (grammar.mailbox, b"iNbOx", "INBOX"),
        (grammar.mailbox, b"inbox/Sub", "INBOX/Sub"),
        (grammar.mailbox, b"inboxes", "inboxes"),
        (grammar.mailbox, b'"Entw&APw-rfe"', "Entwürfe"),
        (grammar.list_mailbox, b"a/%*", "a/%*"),
        (grammar.list_mailbox, b'"a b*"', "a b*"),
        (grammar.flag, b"\\seen", "\\Seen"),
        (grammar.flag, b"$Junk", "$Junk"),
        (grammar.flag, b"\\Other", "\\Other"),
        (grammar.flag_list, b"()", ()),
        (grammar.flag_list, b"(\\Seen $a \\SEEN)", ("\\Seen", "$a")),
        (grammar.date, b"1-Feb-1994", date(1994, 2, 1)),
        (grammar.date, b'"01-feb-1994"', date(1994, 2, 1)),
        (grammar.date_time, b'" 1-Feb-1994 21:52:25 -0800"', micros(1994, 2, 2, 5, 52, 25)),
        (grammar.date_time, b'"17-Jul-1996 02:44:25 +0530"', micros(1996, 7, 16, 21, 14, 25)),
        (grammar.date_time, b'"31-Dec-1969 23:59:59 +0000"', -1 * MICRO),
        (grammar.date_time, b'"31-Dec-2016 23:59:60 +0000"', micros(2016, 12, 31, 23, 59, 59)),
    ],
)
def test_what_a_rule_reads(rule, text, value):
    for trailing in (b"", b")", b" "):
        cursor = Cursor(text + trailing)
        assert rule(cursor) == value
        assert cursor.data[cursor.pos :] == trailing


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (grammar.tag, b"+"),
        (grammar.tag, b""),
        (grammar.tag, b"\xe9"),
        (grammar.number, b"4294967296"),
        (grammar.number, b"-1"),
        (grammar.nz_number, b"0"),
        (grammar.number64, b"9223372036854775808"),
        (grammar.astring, b'"open'),
        (grammar.astring, b'"a\\b"'),
        (grammar.astring, b'"a\rb"'),
        (grammar.astring, b"{5}\r\nab"),
        (grammar.astring, b"{5}"),
        (grammar.astring, b"~{2}\r\n\0\0x"),
        (grammar.nstring, b"atom"),
        (grammar.mailbox, b'"caf\xc3\xa9"'),
        (grammar.mailbox, b"a&b"),
        (grammar.mailbox, b"a*"),
        (grammar.flag, b"\\*"),
        (grammar.flag, b"\\Recent"),
        (grammar.flag_list, b"(\\Seen"),
        (grammar.flag_list, b"\\Seen"),
        (grammar.flag_list, b"(a  b)"),
        (grammar.date, b"30-Feb-1994"),
        (grammar.date, b"1-Foo-1994"),
        (grammar.date, b"1-Feb-94"),
        (grammar.date, b"1-Feb-0000"),
        (grammar.date_time, b'" 1-Feb-1994 25:00:00 +0000"'),
        (grammar.date_time, b'" 1-Feb-1994 21:52:25 +0099"'),
        (grammar.date_time, b'"1-Feb-1994 21:52:25 -0800"'),
    ],
)
def test_what_a_rule_refuses(rule, text):
    cursor = Cursor(text + b"")
    with pytest.raises(ParseError) as error:
        rule(cursor)
        cursor.end()
    assert error.value.reason


def test_names_are_utf8_once_enabled():
    assert grammar.mailbox(Cursor('"Entwürfe & mehr"'.encode(), utf8=True)) == "Entwürfe & mehr"
    assert grammar.mailbox(Cursor(b"a&b", utf8=True)) == "a&b"
    with pytest.raises(ParseError):
        grammar.mailbox(Cursor(b'"\xff"', utf8=True))


def test_long_hostile_strings_take_no_time():
    with pytest.raises(ParseError):
        grammar.astring(Cursor(b'"' + b"\\\\a" * 20_000))
    cursor = Cursor(b"1,2:3," * 10_000 + b"x")
    assert len(grammar.sequence_set(cursor).ranges) == 20_000
    assert cursor.peek() == b","


def test_an_error_never_shows_what_the_client_sent():
    with pytest.raises(ParseError) as error:
        grammar.astring(Cursor(b'"secret'))
    assert "secret" not in error.value.reason
