"""CANCELUPDATE: no more updates of a search's result (RFC 5267 section 4.4)."""

from dataclasses import dataclass

from pillarbox.wire.imap import grammar
from pillarbox.wire.imap.cursor import Cursor


@dataclass(slots=True, frozen=True)
class CancelUpdate:
    """CANCELUPDATE of the searches that had these tags."""

    tag: bytes
    tags: tuple[bytes, ...]


def cancelupdate(tag: bytes, cursor: Cursor) -> CancelUpdate:
    """command-select =/ "CANCELUPDATE" 1*(SP quoted)"""
    cursor.space()
    tags = [grammar.string(cursor, "a tag in quotes")]
    while cursor.accept(b" "):
        tags.append(grammar.string(cursor, "a tag in quotes"))
    cursor.end()
    return CancelUpdate(tag, tuple(tags))
