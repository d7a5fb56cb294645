"""What a FETCH asks for: the nouns, and the grammar of fetch-att and section (RFC 9051 section 9).

Each item that carries content holds `label`, the very octets that name it in the response, so that the answer is
put together without looking at the request again.
"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from pillarbox.wire.imap import grammar
from pillarbox.wire.imap.cursor import Cursor, ParseError
from pillarbox.wire.imap.strings import astring


class Attribute(Enum):
    """Items that are one prepared value; the value is the name in the response."""

    UID = b"UID"
    FLAGS = b"FLAGS"
    INTERNALDATE = b"INTERNALDATE"
    SIZE = b"RFC822.SIZE"
    ENVELOPE = b"ENVELOPE"
    BODYSTRUCTURE = b"BODYSTRUCTURE"
    BODY = b"BODY"  # BODYSTRUCTURE without its extension fields
    MODSEQ = b"MODSEQ"  # RFC 7162
    EMAILID = b"EMAILID"  # RFC 8474
    THREADID = b"THREADID"
    SAVEDATE = b"SAVEDATE"  # RFC 8514
    PREVIEW = b"PREVIEW"  # RFC 8970, LAZY or not


class Partial(NamedTuple):
    """partial: at most `length` octets (above zero) from octet `offset` on."""

    offset: int
    length: int


class Section(Enum):
    """What of a part a BODY[...] asks for."""

    ALL = "all"  # the part's content; of the message itself: the whole letter
    HEADER = "header"
    HEADER_FIELDS = "header-fields"
    HEADER_FIELDS_NOT = "header-fields-not"
    TEXT = "text"
    MIME = "mime"


@dataclass(slots=True, frozen=True)
class BodySection:
    """BODY[section]<partial>, and RFC822, RFC822.HEADER, RFC822.TEXT, which mean the same under another label.

    `part` is the part number, () for the letter itself; `fields` are header field names as written.
    Unless `peek`, fetching sets \\Seen.
    """

    label: bytes
    part: tuple[int, ...] = ()
    section: Section = Section.ALL
    fields: tuple[str, ...] = ()
    partial: Partial | None = None
    peek: bool = False


@dataclass(slots=True, frozen=True)
class BinarySection:
    """BINARY[part]<partial> (RFC 9051 section 6.4.5): the part's content with its transfer encoding undone."""

    label: bytes
    part: tuple[int, ...]
    partial: Partial | None = None
    peek: bool = False


@dataclass(slots=True, frozen=True)
class BinarySize:
    """BINARY.SIZE[part]: how many octets BINARY[part] has."""

    label: bytes
    part: tuple[int, ...]


FetchItem = Attribute | BodySection | BinarySection | BinarySize

_RFC822 = BodySection(b"RFC822")
_RFC822_HEADER = BodySection(b"RFC822.HEADER", section=Section.HEADER, peek=True)
_RFC822_TEXT = BodySection(b"RFC822.TEXT", section=Section.TEXT)
_FAST = (Attribute.FLAGS, Attribute.INTERNALDATE, Attribute.SIZE)
_MACROS: dict[bytes, tuple[FetchItem, ...]] = {
    b"FAST": _FAST,
    b"ALL": (*_FAST, Attribute.ENVELOPE),
    b"FULL": (*_FAST, Attribute.ENVELOPE, Attribute.BODY),
}
_SIMPLE: dict[bytes, FetchItem] = {
    **{attribute.value: attribute for attribute in Attribute},
    b"RFC822": _RFC822,
    b"RFC822.HEADER": _RFC822_HEADER,
    b"RFC822.TEXT": _RFC822_TEXT,
}
_SECTIONS = {
    b"HEADER": Section.HEADER,
    b"HEADER.FIELDS": Section.HEADER_FIELDS,
    b"HEADER.FIELDS.NOT": Section.HEADER_FIELDS_NOT,
    b"TEXT": Section.TEXT,
    b"MIME": Section.MIME,
}
_NAME = re.compile(rb"[A-Za-z0-9.]+")
_LAZY = re.compile(rb" \(LAZY\)", re.IGNORECASE)
_PART = re.compile(rb"[1-9][0-9]{0,8}(?>(?:\.[1-9][0-9]{0,8})*)")
_SECTION_WORD = re.compile(rb"[A-Za-z.]+")
_HEADER_LIST = re.compile(rb'\(([^\x00-\x20(){%*"\\\x7f-\xff]+(?>(?: [^\x00-\x20(){%*"\\\x7f-\xff]+)*))\)')
_PARTIAL = re.compile(rb"<([0-9]{1,19})\.([0-9]{1,19})>")


def fetch_items(cursor: Cursor) -> tuple[FetchItem, ...]:
    """ "ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")", without doubles"""
    if not cursor.accept(b"("):
        start = cursor.pos
        macro = _MACROS.get(cursor.take(_NAME, "a FETCH item").upper())
        if macro is not None:
            return macro
        cursor.pos = start
        return (fetch_att(cursor),)
    items = [fetch_att(cursor)]
    while cursor.accept(b" "):
        items.append(fetch_att(cursor))
    cursor.expect(b")", "a closing parenthesis")
    return tuple(dict.fromkeys(items))


