"""The grammar shared by many commands: numbers, strings, mailboxes, flags, dates, sets (RFC 9051 section 9).

Each function is named after its ABNF rule, reads it at the cursor, and raises `ParseError` with a reason fit for a
tagged BAD. More liberal than the RFC in one point: a quoted string may hold octets above 127 even before IMAP4rev2
is enabled (passwords and search words are sent that way); who uses the string decides what they mean.
"""

import re
from datetime import UTC, datetime, timedelta
from datetime import date as Date

from pillarbox.base.clock import MICROSECONDS
from pillarbox.wire.imap import mutf7
from pillarbox.wire.imap.cursor import Cursor, ParseError
from pillarbox.wire.imap.sequence_set import MAX_NUMBER, SAVED, STAR, SequenceSet

_ATOM = re.compile(rb'[^\x00-\x20(){%*"\\\]\x7f-\xff]+')
_ASTRING = re.compile(rb'[^\x00-\x20(){%*"\\\x7f-\xff]+')
_LIST_CHARS = re.compile(rb'[^\x00-\x20(){"\\\x7f-\xff]+')
_TAG = re.compile(rb'[^\x00-\x20(){%*"\\+\x7f-\xff]+')
_QUOTED = re.compile(rb'"([^"\\\r\n\0]*+)"')
_QUOTED_ESCAPED = re.compile(rb'"((?>(?:[^"\\\r\n\0]++|\\["\\])*))"')
_ESCAPE = re.compile(rb"\\(.)")
_LITERAL = re.compile(rb"\{([0-9]{1,20})\+?\}\r\n")
_NUMBER = re.compile(rb"[0-9]{1,20}")
_SEQUENCE_SET = re.compile(
    rb"(?:\*|[1-9][0-9]{0,9})(?::(?:\*|[1-9][0-9]{0,9}))?"
    rb"(?>(?:,(?:\*|[1-9][0-9]{0,9})(?::(?:\*|[1-9][0-9]{0,9}))?)*)"
)
_FLAG = re.compile(rb'\\?[^\x00-\x20(){%*"\\\]\x7f-\xff]+')
_DATE = re.compile(rb'("?)([0-9]{1,2})-([A-Za-z]{3})-([0-9]{4})\1')
_DATE_TIME = re.compile(
    rb'"([ 0-9][0-9])-([A-Za-z]{3})-([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) ([+-])([0-9]{2})([0-9]{2})"'
)
MONTHS = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")
_MONTHS = {name.upper(): number for number, name in enumerate(MONTHS, 1)}
_MAX_64 = (1 << 63) - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SYSTEM_FLAGS = {name.lower(): name for name in ("\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft")}


def tag(cursor: Cursor) -> bytes:
    """tag = 1*<any ASTRING-CHAR except "+">"""
    return cursor.take(_TAG, "a tag")


def number(cursor: Cursor) -> int:
    """number = 1*DIGIT, below 2^32"""
    value = int(cursor.take(_NUMBER, "a number"))
    if value > MAX_NUMBER:
        raise ParseError("number above 4294967295")
    return value


def nz_number(cursor: Cursor) -> int:
    """nz-number = digit-nz *DIGIT, below 2^32"""
    value = number(cursor)
    if not value:
        raise ParseError("number must not be zero")
    return value


def number64(cursor: Cursor) -> int:
    """number64 = 1*DIGIT, below 2^63"""
    value = int(cursor.take(_NUMBER, "a number"))
    if value > _MAX_64:
        raise ParseError("number above 9223372036854775807")
    return value


def atom(cursor: Cursor, what: str = "an atom") -> bytes:
    """atom = 1*ATOM-CHAR"""
    return cursor.take(_ATOM, what)


def astring(cursor: Cursor, what: str = "a string") -> bytes:
    """astring = 1*ASTRING-CHAR / string"""
    found = cursor.match(_ASTRING)
    return found[0] if found is not None else string(cursor, what)


def string(cursor: Cursor, what: str = "a string") -> bytes:
    """string = quoted / literal"""
    found = cursor.match(_QUOTED)
    if found is not None:
        return found[1]
    if cursor.peek() == b"{":
        return literal(cursor, what)
    found = cursor.match(_QUOTED_ESCAPED)
    if found is None:
        raise cursor.error(what)
    return _ESCAPE.sub(rb"\1", found[1])


def literal(cursor: Cursor, what: str = "a literal") -> bytes:
    """literal = "{" number64 ["+"] "}" CRLF *CHAR8"""
    found = cursor.match(_LITERAL)
    if found is None:
        raise cursor.error(what)
    end = cursor.pos + int(found[1])
    if end > len(cursor.data):
        raise ParseError("a literal is shorter than announced")
    data = cursor.data[cursor.pos : end]
    cursor.pos = end
    return data


def nil(cursor: Cursor) -> bool:
    """nil = "NIL", without regard to case; False if something else stands here"""
    if cursor.data[cursor.pos : cursor.pos + 3].upper() != b"NIL":
        return False
    cursor.pos += 3
    return True


