"""ENABLE (RFC 9051 section 6.3.1, RFC 5161). What it may turn on: `ImapConfig.acceptable`."""

from dataclasses import dataclass

from pillarbox.wire.imap import grammar
from pillarbox.wire.imap.cursor import Cursor


@dataclass(slots=True, frozen=True)
class Enable:
    """ENABLE with the capabilities as written; unknown ones are not an error."""

    tag: bytes
    capabilities: tuple[str, ...]


def enable(tag: bytes, cursor: Cursor) -> Enable:
    """enable = "ENABLE" 1*(SP capability)"""
    cursor.space()
    names = [grammar.atom(cursor, "a capability")]
    while cursor.accept(b" "):
        names.append(grammar.atom(cursor, "a capability"))
    cursor.end()
    return Enable(tag, tuple(name.decode("ascii") for name in names))
