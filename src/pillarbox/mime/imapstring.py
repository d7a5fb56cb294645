"""Strings as IMAP writes them: quoted where that is allowed, else as a literal. RFC 9051 section 4.3.

The result is always valid IMAP, whatever the value. Neither form can hold a NUL: it becomes "?". Bytes above
127 go out as a literal in UTF-8; what is not UTF-8 is read as Windows-1252 first.
"""

import re

from pillarbox.mime import charset

_SPECIAL = re.compile(rb'[\x00\r\n"\\\x80-\xff]')
_LITERAL = re.compile(rb"[\r\n\x80-\xff]")
_LONGEST_QUOTED = 4096


def string(value: bytes) -> bytes:
    """string = quoted / literal"""
    if _SPECIAL.search(value) is None and len(value) <= _LONGEST_QUOTED:
        return b'"%b"' % value
    value = value.replace(b"\0", b"?")
    if len(value) <= _LONGEST_QUOTED and _LITERAL.search(value) is None:
        return b'"%b"' % value.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    if not value.isascii():
        value = charset.guess(value).encode("utf-8")
    return b"{%d}\r\n%b" % (len(value), value)


def nstring(value: bytes | None) -> bytes:
    """nstring = string / nil"""
    return b"NIL" if value is None else string(value)