def fetch_att(cursor: Cursor) -> FetchItem:
    """fetch-att = "ENVELOPE" / "FLAGS" / "INTERNALDATE" / "RFC822.SIZE" / "BODY" ["STRUCTURE"] / "UID" /
    "BODY" [".PEEK"] section [partial] / "BINARY" [".PEEK"] section-binary [partial] /
    "BINARY.SIZE" section-binary / "RFC822" [".HEADER" / ".TEXT"] / "MODSEQ" / "EMAILID" / "THREADID" / "SAVEDATE" /
    "PREVIEW" [SP "(" "LAZY" ")"]
    """
    name = cursor.take(_NAME, "a FETCH item").upper()
    if cursor.peek() != b"[":
        item = _SIMPLE.get(name)
        if item is None:
            raise ParseError("unknown FETCH item")
        if item is Attribute.PREVIEW:
            cursor.match(_LAZY)
        return item
    if name in (b"BODY", b"BODY.PEEK"):
        return _body(cursor, name == b"BODY.PEEK")
    if name in (b"BINARY", b"BINARY.PEEK"):
        part = section_binary(cursor)
        limits, origin = partial(cursor)
        return BinarySection(b"BINARY[" + _dotted(part) + b"]" + origin, part, limits, name == b"BINARY.PEEK")
    if name == b"BINARY.SIZE":
        part = section_binary(cursor)
        return BinarySize(b"BINARY.SIZE[" + _dotted(part) + b"]", part)
    raise ParseError("unknown FETCH item")


def _body(cursor: Cursor, peek: bool) -> BodySection:
    part, kind, fields, spec = section(cursor)
    limits, origin = partial(cursor)
    label = b"BODY[" + spec + b"]" + origin
    return BodySection(label, part, kind, fields, limits, peek)


def section(cursor: Cursor) -> tuple[tuple[int, ...], Section, tuple[str, ...], bytes]:
    """section = "[" [section-msgtext / (section-part ["." section-text])] "]"

    Part number, kind, header fields, and the section as the response names it.
    """
    cursor.expect(b"[", "a section")
    part = _part_number(cursor)
    spec = _dotted(part)
    if cursor.accept(b"]"):
        return part, Section.ALL, (), spec
    if part:
        cursor.expect(b".", "a section")
        spec += b"."
    word = cursor.take(_SECTION_WORD, "a section").upper()
    kind = _SECTIONS.get(word)
    if kind is None:
        raise ParseError("unknown section")
    if kind is Section.MIME and not part:
        raise ParseError("MIME needs a part number")
    spec += word
    fields: tuple[str, ...] = ()
    if kind in (Section.HEADER_FIELDS, Section.HEADER_FIELDS_NOT):
        cursor.space()
        fields, written = header_list(cursor)
        spec += b" (" + written + b")"
    cursor.expect(b"]", "a closing bracket")
    return part, kind, fields, spec


def section_binary(cursor: Cursor) -> tuple[int, ...]:
    """section-binary = "[" [section-part] "]" """
    cursor.expect(b"[", "a section")
    part = _part_number(cursor)
    cursor.expect(b"]", "a closing bracket")
    return part


def header_list(cursor: Cursor) -> tuple[tuple[str, ...], bytes]:
    """header-list = "(" header-fld-name *(SP header-fld-name) ")"; header-fld-name = astring

    The names, and how they are written in the response.
    """
    plain = cursor.match(_HEADER_LIST)
    if plain is not None:
        return tuple(plain[1].decode("ascii").split(" ")), plain[1]
    cursor.expect(b"(", "a list of header fields")
    fields = [_field(cursor)]
    while cursor.accept(b" "):
        fields.append(_field(cursor))
    cursor.expect(b")", "a closing parenthesis")
    return tuple(fields), b" ".join(astring(field.encode()) for field in fields)


def _field(cursor: Cursor) -> str:
    return grammar.text(grammar.astring(cursor, "a header field"), "the header field")


def partial(cursor: Cursor) -> tuple[Partial | None, bytes]:
    """partial = "<" number64 "." nz-number64 ">", with the origin that the response shows, like b"<0>" """
    if cursor.peek() != b"<":
        return None, b""
    found = cursor.match(_PARTIAL)
    if found is None:
        raise cursor.error("a range like <0.1024>")
    length = int(found[2])
    if not length:
        raise ParseError("a range of zero octets")
    return Partial(int(found[1]), length), b"<%d>" % int(found[1])


def _part_number(cursor: Cursor) -> tuple[int, ...]:
    """section-part = nz-number *("." nz-number), or nothing"""
    found = cursor.match(_PART)
    return tuple(map(int, found[0].split(b"."))) if found is not None else ()


def _dotted(part: tuple[int, ...]) -> bytes:
    return b".".join(b"%d" % number for number in part)
