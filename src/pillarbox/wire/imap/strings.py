"""Writing IMAP strings: atom, quoted or literal, whichever the octets allow (RFC 9051 section 4.3).

A quoted string holds ASCII, or UTF-8 where `utf8` says that the client has enabled IMAP4rev2 or UTF8=ACCEPT.
CR, LF and anything else that does not fit goes out as a literal; a NUL, which no string may hold, as SUB (%x1A).
"""

import re

from pillarbox.wire.imap import mutf7

_ATOM = re.compile(rb'[^\x00-\x20(){%*"\\\x7f-\xff]+')  # 1*ASTRING-CHAR
_QUOTABLE = re.compile(rb"[\x01-\x09\x0b\x0c\x0e-\x7f]*")
_QUOTABLE_UTF8 = re.compile(rb"[\x01-\x09\x0b\x0c\x0e-\xff]*")
_QUOTED_MAX = 1000
"""Longer strings go out as literals, which clients read without scanning."""


def literal(data: bytes) -> bytes:
    """literal = "{" number64 "}" CRLF *CHAR8"""
    if b"\0" in data:
        data = data.replace(b"\0", b"\x1a")
    return b"{%d}\r\n%b" % (len(data), data)


def literal8(data: bytes) -> bytes:
    """literal8 = "~{" number64 "}" CRLF *OCTET"""
    return b"~{%d}\r\n%b" % (len(data), data)


def string(data: bytes, utf8: bool = False) -> bytes:
    """string = quoted / literal"""
    if len(data) <= _QUOTED_MAX and _quotable(data, utf8):
        if b"\\" in data or b'"' in data:
            data = data.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
        return b'"%b"' % data
    return literal(data)


def _quotable(data: bytes, utf8: bool) -> bool:
    if not utf8 or data.isascii():
        return _QUOTABLE.fullmatch(data) is not None
    if _QUOTABLE_UTF8.fullmatch(data) is None:
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def nstring(data: bytes | None, utf8: bool = False) -> bytes:
    """nstring = string / "NIL" """
    return b"NIL" if data is None else string(data, utf8)


def astring(data: bytes, utf8: bool = False) -> bytes:
    """astring = 1*ASTRING-CHAR / string; NIL is quoted, since some clients take the bare word for nothing"""
    if _ATOM.fullmatch(data) and data.upper() != b"NIL":
        return data
    return string(data, utf8)


def mailbox(name: str, utf8: bool = False) -> bytes:
    """mailbox = "INBOX" / astring: UTF-8 if `utf8`, otherwise modified UTF-7"""
    return astring(name.encode("utf-8") if utf8 else mutf7.encode(name), utf8)


def human(text: str) -> bytes:
    """text = 1*TEXT-CHAR, for the end of a response line: one line of ASCII, never empty, not starting with "[" """
    line = text.encode("ascii", "replace").translate(_ONE_LINE).strip()
    if line[:1] == b"[":
        line = b"." + line
    return line or b"-"


_ONE_LINE = bytes(32 if code < 32 or code == 127 else code for code in range(256))
