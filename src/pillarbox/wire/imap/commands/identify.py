"""ID: who the client says it is (RFC 2971). For the log only."""

from dataclasses import dataclass

from pillarbox.wire.imap import grammar
from pillarbox.wire.imap.cursor import Cursor, ParseError

MAX_FIELDS = 30


@dataclass(slots=True, frozen=True)
class Id:
    """ID with its fields, names in lower case; a value may be missing (NIL)."""

    tag: bytes
    fields: tuple[tuple[str, str | None], ...]


def identify(tag: bytes, cursor: Cursor) -> Id:
    """id = "ID" SP id-params-list; id-params-list = "(" [string SP nstring *(SP string SP nstring)] ")" / nil"""
    cursor.space()
    fields: list[tuple[str, str | None]] = []
    if not grammar.nil(cursor):
        cursor.expect(b"(", "a list of fields or NIL")
        if not cursor.accept(b")"):
            fields.append(_field(cursor))
            while cursor.accept(b" "):
                if len(fields) == MAX_FIELDS:
                    raise ParseError("more than 30 fields in ID")
                fields.append(_field(cursor))
            cursor.expect(b")", "a closing parenthesis")
    cursor.end()
    return Id(tag, tuple(fields))


def _field(cursor: Cursor) -> tuple[str, str | None]:
    name = grammar.string(cursor, "a field name").decode("utf-8", "replace").lower()
    cursor.space()
    value = grammar.nstring(cursor)
    return name, None if value is None else value.decode("utf-8", "replace")