def nstring(cursor: Cursor) -> bytes | None:
    """nstring = string / nil"""
    return None if nil(cursor) else string(cursor, "a string or NIL")


def text(data: bytes, what: str) -> str:
    """The characters of a string: UTF-8, of which ASCII is a part. ParseError if it is neither."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ParseError(f"{what} is not in UTF-8") from error


def mailbox(cursor: Cursor) -> str:
    """mailbox = "INBOX" / astring, as its name; INBOX, alone or as the first level, in capitals."""
    name = _mailbox_name(astring(cursor, "a mailbox name"), cursor.utf8)
    if name[:5].upper() == "INBOX" and name[5:6] in ("", "/"):
        return "INBOX" + name[5:]
    return name


def list_mailbox(cursor: Cursor) -> str:
    """list-mailbox = 1*list-char / string"""
    found = cursor.match(_LIST_CHARS)
    return _mailbox_name(found[0] if found is not None else string(cursor, "a mailbox pattern"), cursor.utf8)


def _mailbox_name(name: bytes, utf8: bool) -> str:
    """A name on the wire: UTF-8 once IMAP4rev2 is enabled, modified UTF-7 before (RFC 9051 appendix A.1)."""
    if utf8:
        return text(name, "the mailbox name")
    try:
        return mutf7.decode(name)
    except ValueError as error:
        raise ParseError("the mailbox name is not in modified UTF-7") from error


def flag(cursor: Cursor) -> str:
    """flag = "\\Answered" / "\\Flagged" / "\\Deleted" / "\\Seen" / "\\Draft" / flag-keyword / flag-extension

    System flags come out in the RFC's spelling, others as written.
    """
    name = cursor.take(_FLAG, "a flag").decode("ascii")
    if name[0] != "\\":
        return name
    if name.lower() == "\\recent":
        raise ParseError("\\Recent cannot be set by a client")
    return _SYSTEM_FLAGS.get(name.lower(), name)


def flag_list(cursor: Cursor) -> tuple[str, ...]:
    """flag-list = "(" [flag *(SP flag)] ")", without doubles"""
    cursor.expect(b"(", "a list of flags")
    if cursor.accept(b")"):
        return ()
    flags = [flag(cursor)]
    while cursor.accept(b" "):
        flags.append(flag(cursor))
    cursor.expect(b")", "a closing parenthesis")
    return tuple(dict.fromkeys(flags))


def sequence_set(cursor: Cursor) -> SequenceSet:
    """sequence-set = (seq-number / seq-range) ["," sequence-set] / seq-last-command"""
    if cursor.accept(b"$"):
        return SAVED
    ranges = []
    for part in cursor.take(_SEQUENCE_SET, "a set of message numbers").split(b","):
        first, colon, last = part.partition(b":")
        low = _seq_number(first)
        high = _seq_number(last) if colon else low
        ranges.append((low, high) if low <= high else (high, low))
    return SequenceSet(tuple(ranges))


def _seq_number(digits: bytes) -> int:
    """seq-number = nz-number / "*" """
    if digits == b"*":
        return STAR
    value = int(digits)
    if value > MAX_NUMBER:
        raise ParseError("message number above 4294967295")
    return value


def _month(name: bytes) -> int:
    month = _MONTHS.get(name.upper())
    if month is None:
        raise ParseError("no such month")
    return month


def date(cursor: Cursor) -> Date:
    """date = date-text / DQUOTE date-text DQUOTE; date-text = date-day "-" date-month "-" date-year"""
    found = cursor.match(_DATE)
    if found is None:
        raise cursor.error("a date like 1-Feb-1994")
    month = _month(found[3])
    try:
        return Date(int(found[4]), month, int(found[2]))
    except ValueError as error:
        raise ParseError("no such day") from error


def date_time(cursor: Cursor) -> int:
    """date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE

    As microseconds since 1970 UTC.
    """
    found = cursor.match(_DATE_TIME)
    if found is None:
        raise cursor.error('a date and time like " 1-Feb-1994 21:52:25 -0800"')
    day, month, year, hour, minute, second, sign, zone_hour, zone_minute = found.groups()
    if int(zone_minute) > 59 or int(zone_hour) > 23:
        raise ParseError("no such time zone")
    try:
        # A leap second (60) is taken as the second before it.
        moment = datetime(int(year), _month(month), int(day), int(hour), int(minute), min(int(second), 59), tzinfo=UTC)
    except ValueError as error:
        raise ParseError("no such day or time") from error
    zone = timedelta(hours=int(zone_hour), minutes=int(zone_minute))
    since = moment - _EPOCH + (zone if sign == b"-" else -zone)
    return since // timedelta(seconds=1) * MICROSECONDS


def value_list(cursor: Cursor, what: str) -> list[bytes]:
    """ "(" [atom *(SP atom)] ")": a list of keywords, in capitals."""
    cursor.expect(b"(", f"a list of {what}s")
    if cursor.accept(b")"):
        return []
    words = [cursor.word(f"a {what}")]
    while cursor.accept(b" "):
        words.append(cursor.word(f"a {what}"))
    cursor.expect(b")", "a closing parenthesis")
    return words
